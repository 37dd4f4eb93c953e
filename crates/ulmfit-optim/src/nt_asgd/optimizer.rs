//! SGD, and after the switch its average.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::Tensor,
};

use super::{NtAsgdConfig, trigger::Trigger};
use crate::{
    OptimError, OptimizerProgress, OptimizerState, ScaledGradients, StepRates,
    path::ParamPath,
    sgd::descend,
    state::{restore, save},
    step::{AutodiffContext, Gradient, Target, UpdateRule, step_module},
};

/// The name of a parameter's average in a state.
const AVERAGE: &str = "average";

/// The power by which the rate falls with `lambd`: PyTorch's default, which awd-lstm-lm leaves.
const ALPHA: f64 = 0.75;

/// Non-monotonically triggered averaged SGD (Merity et al. 2018, algorithm 1), as awd-lstm-lm has it.
///
/// It starts as plain SGD: `p ← p − η · (g + weight_decay · p)`. The switch comes when a validation
/// loss is above the best of all before it but the last `nonmono`. From then on it is PyTorch's
/// `ASGD`, with `s` counting this parameter's updates since the switch from 1,
///
/// ```text
/// η_s ← η / (1 + lambd · η · (s − 1))^0.75
/// p   ← p · (1 − lambd · η_s) − η_s · (g + weight_decay · p)
/// a   ← a + (p − a) / max(1, s − 1 − t0)
/// ```
///
/// so that with `t0 = 0` the average `a` runs over the weights from the second update on. PyTorch
/// takes `η_s` from the rate of the update before, which differs only where the rate changes from
/// step to step; here each update has its own rate. Evaluate, and save the model, with the weights
/// of [`Self::averaged`].
///
/// It takes no momentum, whatever the schedule says.
#[doc(alias = "ASGD")]
#[derive(Debug, Clone)]
pub struct NtAsgd {
    config: NtAsgdConfig,
    trigger: Trigger,
    averages: BTreeMap<String, Average>,
}

/// What is averaged of one parameter.
#[derive(Debug, Clone)]
struct Average {
    value: Tensor<1>,
    shape: Vec<usize>,
    steps: u64,
}

impl NtAsgd {
    /// With settings that were checked, and no state.
    pub(super) fn new(config: NtAsgdConfig) -> Self {
        Self {
            trigger: Trigger::new(config.nonmono),
            config,
            averages: BTreeMap::new(),
        }
    }

    /// Updates every parameter that has a gradient, and its average once averaging is on.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: impl Into<ScaledGradients>,
        rates: &StepRates<'_>,
    ) -> M {
        step_module(model, gradients.into(), rates, self)
    }

    /// Takes the validation loss of an epoch and says whether this one switches averaging on. Losses
    /// after the switch change nothing.
    ///
    /// A loss that is infinite or not a number counts as the worst there is.
    pub fn record_validation(&mut self, loss: f64) -> bool {
        self.trigger.record(loss)
    }

    /// Whether weights are averaged by now.
    pub fn is_averaging(&self) -> bool {
        self.trigger.fired
    }

    /// The model with averaged weights, where there are any, for evaluation. Training goes on with
    /// the model that was passed in: clone it, which copies no weights.
    pub fn averaged<M: Module>(&self, model: M) -> M {
        model.map(&mut Averager {
            averages: &self.averages,
            path: ParamPath::default(),
        })
    }

    /// The state, to be loaded by [`Self::load_state`]. Reads all averages back from the device.
    pub fn state(&self) -> OptimizerState {
        let of = |(path, average): (&String, &Average)| (path.clone(), average.steps);
        let tensors = self
            .averages
            .iter()
            .map(|(path, average)| {
                let data = save(&average.value, &average.shape);
                (format!("{path}.{AVERAGE}"), data)
            })
            .collect();
        OptimizerState {
            progress: OptimizerProgress::NtAsgd {
                averaging: self.trigger.fired,
                validation_losses: self.trigger.losses.clone(),
                steps: self.averages.iter().map(of).collect(),
            },
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
        let OptimizerProgress::NtAsgd {
            averaging,
            validation_losses,
            steps,
        } = state.progress
        else {
            return Err(OptimError::StateKind {
                found: state.progress.kind(),
                expected: "nt-asgd",
            });
        };
        let restored = restore(model, steps, &[AVERAGE], state.tensors)?;
        self.averages.clear();
        for (path, mut entry) in restored {
            if let Some(value) = entry.tensors.pop() {
                let average = Average {
                    value,
                    shape: entry.shape,
                    steps: entry.steps,
                };
                self.averages.insert(path, average);
            }
        }
        self.trigger.fired = averaging;
        self.trigger.losses = validation_losses;
        Ok(())
    }
}

