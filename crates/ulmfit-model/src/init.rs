use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Where initial weights come from: the same seed gives the same weights on every device.
#[derive(Clone, Debug)]
pub struct InitRng {
    /// None for zeros.
    rng: Option<ChaCha8Rng>,
}

impl InitRng {
    /// The initial weights of the run with seed `seed`.
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..12].copy_from_slice(b"init");
        Self {
            rng: Some(ChaCha8Rng::from_seed(key)),
        }
    }

    /// Zeros instead of random weights, for a model that is going to get those of a file: nothing is
    /// drawn for them.
    pub const fn zeros() -> Self {
        Self { rng: None }
    }

    /// `count` draws from U(-bound, bound).
    pub(crate) fn values(&mut self, count: usize, bound: f64) -> Vec<f32> {
        let Some(rng) = &mut self.rng else {
            return vec![0.0; count];
        };
        (0..count)
            .map(|_| {
                let unit = f64::from(rng.next_u32()) / f64::from(u32::MAX); // [0, 1]
                ((2.0 * unit - 1.0) * bound) as f32
            })
            .collect()
    }

    /// A trainable parameter with elements from U(-bound, bound).
    pub(crate) fn uniform<const D: usize>(
        &mut self,
        shape: [usize; D],
        bound: f64,
        device: &Device,
    ) -> Param<Tensor<D>> {
        let values = self.values(shape.iter().product(), bound);
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
    }
}

/// A trainable parameter with every element equal to `value`.
pub(crate) fn constant<const D: usize>(
    shape: [usize; D],
    value: f64,
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::full(shape, value, device))
}
