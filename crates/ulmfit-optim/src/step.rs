//! One update of a whole module: what all optimizers share.

use burn::{
    module::{Module, ModuleMapper, Param},
    optim::GradientsParams,
    tensor::{GradientCheckpointingStrategy, Tensor},
};

use crate::{ScaledGradients, StepRates, path::ParamPath};

/// How one parameter moves. Values and gradients come flat, `[n]`, without autodiff, so that a rule
/// (and a fused kernel in its place) is written once and not for each rank.
pub(crate) trait UpdateRule {
    fn update(&mut self, target: &Target<'_>, value: Tensor<1>, gradient: Gradient) -> Tensor<1>;
}

/// The gradient of one parameter.
pub(crate) struct Gradient {
    /// `[n]`.
    pub(crate) values: Tensor<1>,
    /// What they are still to be multiplied with, `[1]`; nothing for `None`.
    pub(crate) scale: Option<Tensor<1>>,
}

impl Gradient {
    /// The gradient itself, `[n]`, for rules that are not made to multiply on the way.
    pub(crate) fn scaled(self) -> Tensor<1> {
        match self.scale {
            Some(scale) => self.values * scale,
            None => self.values,
        }
    }
}

/// The parameter that a rule is applied to.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a str,
    pub(crate) shape: &'a [usize],
    pub(crate) learning_rate: f64,
    pub(crate) momentum: Option<f64>,
}

/// Applies `rule` to every parameter that has a gradient. The others are passed through as they
/// are, and so are all `require_grad` flags.
pub(crate) fn step_module<M: Module, R: UpdateRule>(
    model: M,
    gradients: ScaledGradients,
    rates: &StepRates<'_>,
    rule: &mut R,
) -> M {
    let ScaledGradients { gradients, scale } = gradients;
    model.map(&mut Stepper {
        gradients,
        scale,
        rates,
        rule,
        path: ParamPath::default(),
    })
}

struct Stepper<'a, R> {
    gradients: GradientsParams,
    scale: Option<Tensor<1>>,
    rates: &'a StepRates<'a>,
    rule: &'a mut R,
    path: ParamPath,
}

impl<R: UpdateRule> ModuleMapper for Stepper<'_, R> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let path = self.path.join();
        // `consume` keeps burn's own record of whether the parameter trains; `map` would hold a
        // second handle on the tensor, and then no operation could work in place.
        let (id, value, mapper) = param.consume();
        let shape = value.shape();
        assert_eq!(
            shape,
            gradient.shape(),
            "the gradient of `{path}` has another shape than the parameter"
        );
        let context = AutodiffContext::of(&value);
        let target = Target {
            path: &path,
            shape: shape.as_slice(),
            learning_rate: self.rates.learning_rate(&path),
            momentum: self.rates.momentum(),
        };
        let gradient = Gradient {
            values: flatten(gradient),
            scale: self.scale.clone(),
        };
        let updated = self
            .rule
            .update(&target, flatten(value), gradient)
            .reshape(shape.clone());
        Param::from_mapped_value(id, context.restore(updated), mapper)
    }
}

/// What a parameter's tensor loses when it is taken out of autodiff.
pub(crate) struct AutodiffContext {
    /// `None` for a parameter that was not in autodiff to begin with.
    checkpointing: Option<GradientCheckpointingStrategy>,
    require_grad: bool,
}

impl AutodiffContext {
    pub(crate) fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        Self {
            checkpointing: tensor.gradient_checkpointing_strategy(),
            require_grad: tensor.is_require_grad(),
        }
    }

    pub(crate) fn restore<const D: usize>(self, tensor: Tensor<D>) -> Tensor<D> {
        match self.checkpointing {
            Some(strategy) => tensor
                .autodiff()
                .with_gradient_checkpointing_strategy(strategy)
                .set_require_grad(self.require_grad),
            None => tensor,
        }
    }
}

/// Any shape to `[n]`, without autodiff.
pub(crate) fn flatten<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let n = tensor.shape().num_elements();
    tensor.inner().reshape([n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        SgdConfig,
        test_model::{ThreeLayers, device},
    };

    #[test]
    fn a_model_under_checkpointing_stays_under_it() {
        let device = device().gradient_checkpointing();
        let model = ThreeLayers::new(&device);
        let gradients = model.unit_gradients();
        let mut sgd = SgdConfig::default().init().unwrap();
        let model = sgd.step(model, gradients, &StepRates::uniform(0.1));
        // autodiff refuses operands of two strategies.
        let output = model.forward(Tensor::ones([1, 2], &device));
        let gradients = GradientsParams::from_grads(output.sum().backward(), &model);
        assert_eq!(gradients.len(), 6);
    }

    #[test]
    fn a_model_outside_autodiff_stays_outside() {
        let trained = ThreeLayers::new(&device());
        let gradients = trained.unit_gradients();
        let mut sgd = SgdConfig::default().init().unwrap();
        let stepped = sgd.step(trained.clone().valid(), gradients, &StepRates::uniform(0.1));
        assert_ne!(stepped.bits(), trained.bits());
        assert_eq!(stepped.require_grad(), [false; 3]);
        assert_eq!(stepped.train().require_grad(), [true; 3]);
    }
}