impl UpdateRule for NtAsgd {
    fn update(&mut self, target: &Target<'_>, value: Tensor<1>, gradient: Gradient) -> Tensor<1> {
        let NtAsgdConfig {
            lambd,
            weight_decay,
            t0,
            ..
        } = self.config;
        let gradient = gradient.scaled();
        let rate = target.learning_rate;
        if !self.trigger.fired {
            return descend(value, gradient, rate, weight_decay);
        }
        let earlier = self
            .averages
            .get(target.path)
            .map_or(0, |average| average.steps);
        let rate = rate / (1.0 + lambd * rate * earlier as f64).powf(ALPHA);
        // Of the weights as they were before this update.
        let shrinkage = (lambd > 0.0).then(|| value.clone().mul_scalar(lambd * rate));
        let value = descend(value, gradient, rate, weight_decay);
        let value = match shrinkage {
            Some(shrinkage) => value - shrinkage,
            None => value,
        };

        let count = earlier.saturating_sub(t0).max(1);
        if let Some(average) = self.averages.get_mut(target.path) {
            average.value = if count == 1 {
                value.clone()
            } else {
                let distance = value.clone() - average.value.clone();
                average.value.clone() + distance.mul_scalar(1.0 / count as f64)
            };
            average.steps += 1;
        } else {
            let average = Average {
                value: value.clone(),
                shape: target.shape.to_vec(),
                steps: 1,
            };
            self.averages.insert(target.path.to_string(), average);
        }
        value
    }
}

struct Averager<'a> {
    averages: &'a BTreeMap<String, Average>,
    path: ParamPath,
}

