use burn::module::Module;
use burn::tensor::Tensor;

use super::DropoutRng;

/// Dropout with one mask for all time steps (variational dropout, Gal and Ghahramani 2016).
#[doc(alias = "RNNDropout")]
#[derive(Module, Debug)]
pub struct LockedDropout {
    /// The probability that a feature is zero, for all time steps of a row, in `[0, 1)`.
    pub prob: f64,
}

impl LockedDropout {
    /// Drops features of `input`, the same at every time step; returns it unchanged without
    /// `dropout` or where `prob` is zero.
    ///
    /// # Shapes
    ///
    /// - input, output: `[seq_len, batch_size, features]`
    pub fn forward(&self, input: Tensor<3>, dropout: Option<&mut DropoutRng>) -> Tensor<3> {
        let Some(rng) = dropout.filter(|_| self.prob > 0.0) else {
            return input;
        };
        let [_, batch_size, features] = input.dims();
        let mask = rng.mask([1, batch_size, features], self.prob, &input.device());
        input * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_mask_is_the_same_at_every_time_step() {
        let input = Tensor::<3>::ones([4, 3, 50], &Device::flex());
        let output = LockedDropout { prob: 0.5 }.forward(input, Some(&mut DropoutRng::new(3, 0)));
        let first = output.clone().narrow(0, 0, 1).into_data();
        for step in 1..4 {
            assert_eq!(output.clone().narrow(0, step, 1).into_data(), first);
        }
        let rows: Vec<_> = (0..3)
            .map(|row| output.clone().narrow(1, row, 1).into_data())
            .collect();
        assert_ne!(rows[0], rows[1]);
    }

    #[test]
    fn without_a_generator_nothing_is_dropped() {
        let input = Tensor::<3>::ones([2, 2, 2], &Device::flex());
        let output = LockedDropout { prob: 0.5 }.forward(input.clone(), None);
        assert_eq!(output.into_data(), input.into_data());
    }
}
