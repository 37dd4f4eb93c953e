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
    /// The mask that drops single elements of `weight`, of its shape; `None` without `dropout` or
    /// where `prob` is zero. The layer multiplies with it where it reads the weights, so that there
    /// is no second copy of them.
    pub fn mask(&self, weight: &Tensor<2>, dropout: Option<&mut DropoutRng>) -> Option<Tensor<2>> {
        let rng = dropout.filter(|_| self.prob > 0.0)?;
        Some(rng.mask(weight.dims(), self.prob, &weight.device()))
    }
}
