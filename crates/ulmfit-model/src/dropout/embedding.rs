use burn::module::Module;
use burn::tensor::{Int, Tensor};

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
    /// Drops words from `embedded`, the embeddings of `tokens`; returns it unchanged without
    /// `dropout` or where `prob` is zero.
    ///
    /// One mask value is drawn for each of the `vocab_size` words and looked up for each token,
    /// which is the same as masking the rows of the embedding matrix, without its copy.
    ///
    /// # Shapes
    ///
    /// - embedded, output: `[tokens, d_embedding]`
    /// - tokens: `[tokens]`, each below `vocab_size`
    pub fn forward(
        &self,
        embedded: Tensor<2>,
        tokens: Tensor<1, Int>,
        vocab_size: usize,
        dropout: Option<&mut DropoutRng>,
    ) -> Tensor<2> {
        let Some(rng) = dropout.filter(|_| self.prob > 0.0) else {
            return embedded;
        };
        let mask: Tensor<2> = rng.mask([vocab_size, 1], self.prob, &embedded.device());
        embedded * mask.select(0, tokens) // [tokens, d_embedding] * [tokens, 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_dropped_word_is_dropped_everywhere() {
        let device = Device::flex();
        let tokens = Tensor::<1, Int>::from_data([0, 1, 2, 3, 0, 1, 2, 3], &device);
        let embedded = Tensor::<2>::ones([8, 3], &device);
        let dropout = EmbeddingDropout { prob: 0.5 };
        let mut seen_dropped = false;
        for step in 0..20 {
            let mut rng = DropoutRng::new(0, step);
            let output = dropout.forward(embedded.clone(), tokens.clone(), 4, Some(&mut rng));
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
