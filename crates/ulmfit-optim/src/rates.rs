//! The rates of one step.

use crate::{LayerGroups, OptimError, Schedule};

/// What one optimizer step is taken with: the learning rate of each layer group and, where the
/// schedule moves it, the momentum.
#[derive(Debug, Clone)]
pub struct StepRates<'a> {
    scope: Scope<'a>,
    momentum: Option<f64>,
}

#[derive(Debug, Clone)]
enum Scope<'a> {
    Everywhere(f64),
    Groups(&'a LayerGroups, Vec<f64>),
}

impl StepRates<'static> {
    /// One rate for every parameter.
    pub fn uniform(rate: f64) -> Self {
        Self {
            scope: Scope::Everywhere(rate),
            momentum: None,
        }
    }
}

impl<'a> StepRates<'a> {
    /// `rate` times the multiplier of each layer group, bottom to top.
    ///
    /// # Errors
    /// When there is not one multiplier for each group.
    pub fn new(
        groups: &'a LayerGroups,
        multipliers: &[f64],
        rate: f64,
    ) -> Result<Self, OptimError> {
        if multipliers.len() != groups.len() {
            return Err(OptimError::GroupCount {
                what: "learning-rate multipliers",
                found: multipliers.len(),
                n_groups: groups.len(),
            });
        }
        let rates = multipliers
            .iter()
            .map(|multiplier| multiplier * rate)
            .collect();
        Ok(Self {
            scope: Scope::Groups(groups, rates),
            momentum: None,
        })
    }

    /// The rates and the momentum that `schedule` has at `step`.
    ///
    /// # Errors
    /// When there is not one multiplier for each group.
    pub fn at(
        groups: &'a LayerGroups,
        multipliers: &[f64],
        schedule: &Schedule,
        step: usize,
    ) -> Result<Self, OptimError> {
        let rates = Self::new(groups, multipliers, schedule.rate(step))?;
        Ok(rates.with_momentum(schedule.momentum(step)))
    }

    /// Another momentum; `None` leaves it to the optimizer's own setting.
    #[must_use]
    pub fn with_momentum(mut self, momentum: Option<f64>) -> Self {
        self.momentum = momentum;
        self
    }

    /// All rates times `scale`. With sequences of varying length the rate of a step goes with the
    /// length of its batch: `scale = seq_len / bptt` (awd-lstm-lm).
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        match &mut self.scope {
            Scope::Everywhere(rate) => *rate *= scale,
            Scope::Groups(_, rates) => rates.iter_mut().for_each(|rate| *rate *= scale),
        }
        self
    }

    /// The learning rate of the parameter at `path`.
    ///
    /// # Panics
    /// When the parameter is in no layer group. [`LayerGroups::new`] refuses such groups, so these
    /// are groups of another model.
    pub fn learning_rate(&self, path: &str) -> f64 {
        match &self.scope {
            Scope::Everywhere(rate) => *rate,
            Scope::Groups(groups, rates) => {
                let Some(group) = groups.group_of(path) else {
                    panic!("parameter `{path}` has a gradient and is in no layer group");
                };
                rates[group]
            }
        }
    }

    /// The learning rates of the layer groups, bottom to top, for the record of a run.
    pub fn learning_rates(&self) -> &[f64] {
        match &self.scope {
            Scope::Everywhere(rate) => std::slice::from_ref(rate),
            Scope::Groups(_, rates) => rates,
        }
    }

    /// The momentum of this step, where the schedule has a say in it.
    pub fn momentum(&self) -> Option<f64> {
        self.momentum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DiscriminativeLr, OneCycleConfig,
        test_model::{ThreeLayers, device},
    };

    #[test]
    fn each_group_has_its_part_of_the_schedules_rate() {
        let model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let multipliers = DiscriminativeLr::Factor(2.0).multipliers(3).unwrap();
        let schedule = crate::ScheduleConfig::from(OneCycleConfig::new(0.5));
        let schedule = schedule.init(8).unwrap();
        // Step 2 of 8 is the peak: rate 0.5, momentum 0.7.
        let rates = StepRates::at(&groups, &multipliers, &schedule, 2).unwrap();
        assert_eq!(rates.learning_rates(), [0.125, 0.25, 0.5]);
        assert_eq!(rates.momentum(), Some(0.7));
        let rates = rates.scaled(0.5).with_momentum(None);
        let of = |path| rates.learning_rate(path).to_bits();
        assert_eq!(of("layers.0.weight"), 0.0625f64.to_bits());
        assert_eq!(of("layers.1.bias"), 0.125f64.to_bits());
        assert_eq!(of("head.weight"), 0.25f64.to_bits());
        assert_eq!(rates.momentum(), None);
        assert!(StepRates::new(&groups, &[1.0], 0.5).is_err());
    }

    #[test]
    #[should_panic(expected = "parameter `decoder.bias` has a gradient and is in no layer group")]
    fn a_parameter_of_no_group_has_no_rate() {
        let model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let rates = StepRates::new(&groups, &[1.0; 3], 0.5).unwrap();
        rates.learning_rate("decoder.bias");
    }
}
