use burn::module::Module;
use burn::tensor::Tensor;

use super::DropoutRng;

/// Drops whole words: every occurrence of a dropped word in the batch is a zero vector (Gal and
/// Ghahramani 2016; Merity et al. 2017, section 4.3).
#[doc(alias = "embed_p")]
#[derive(Module, Debug)]
pub struct EmbeddingDropout {
    /// The probability that a word type is dropped for one forward pass, in `[0, 1)`.
    pub prob: f64,
}

impl EmbeddingDropout {
    /// The mask that drops whole words of the embedding matrix `weight`, `[vocab_size, d_embedding]`:
    /// a value a word, `[vocab_size]`. `None` without `dropout` or where `prob` is zero.
    ///
    /// The embedding multiplies with it where it looks words up, which is the same as masking the
    /// rows of the matrix, without its copy.
    pub fn mask(&self, weight: &Tensor<2>, dropout: Option<&mut DropoutRng>) -> Option<Tensor<1>> {
        let rng = dropout.filter(|_| self.prob > 0.0)?;
        let [vocab_size, _] = weight.dims();
        Some(rng.mask([vocab_size], self.prob, &weight.device()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Int};
    use ulmfit_kernels::embedding;

    #[test]
    fn a_dropped_word_is_dropped_everywhere() {
        let device = Device::flex();
        let tokens = Tensor::<1, Int>::from_data([0, 1, 2, 3, 0, 1, 2, 3], &device);
        let weight = Tensor::<2>::ones([4, 3], &device);
        let dropout = EmbeddingDropout { prob: 0.5 };
        let mut seen_dropped = false;
        for step in 0..20 {
            let mask = dropout.mask(&weight, Some(&mut DropoutRng::new(0, step)));
            let output = embedding(weight.clone(), tokens.clone(), mask);
            let first = output.clone().narrow(0, 0, 4).into_data();
            assert_eq!(first, output.narrow(0, 4, 4).into_data());
            let values: Vec<f32> = first.try_to_vec().unwrap();
            for word in values.chunks(3) {
                assert!(
                    word.iter()
                        .all(|&value| value.to_bits() == word[0].to_bits())
                );
                seen_dropped |= word[0] == 0.0;
            }
        }
        assert!(seen_dropped);
    }
}
