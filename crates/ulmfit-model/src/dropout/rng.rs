use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Elements that are drawn at a time. Each block's draws begin at a place of their own in the
/// stream, so that a mask is the same however many threads share its blocks. A whole number of
/// `ChaCha8Rng`'s buffers, of 64 words each.
const BLOCK: usize = 2048;

/// Words of the stream that a block takes: a draw is half a word.
const BLOCK_WORDS: u128 = BLOCK as u128 / 2;

/// Blocks that are worth a thread of their own.
const BLOCKS_A_THREAD: usize = 16;

/// Where the dropout masks of one training step come from.
///
/// Masks are drawn on the host rather than by the device's own generator, for three reasons: the
/// same seed gives the same masks on every backend; a step's masks depend on the seed and the
/// step alone, so that a resumed run needs no generator state; and no global generator is shared
/// between models.
#[derive(Clone, Debug)]
pub struct DropoutRng {
    rng: ChaCha8Rng,
    /// Where in the stream the next mask begins, in words.
    position: u128,
}

impl DropoutRng {
    /// The masks of step `step` of the run with seed `seed`.
    pub fn new(seed: u64, step: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..15].copy_from_slice(b"dropout");
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(step);
        Self { rng, position: 0 }
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
    /// `prob` must be in `[0, 1)`. It is taken to the nearest of the multiples of 2^-16, of which a
    /// draw of 16 bits is one; the value of what is kept goes with that multiple.
    pub(super) fn mask<const D: usize>(
        &mut self,
        shape: [usize; D],
        prob: f64,
        device: &Device,
    ) -> Tensor<D> {
        const DRAWS: f64 = 65536.0; // 2^16, all equally likely
        // Never all of them, so that something is kept and the mean can be.
        let dropped = (prob * DRAWS).round().clamp(0.0, DRAWS - 1.0);
        let kept = (DRAWS / (DRAWS - dropped)) as f32;
        // Signed, since vectors of signed numbers can be compared on every CPU.
        let threshold = (dropped as i32 + i32::from(i16::MIN)) as i16;

        let elements = shape.iter().product::<usize>();
        let blocks = elements.div_ceil(BLOCK);
        let position = self.position;
        let mut values = (0..blocks)
            .into_par_iter()
            .with_min_len(BLOCKS_A_THREAD)
            .map_with(self.rng.clone(), |rng, block| {
                rng.set_word_pos(position + block as u128 * BLOCK_WORDS);
                mask_block(rng, threshold, kept)
            })
            .collect::<Vec<_>>()
            .into_flattened();
        values.truncate(elements);
        self.position += blocks as u128 * BLOCK_WORDS;
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

/// One block of a mask: zero where a draw is below the threshold, else `kept`.
fn mask_block(rng: &mut ChaCha8Rng, threshold: i16, kept: f32) -> [f32; BLOCK] {
    let mut draws = [0; 2 * BLOCK];
    rng.fill_bytes(&mut draws);
    let mut values = [0.0; BLOCK];
    for (value, draw) in values.iter_mut().zip(draws.chunks_exact(2)) {
        let draw = i16::from_le_bytes([draw[0], draw[1]]);
        *value = if draw < threshold { 0.0 } else { kept };
    }
    values
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

    #[test]
    fn the_number_of_threads_does_not_change_a_mask() {
        let draw = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let mut rng = DropoutRng::new(5, 3);
                // An odd size, so that the second mask begins behind a block that is not full.
                [[1, 100_003], [7, 1000]]
                    .map(|shape| rng.mask(shape, 0.4, &Device::flex()).into_data())
            })
        };
        let one = draw(1);
        assert_eq!(one, draw(2));
        assert_eq!(one, draw(3));
        assert_ne!(
            one[0].as_slice::<f32>().unwrap()[..7000],
            *one[1].as_slice::<f32>().unwrap()
        );
    }

    #[test]
    fn masks_of_all_sizes_and_probabilities() {
        let mut rng = DropoutRng::new(0, 0);
        let device = Device::flex();
        for elements in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1] {
            for prob in [1e-9, 0.5, 1.0 - 1e-9] {
                let mask = rng.mask([elements], prob, &device).into_data();
                let values = mask.as_slice::<f32>().unwrap();
                assert_eq!(values.len(), elements);
                assert!(values.iter().all(|value| value.is_finite()));
            }
        }
        // A probability below the resolution drops nothing and leaves all values as they are.
        let mask = rng.mask([1000], 1e-9, &device).into_data();
        assert_eq!(mask.as_slice::<f32>().unwrap(), [1.0; 1000]);
    }
}
