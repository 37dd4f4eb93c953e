//! The settings of Adam.

use serde::{Deserialize, Serialize};

use super::Adam;
use crate::{OptimError, error::check};

/// Settings of [`Adam`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// Momentum, where the schedule does not set it: 0.7 (paper, section 4.1; its scripts have 0.8).
    pub beta_1: f64,
    /// Decay of the average of squares: 0.99 (paper, section 4.1).
    pub beta_2: f64,
    /// Added to the root of the average of squares: 1e-8, which the paper's scripts leave at
    /// PyTorch's default. fastai v2 has 1e-5, and 1e-7 for pretraining.
    pub epsilon: f64,
    /// Decoupled weight decay: 0.01 (fastai v1 and v2; 0.1 in v2's language-model tutorial). The
    /// paper's scripts add 1e-7 and 1e-6 times the weights to the gradient instead.
    pub weight_decay: f64,
    /// Whether parameters of rank 1 decay too, which are the biases and the scales and shifts of
    /// batch normalization: they do in fastai v1 (`bn_wd=True`); in v2 (`wd_bn_bias=False`) those of
    /// LSTMs alone do.
    pub decay_rank_1: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            beta_1: 0.7,
            beta_2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.01,
            decay_rank_1: false,
        }
    }
}

impl AdamConfig {
    /// Builds the optimizer, without any state.
    ///
    /// # Errors
    /// When a number is outside its range.
    pub fn init(&self) -> Result<Adam, OptimError> {
        for (name, beta) in [("beta_1", self.beta_1), ("beta_2", self.beta_2)] {
            check(
                (0.0..1.0).contains(&beta),
                name,
                beta,
                "at least 0 and less than 1",
            )?;
        }
        check(
            self.epsilon > 0.0 && self.epsilon.is_finite(),
            "epsilon",
            self.epsilon,
            "more than 0",
        )?;
        check(
            self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
            "weight_decay",
            self.weight_decay,
            "at least 0",
        )?;
        Ok(Adam::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_named() {
        let config = AdamConfig::default();
        for (config, name) in [
            (
                AdamConfig {
                    beta_1: 1.0,
                    ..config.clone()
                },
                "beta_1",
            ),
            (
                AdamConfig {
                    beta_2: -0.1,
                    ..config.clone()
                },
                "beta_2",
            ),
            (
                AdamConfig {
                    epsilon: 0.0,
                    ..config.clone()
                },
                "epsilon",
            ),
            (
                AdamConfig {
                    weight_decay: f64::NAN,
                    ..config
                },
                "weight_decay",
            ),
        ] {
            let message = config.init().unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{name}` is ")), "{message}");
        }
    }
}
