//! The same rate at every step.

use serde::{Deserialize, Serialize};

use crate::{OptimError, error::check_lr_max};

/// Settings of [`ConstantLr`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstantLrConfig {
    /// The rate. SGD on a language model takes 30 (awd-lstm-lm).
    pub lr_max: f64,
}

/// `η_t = lr_max`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstantLr {
    lr_max: f64,
}

impl ConstantLrConfig {
    /// This rate at every step.
    pub fn new(lr_max: f64) -> Self {
        Self { lr_max }
    }

    /// Builds the schedule.
    ///
    /// # Errors
    /// When the rate is not a positive number, or there are no steps.
    pub fn init(&self, n_steps: usize) -> Result<ConstantLr, OptimError> {
        check_lr_max(self.lr_max)?;
        if n_steps == 0 {
            return Err(OptimError::NoSteps);
        }
        Ok(ConstantLr {
            lr_max: self.lr_max,
        })
    }
}

impl ConstantLr {
    /// The rate at any step.
    pub fn rate(&self, _step: usize) -> f64 {
        self.lr_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_above_one_are_fine() {
        let schedule = ConstantLrConfig::new(30.0).init(3).unwrap();
        let rates = [0, 1, 2, 3].map(|step| schedule.rate(step));
        assert_eq!(rates.map(f64::to_bits), [30.0f64.to_bits(); 4]);
    }
}
