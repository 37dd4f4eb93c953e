//! The settings of NT-ASGD.

use serde::{Deserialize, Serialize};

use super::NtAsgd;
use crate::{OptimError, error::check};

/// Settings of [`NtAsgd`]. The defaults are awd-lstm-lm's.
///
/// Averaging begins after `nonmono + 2` validations at the earliest. A run that makes a new optimizer for
/// each phase of unfreezing is plain SGD in a phase of no more epochs than that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NtAsgdConfig {
    /// How many of the latest validation losses a new one is not compared with: 5.
    pub nonmono: usize,
    /// Updates after the switch before averaging begins: 0.
    pub t0: u64,
    /// Decay of the weights, and of the rate, after the switch: 0.
    pub lambd: f64,
    /// How much of the weights is added to the gradient: 1.2e-6.
    pub weight_decay: f64,
}

impl Default for NtAsgdConfig {
    fn default() -> Self {
        Self {
            nonmono: 5,
            t0: 0,
            lambd: 0.0,
            weight_decay: 1.2e-6,
        }
    }
}

impl NtAsgdConfig {
    /// Builds the optimizer, which starts as plain SGD.
    ///
    /// # Errors
    /// When a number is negative.
    pub fn init(&self) -> Result<NtAsgd, OptimError> {
        for (name, value) in [("lambd", self.lambd), ("weight_decay", self.weight_decay)] {
            check(value >= 0.0 && value.is_finite(), name, value, "at least 0")?;
        }
        Ok(NtAsgd::new(self.clone()))
    }
}
