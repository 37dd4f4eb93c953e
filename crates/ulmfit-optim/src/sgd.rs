//! Stochastic gradient descent, and nothing else.

use burn::{module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    OptimError, OptimizerProgress, OptimizerState, ScaledGradients, StepRates,
    error::check,
    step::{Gradient, Target, UpdateRule, step_module},
};

/// Settings of [`Sgd`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// How much of the weights is added to the gradient: none, unless said otherwise.
    pub weight_decay: f64,
}

/// `p ← p − η · (g + weight_decay · p)`: no momentum, whatever the schedule says, and no state.
#[derive(Debug, Clone)]
pub struct Sgd {
    weight_decay: f64,
}

impl SgdConfig {
    /// Builds the optimizer.
    ///
    /// # Errors
    /// When the weight decay is negative.
    pub fn init(&self) -> Result<Sgd, OptimError> {
        check(
            self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
            "weight_decay",
            self.weight_decay,
            "at least 0",
        )?;
        Ok(Sgd {
            weight_decay: self.weight_decay,
        })
    }
}

impl Sgd {
    /// Updates every parameter that has a gradient.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: impl Into<ScaledGradients>,
        rates: &StepRates<'_>,
    ) -> M {
        step_module(model, gradients.into(), rates, self)
    }

    /// The state, which is empty.
    pub fn state(&self) -> OptimizerState {
        OptimizerState {
            progress: OptimizerProgress::Sgd {},
            tensors: std::collections::BTreeMap::new(),
        }
    }

    /// Accepts an empty state.
    ///
    /// # Errors
    /// When the state is of another optimizer, or has tensors.
    pub fn load_state<M: Module>(
        &mut self,
        _model: &M,
        state: OptimizerState,
    ) -> Result<(), OptimError> {
        if state.progress != (OptimizerProgress::Sgd {}) {
            return Err(OptimError::StateKind {
                found: state.progress.kind(),
                expected: "sgd",
            });
        }
        if state.tensors.is_empty() {
            Ok(())
        } else {
            Err(OptimError::StateMismatch {
                missing: Vec::new(),
                extra: state.tensors.into_keys().collect(),
                misshapen: Vec::new(),
            })
        }
    }
}

impl UpdateRule for Sgd {
    fn update(&mut self, target: &Target<'_>, value: Tensor<1>, gradient: Gradient) -> Tensor<1> {
        let gradient = gradient.scaled();
        descend(value, gradient, target.learning_rate, self.weight_decay)
    }
}