impl ModuleMapper for Averager<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(average) = self.averages.get(&self.path.join()) else {
            return param;
        };
        let (id, value, mapper) = param.consume();
        let averaged = average.value.clone().reshape(value.shape());
        let context = AutodiffContext::of(&value);
        Param::from_mapped_value(id, context.restore(averaged), mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model::{ThreeLayers, device};

    fn without_decay() -> NtAsgdConfig {
        NtAsgdConfig {
            weight_decay: 0.0,
            ..NtAsgdConfig::default()
        }
    }

    /// Steps down gradients of 1 and returns how far the weights, and their averages, have come.
    fn descend_and_average(config: &NtAsgdConfig, n_steps: usize) -> Vec<(f32, f32)> {
        let start = ThreeLayers::new(&device());
        let origin = start.values()[0][0];
        let mut optimizer = config.init().unwrap();
        let mut model = start;
        optimizer.trigger.fired = true;
        (0..n_steps)
            .map(|_| {
                let gradients = model.unit_gradients();
                model = optimizer.step(model.clone(), gradients, &StepRates::uniform(0.25));
                let averaged = optimizer.averaged(model.clone());
                (
                    origin - model.values()[0][0],
                    origin - averaged.values()[0][0],
                )
            })
            .collect()
    }

    #[test]
    fn averages_are_pytorchs() {
        // Torch's `ASGD(t0=0, lambd=0)` copies twice, then averages from the second update on.
        let moves = descend_and_average(&without_decay(), 5);
        let expected = [
            (0.25, 0.25),
            (0.5, 0.5),
            (0.75, 0.625),
            (1.0, 0.75),
            (1.25, 0.875),
        ];
        for (found, expected) in moves.iter().zip(expected) {
            assert!((found.0 - expected.0).abs() < 1e-6, "{found:?}");
            assert!((found.1 - expected.1).abs() < 1e-6, "{found:?}");
        }
        // With t0 = 2 it copies two updates more.
        let config = NtAsgdConfig {
            t0: 2,
            ..without_decay()
        };
        let moves = descend_and_average(&config, 5);
        let expected = [0.25, 0.5, 0.75, 1.0, 1.125];
        for (found, expected) in moves.iter().zip(expected) {
            assert!((found.1 - expected).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn lambd_shrinks_weights_and_rate() {
        let config = NtAsgdConfig {
            lambd: 0.1,
            weight_decay: 0.2,
            ..NtAsgdConfig::default()
        };
        let start = f64::from(ThreeLayers::new(&device()).values()[0][0]);
        let mut weight = start;
        for (step, (moved, _)) in descend_and_average(&config, 4).into_iter().enumerate() {
            let rate = 0.25 / (1.0 + 0.1 * 0.25 * step as f64).powf(0.75);
            weight = weight * (1.0 - 0.1 * rate) - rate * (1.0 + 0.2 * weight);
            assert!((f64::from(moved) - (start - weight)).abs() < 1e-6);
        }
    }

    #[test]
    fn it_resumes_before_and_after_the_switch_bit_for_bit() {
        let config = NtAsgdConfig {
            nonmono: 0,
            ..NtAsgdConfig::default()
        };
        let losses = [4.0, 3.0, 3.5, 3.4, 3.3, 3.2];
        let epoch = |optimizer: &mut NtAsgd, mut model: ThreeLayers, epoch: usize| {
            for step in 2 * epoch..2 * epoch + 2 {
                let gradients = model.gradients(step);
                model = optimizer.step(model, gradients, &StepRates::uniform(0.1));
            }
            optimizer.record_validation(losses[epoch]);
            model
        };
        let mut optimizer = config.init().unwrap();
        let mut model = ThreeLayers::new(&device());
        let mut models = Vec::new();
        let mut states = Vec::new();
        for index in 0..losses.len() {
            model = epoch(&mut optimizer, model, index);
            models.push(model.clone());
            states.push(serde_json::to_string(&optimizer.state()).unwrap());
        }
        assert!(optimizer.is_averaging());
        for stop in 0..losses.len() - 1 {
            let mut resumed = ThreeLayers::new(&device()).with_values_of(&models[stop]);
            let mut second = config.init().unwrap();
            let state = serde_json::from_str(&states[stop]).unwrap();
            second.load_state(&resumed, state).unwrap();
            for index in stop + 1..losses.len() {
                resumed = epoch(&mut second, resumed, index);
            }
            assert_eq!(resumed.bits(), model.bits());
            assert_eq!(second.state(), optimizer.state());
            let averaged = second.averaged(resumed).bits();
            assert_eq!(averaged, optimizer.averaged(model.clone()).bits());
        }
    }

    #[test]
    fn evaluation_weights_keep_their_flags_and_leave_the_model_alone() {
        let mut optimizer = without_decay().init().unwrap();
        let mut model = ThreeLayers::new(&device());
        assert_eq!(optimizer.averaged(model.clone()).bits(), model.bits());
        optimizer.trigger.fired = true;
        for step in 0..4 {
            let gradients = model.gradients(step);
            model = optimizer.step(model, gradients, &StepRates::uniform(0.1));
        }
        let before = model.bits();
        let averaged = optimizer.averaged(model.clone());
        assert_ne!(averaged.bits(), before);
        assert_eq!(model.bits(), before);
        assert_eq!(averaged.require_grad(), [true; 3]);
    }
}
