//! What an optimizer's step takes.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

/// Gradients, and a factor that all of them are still to be multiplied with: what
/// [`clip_global_norm`](crate::clip_global_norm) returns and the optimizers take. A step that
/// multiplies on the way saves a pass over all gradients, and a copy of them.
///
/// Plain [`GradientsParams`] convert into it.
#[derive(Debug)]
pub struct ScaledGradients {
    pub(crate) gradients: GradientsParams,
    /// `[1]`, on the gradients' device; nothing is multiplied for `None`.
    pub(crate) scale: Option<Tensor<1>>,
}

impl From<GradientsParams> for ScaledGradients {
    fn from(gradients: GradientsParams) -> Self {
        let scale = None;
        Self { gradients, scale }
    }
}

impl ScaledGradients {
    /// The gradients of the parameters of `model`, multiplied.
    pub fn into_params<M: Module>(self, model: &M) -> GradientsParams {
        let Some(scale) = self.scale else {
            return self.gradients;
        };
        let mut scaler = Scaler {
            gradients: self.gradients,
            scaled: GradientsParams::new(),
            scale,
        };
        model.visit(&mut scaler);
        scaler.scaled
    }
}

struct Scaler {
    gradients: GradientsParams,
    scaled: GradientsParams,
    scale: Tensor<1>,
}

impl ModuleVisitor for Scaler {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let scale = self.scale.clone().reshape([1; D]);
            self.scaled.register(param.id, gradient.inner() * scale);
        }
    }
}