/// One step down a gradient to which the weights' decay is added; all tensors `[n]`.
pub(crate) fn descend(
    value: Tensor<1>,
    gradient: Tensor<1>,
    learning_rate: f64,
    weight_decay: f64,
) -> Tensor<1> {
    let gradient = if weight_decay > 0.0 {
        gradient + value.clone().mul_scalar(weight_decay)
    } else {
        gradient
    };
    value - gradient.mul_scalar(learning_rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DiscriminativeLr, LayerGroups, ScheduleConfig, SlantedTriangularLrConfig, Trainable,
        test_model::{ThreeLayers, device},
        unfreeze,
    };

    /// How far each group's parameters moved down a gradient of 1, as one number a group.
    fn deltas(before: &ThreeLayers, after: &ThreeLayers) -> Vec<f32> {
        let (before, after) = (before.values(), after.values());
        let of = |group: usize| {
            let moves: Vec<f32> = before[group]
                .iter()
                .zip(&after[group])
                .map(|(before, after)| before - after)
                .collect();
            assert!(moves.iter().all(|delta| (delta - moves[0]).abs() < 1e-6));
            moves[0]
        };
        (0..3).map(of).collect()
    }

    #[test]
    fn discriminative_rates_move_each_group_by_its_own() {
        // Powers of two, so that the deltas are exact.
        let before = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&before, before.layer_groups()).unwrap();
        let multipliers = DiscriminativeLr::Factor(2.0).multipliers(3).unwrap();
        let rates = StepRates::new(&groups, &multipliers, 0.5).unwrap();
        let mut sgd = SgdConfig::default().init().unwrap();
        let gradients = before.unit_gradients();
        let after = sgd.step(before.clone(), gradients, &rates);
        assert_eq!(deltas(&before, &after), [0.125, 0.25, 0.5]);
        assert_eq!(after.require_grad(), [true; 3]);
    }

    #[test]
    fn the_papers_factor_is_divided_by_at_each_group() {
        let before = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&before, before.layer_groups()).unwrap();
        let multipliers = DiscriminativeLr::default().multipliers(3).unwrap();
        let rates = StepRates::new(&groups, &multipliers, 0.01).unwrap();
        let mut sgd = SgdConfig::default().init().unwrap();
        let gradients = before.unit_gradients();
        let after = sgd.step(before.clone(), gradients, &rates);
        // The f32 nearest to `w − η · 1`, for all weights.
        for (group, rate) in [0.01 / 6.76, 0.01 / 2.6, 0.01].into_iter().enumerate() {
            let mut expected = before.values()[group].clone();
            for weight in &mut expected {
                *weight -= rate as f32;
            }
            assert_eq!(after.values()[group], expected);
        }
    }

    #[test]
    fn the_schedule_moves_weights_by_its_rates() {
        let mut model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let schedule = ScheduleConfig::from(SlantedTriangularLrConfig::new(0.5));
        let schedule = schedule.init(10).unwrap();
        let mut sgd = SgdConfig::default().init().unwrap();
        for step in 0..10 {
            let rates = StepRates::at(&groups, &[1.0; 3], &schedule, step).unwrap();
            let gradients = model.unit_gradients();
            let after = sgd.step(model.clone(), gradients, &rates);
            for delta in deltas(&model, &after) {
                assert!((f64::from(delta) - schedule.rate(step)).abs() < 1e-6);
            }
            model = after;
        }
    }

    #[test]
    fn frozen_groups_do_not_move() {
        let mut model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let rates = StepRates::new(&groups, &[1.0; 3], 0.25).unwrap();
        let mut sgd = SgdConfig::default().init().unwrap();
        for (trainable, expected) in [
            (Trainable::Last(1), [0.0, 0.0, 0.25]),
            (Trainable::Last(2), [0.0, 0.25, 0.25]),
            (Trainable::Only(0), [0.25, 0.0, 0.0]),
            (Trainable::All, [0.25, 0.25, 0.25]),
        ] {
            model = unfreeze(model, &groups, trainable).unwrap();
            let required = model.require_grad();
            let gradients = model.unit_gradients();
            let after = sgd.step(model.clone(), gradients, &rates);
            assert_eq!(deltas(&model, &after), expected);
            assert_eq!(after.require_grad(), required);
            model = after;
        }
    }

    #[test]
    fn weight_decay_is_added_to_the_gradient() {
        let before = ThreeLayers::new(&device());
        let config = SgdConfig { weight_decay: 0.5 };
        let gradients = before.unit_gradients();
        let rates = StepRates::uniform(0.25);
        let after = config
            .init()
            .unwrap()
            .step(before.clone(), gradients, &rates);
        for (before, after) in before
            .values()
            .concat()
            .into_iter()
            .zip(after.values().concat())
        {
            assert!((after - (before - 0.25 * (1.0 + 0.5 * before))).abs() < 1e-7);
        }
        assert!(SgdConfig { weight_decay: -1.0 }.init().is_err());
    }

    #[test]
    fn a_state_is_only_accepted_from_sgd() {
        let model = ThreeLayers::new(&device());
        let mut sgd = SgdConfig::default().init().unwrap();
        let state = sgd.state();
        sgd.load_state(&model, state.clone()).unwrap();
        let mut other = state.clone();
        other
            .tensors
            .insert("head.bias.average".to_string(), [0.0f32].into());
        assert!(sgd.load_state(&model, other).is_err());
        let mut other = state;
        other.progress = OptimizerProgress::Adam { steps: [].into() };
        assert!(sgd.load_state(&model, other).is_err());
    }
}
