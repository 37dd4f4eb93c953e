use burn::module::Module;
use burn::tensor::Tensor;

use super::DropoutRng;

/// `DropConnect` on hidden-to-hidden weights (Merity et al. 2017, section 2): one mask a forward
/// pass, the same for every row and time step.
///
/// It is a function of the weights rather than a burn `Reparameterization`, which would draw a
/// mask at every access, that is, at every time step.
#[doc(alias = "WeightDropout")]
#[derive(Module, Debug)]
pub struct WeightDrop {
    /// The probability that a weight is zero during one forward pass, in `[0, 1)`.
    pub prob: f64,
}

impl WeightDrop {
    /// Drops single elements of `weight`, of any shape; returns it unchanged without `dropout` or
    /// where `prob` is zero.
    pub fn forward(&self, weight: Tensor<2>, dropout: Option<&mut DropoutRng>) -> Tensor<2> {
        let Some(rng) = dropout.filter(|_| self.prob > 0.0) else {
            return weight;
        };
        let mask = rng.mask(weight.dims(), self.prob, &weight.device());
        weight * mask
    }
}
