use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Where the dropout masks of one training step come from.
///
/// Masks are drawn on the host rather than by the device's own generator, for three reasons: the
/// same seed gives the same masks on every backend; a step's masks depend on the seed and the
/// step alone, so that a resumed run needs no generator state; and no global generator is shared
/// between models.
#[derive(Clone, Debug)]
pub struct DropoutRng {
    rng: ChaCha8Rng,
}

impl DropoutRng {
    /// The masks of step `step` of the run with seed `seed`.
    pub fn new(seed: u64, step: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..15].copy_from_slice(b"dropout");
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(step);
        Self { rng }
    }

    /// Plain dropout: each element of `input` is zero with probability `prob`.
    pub(crate) fn plain(&mut self, input: Tensor<2>, prob: f64) -> Tensor<2> {
        if prob == 0.0 {
            return input;
        }
        let mask = self.mask(input.dims(), prob, &input.device());
        input * mask
    }

    /// A mask that is zero with probability `prob`, else `1 / (1 - prob)`, so that the expected
    /// value of what it multiplies does not change.
    ///
    /// `prob` must be in `[0, 1)`.
    pub(super) fn mask<const D: usize>(
        &mut self,
        shape: [usize; D],
        prob: f64,
        device: &Device,
    ) -> Tensor<D> {
        let kept = (1.0 / (1.0 - prob)) as f32;
        // A draw below the threshold drops; 2^32 equally likely draws resolve `prob` to 2e-10.
        let threshold = (prob * 2f64.powi(32)) as u32;
        let values = (0..shape.iter().product::<usize>())
            .map(|_| {
                if self.rng.next_u32() < threshold {
                    0.0
                } else {
                    kept
                }
            })
            .collect::<Vec<f32>>();
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64, step: u64) -> Vec<f32> {
        let mut rng = DropoutRng::new(seed, step);
        rng.mask([100, 100], 0.25, &Device::flex())
            .into_data()
            .try_to_vec()
            .unwrap()
    }

    #[test]
    fn a_mask_keeps_the_stated_fraction_and_the_mean() {
        let mask = draw(1, 0);
        assert!(
            mask.iter()
                .all(|&value| value == 0.0 || (value - 1.0 / 0.75).abs() < 1e-6)
        );
        let mean = mask.iter().sum::<f32>() / mask.len() as f32;
        // Six standard deviations of the mean of 10,000 draws.
        assert!(
            (mean - 1.0).abs() < 6.0 * (0.25f32 / 0.75).sqrt() / 100.0,
            "{mean}"
        );
    }

    #[test]
    fn masks_depend_on_the_seed_and_the_step_alone() {
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7), draw(1, 8));
        assert_ne!(draw(1, 7), draw(2, 7));
    }
}
