//! Adam and what it remembers.

use std::collections::BTreeMap;

use burn::{module::Module, tensor::Tensor};
use ulmfit_kernels::{AdamOutput, adam_update};

use super::{AdamConfig, factors::factors};
use crate::{
    OptimError, OptimizerProgress, OptimizerState, ScaledGradients, StepRates,
    state::{restore, save},
    step::{Gradient, Target, UpdateRule, step_module},
};

/// The names of a parameter's two averages in a state: fastai's.
const GRAD_AVG: &str = "grad_avg";
const SQR_AVG: &str = "sqr_avg";

/// Adam as fastai v2 has it: debiased, dampened averages and decoupled weight decay.
///
/// With the gradient `g`, the group's rate `η`, the step's momentum `β₁` and this parameter's number
/// of updates `k`, this one included,
///
/// ```text
/// p ← p · (1 − η · weight_decay)
/// m ← β₁ · m + (1 − β₁) · g
/// v ← β₂ · v + (1 − β₂) · g²
/// p ← p − η / (1 − β₁ᵏ) · m / (√(v / (1 − β₂ᵏ)) + ε)
/// ```
///
/// At constant momentum this is PyTorch's `AdamW`. When momentum moves, `m` is a weighted sum of
/// gradients whose weights add up to `1 − Π β₁`, over the momenta of all updates so far. fastai
/// divides by `1 − β₁ᵏ` with the latest `β₁` instead, PyTorch's `OneCycleLR` does so too, and so
/// does this. Either divisor is 1 to about a part in a thousand after 30 updates at the momenta in
/// use (`0.8³⁰`), and a one-cycle has hardly moved momentum by then. It also needs no more state.
///
/// Unlike burn's `ModuleOptimizer`, it takes momentum at each step, and its state is keyed by the
/// paths of parameters. A parameter without a gradient stays as it is, and so does its state.
#[derive(Debug, Clone)]
pub struct Adam {
    config: AdamConfig,
    moments: BTreeMap<String, Moments>,
}

/// What Adam remembers of one parameter.
#[derive(Debug, Clone)]
struct Moments {
    grad_avg: Tensor<1>,
    sqr_avg: Tensor<1>,
    shape: Vec<usize>,
    steps: u64,
}

impl Adam {
    /// With settings that were checked, and no state.
    pub(super) fn new(config: AdamConfig) -> Self {
        Self {
            config,
            moments: BTreeMap::new(),
        }
    }

    /// Updates every parameter that has a gradient.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: impl Into<ScaledGradients>,
        rates: &StepRates<'_>,
    ) -> M {
        step_module(model, gradients.into(), rates, self)
    }

    /// The state, to be loaded by [`Self::load_state`]. Reads all averages back from the device.
    pub fn state(&self) -> OptimizerState {
        let mut steps = BTreeMap::new();
        let mut tensors = BTreeMap::new();
        for (path, moments) in &self.moments {
            steps.insert(path.clone(), moments.steps);
            for (slot, tensor) in [(GRAD_AVG, &moments.grad_avg), (SQR_AVG, &moments.sqr_avg)] {
                tensors.insert(format!("{path}.{slot}"), save(tensor, &moments.shape));
            }
        }
        OptimizerState {
            progress: OptimizerProgress::Adam { steps },
            tensors,
        }
    }

    /// Replaces the state by one that was saved, on the devices of the model's parameters.
    ///
    /// # Errors
    /// When the state is of another optimizer, or does not fit the model to the last name and shape.
    pub fn load_state<M: Module>(
        &mut self,
        model: &M,
        state: OptimizerState,
    ) -> Result<(), OptimError> {
        let OptimizerProgress::Adam { steps } = state.progress else {
            return Err(OptimError::StateKind {
                found: state.progress.kind(),
                expected: "adam",
            });
        };
        let restored = restore(model, steps, &[GRAD_AVG, SQR_AVG], state.tensors)?;
        self.moments.clear();
        for (path, entry) in restored {
            let mut tensors = entry.tensors.into_iter();
            if let (Some(grad_avg), Some(sqr_avg)) = (tensors.next(), tensors.next()) {
                let moments = Moments {
                    grad_avg,
                    sqr_avg,
                    shape: entry.shape,
                    steps: entry.steps,
                };
                self.moments.insert(path, moments);
            }
        }
        Ok(())
    }
}

impl UpdateRule for Adam {
    fn update(&mut self, target: &Target<'_>, value: Tensor<1>, gradient: Gradient) -> Tensor<1> {
        let (path, mut moments) = match self.moments.remove_entry(target.path) {
            Some(entry) => entry,
            None => (
                target.path.to_string(),
                Moments::new(&gradient.values, target.shape),
            ),
        };
        moments.steps += 1;
        // The averages are moved, not shared, so that they can be updated where they are.
        let AdamOutput {
            value,
            grad_avg,
            sqr_avg,
        } = adam_update(
            value,
            gradient.values,
            gradient.scale,
            moments.grad_avg,
            moments.sqr_avg,
            factors(&self.config, target, moments.steps),
        );
        moments.grad_avg = grad_avg;
        moments.sqr_avg = sqr_avg;
        self.moments.insert(path, moments);
        value
    }
}

