//! Cosine annealing without restarts.

use serde::{Deserialize, Serialize};

use super::one_cycle::cosine;
use crate::{
    OptimError,
    error::{check, check_lr_max},
};

/// Settings of [`CosineLr`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineLrConfig {
    /// The first rate.
    pub lr_max: f64,
    /// The rate at the end, as a part of `lr_max`: 0, as in the SGDR paper's experiments.
    #[serde(default)]
    pub final_frac: f64,
}

/// Half a cosine, from `lr_max` to `lr_max · final_frac`:
/// `η_t = lr_max · (final_frac + (1 − final_frac) · (1 + cos(π t / T)) / 2)`
/// (Loshchilov and Hutter 2017, equation 5, one cycle). The paper's table 7 compares STLR with it ("cos").
#[derive(Debug, Clone, PartialEq)]
pub struct CosineLr {
    lr_max: f64,
    lr_final: f64,
    n_steps: usize,
}

impl CosineLrConfig {
    /// From this rate to zero.
    pub fn new(lr_max: f64) -> Self {
        Self {
            lr_max,
            final_frac: 0.0,
        }
    }

    /// Builds the schedule.
    ///
    /// # Errors
    /// When a number is outside its range, or there are no steps.
    pub fn init(&self, n_steps: usize) -> Result<CosineLr, OptimError> {
        check_lr_max(self.lr_max)?;
        check(
            (0.0..=1.0).contains(&self.final_frac),
            "final_frac",
            self.final_frac,
            "from 0 to 1",
        )?;
        if n_steps == 0 {
            return Err(OptimError::NoSteps);
        }
        Ok(CosineLr {
            lr_max: self.lr_max,
            lr_final: self.lr_max * self.final_frac,
            n_steps,
        })
    }
}

impl CosineLr {
    /// The rate at `step`, counted from zero.
    pub fn rate(&self, step: usize) -> f64 {
        let position = step.min(self.n_steps) as f64 / self.n_steps as f64;
        cosine(self.lr_max, self.lr_final, position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_steps_down_to_a_fifth() {
        let config = CosineLrConfig {
            lr_max: 0.1,
            final_frac: 0.2,
        };
        let schedule = config.init(6).unwrap();
        // 0.02 + 0.04 · (1 + cos(π t / 6)); the end and what comes after it stay at 0.02.
        let expected = [
            0.1,
            0.094_641_016_151_378,
            0.08,
            0.06,
            0.04,
            0.025_358_983_848_622,
            0.02,
            0.02,
        ];
        for (step, expected) in expected.into_iter().enumerate() {
            assert!(
                (schedule.rate(step) - expected).abs() < 1e-12,
                "step {step}"
            );
        }
    }

    #[test]
    fn a_final_part_above_one_is_refused() {
        let config = CosineLrConfig {
            lr_max: 0.1,
            final_frac: 1.5,
        };
        assert_eq!(
            config.init(6).unwrap_err().to_string(),
            "`final_frac` is 1.5: it must be from 0 to 1"
        );
    }
}