impl Moments {
    fn new(gradient: &Tensor<1>, shape: &[usize]) -> Self {
        Self {
            grad_avg: gradient.zeros_like(),
            sqr_avg: gradient.zeros_like(),
            shape: shape.to_vec(),
            steps: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DiscriminativeLr, LayerGroups, OneCycleConfig, ScheduleConfig, Trainable,
        test_model::{ThreeLayers, device},
        unfreeze,
    };

    /// Ten steps of a one-cycle at discriminative rates, on `steps` of them.
    fn train(
        adam: &mut Adam,
        mut model: ThreeLayers,
        steps: std::ops::Range<usize>,
    ) -> ThreeLayers {
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let multipliers = DiscriminativeLr::default().multipliers(3).unwrap();
        let schedule = ScheduleConfig::from(OneCycleConfig::new(0.05));
        let schedule = schedule.init(10).unwrap();
        for step in steps {
            // The bottom group joins at step 3 and so has fewer updates than the others.
            let trainable = if step < 3 {
                Trainable::Last(2)
            } else {
                Trainable::All
            };
            model = unfreeze(model, &groups, trainable).unwrap();
            let rates = StepRates::at(&groups, &multipliers, &schedule, step).unwrap();
            let gradients = model.gradients(step);
            model = adam.step(model, gradients, &rates);
        }
        model
    }

    #[test]
    fn ten_steps_are_five_and_a_resumed_five_bit_for_bit() {
        let config = AdamConfig::default();
        let mut adam = config.init().unwrap();
        let whole = train(&mut adam, ThreeLayers::new(&device()), 0..10);

        let mut first = config.init().unwrap();
        let half = train(&mut first, ThreeLayers::new(&device()), 0..5);
        // Through text and back, as through a file, and into a model with other parameter ids.
        let state = serde_json::to_string(&first.state()).unwrap();
        let state: OptimizerState = serde_json::from_str(&state).unwrap();
        let fresh = ThreeLayers::new(&device()).with_values_of(&half);
        let mut second = config.init().unwrap();
        second.load_state(&fresh, state).unwrap();
        let resumed = train(&mut second, fresh, 5..10);

        assert_eq!(resumed.bits(), whole.bits());
        assert_eq!(second.state(), adam.state());
        let OptimizerProgress::Adam { steps } = adam.state().progress else {
            panic!("the state of Adam is of kind `adam`");
        };
        assert_eq!(steps["layers.0.weight"], 7);
        assert_eq!(steps["head.bias"], 10);
    }

    #[test]
    fn frozen_parameters_and_their_state_stay() {
        let mut adam = AdamConfig::default().init().unwrap();
        let model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let rates = StepRates::new(&groups, &[1.0; 3], 0.1).unwrap();
        let gradients = model.gradients(0);
        let model = adam.step(model, gradients, &rates);
        let (before, state) = (model.values(), adam.state());

        let model = unfreeze(model, &groups, Trainable::Only(1)).unwrap();
        let gradients = model.gradients(1);
        let model = adam.step(model, gradients, &rates);
        assert_eq!(model.require_grad(), [false, true, false]);
        let after = model.values();
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1], before[1]);
        assert_eq!(after[2], before[2]);
        for (name, data) in adam.state().tensors {
            let same = data == state.tensors[&name];
            assert_eq!(same, !name.starts_with("layers.1."), "{name}");
        }
    }

    #[test]
    fn a_state_that_does_not_fit_says_what_is_wrong() {
        let mut adam = AdamConfig::default().init().unwrap();
        let model = ThreeLayers::new(&device());
        let gradients = model.gradients(0);
        let model = adam.step(model, gradients, &StepRates::uniform(0.1));
        let good = adam.state();

        let mut state = good.clone();
        let data = state.tensors.remove("head.bias.grad_avg").unwrap();
        state
            .tensors
            .insert("decoder.bias.grad_avg".to_string(), data.clone());
        state
            .tensors
            .insert("head.weight.sqr_avg".to_string(), data);
        let message = adam.load_state(&model, state).unwrap_err().to_string();
        assert_eq!(
            message,
            "the optimizer state does not fit the model (missing: head.bias.grad_avg; not in the \
             model: decoder.bias.grad_avg; of another shape or type: head.weight.sqr_avg (f32 [2], \
             expected f32 [2, 2])): resume with the model and the optimizer that wrote it"
        );

        let mut state = good.clone();
        state.progress = OptimizerProgress::Sgd {};
        assert_eq!(
            adam.load_state(&model, state).unwrap_err().to_string(),
            "the state is of `sgd` and the optimizer is `adam`: resume with `sgd`"
        );
        // A refused state leaves the one there was.
        assert_eq!(adam.state(), good);
    }
}
