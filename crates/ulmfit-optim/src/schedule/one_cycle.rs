//! The one-cycle policy: rate up while momentum goes down, then both back.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::{
    OptimError,
    error::{check, check_lr_max},
};

/// Settings of [`OneCycle`]. The defaults are those of fastai v2's `fit_one_cycle` as `TextLearner`
/// calls it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycleConfig {
    /// The rate at the peak.
    pub lr_max: f64,
    /// The first rate is `lr_max / div`: 25 (fastai v2).
    #[serde(default = "default_div")]
    pub div: f64,
    /// The last rate is `lr_max / div_final`: 1e5 (fastai v2).
    #[serde(default = "default_div_final")]
    pub div_final: f64,
    /// The part of the steps that climb: 0.25 (fastai v2; v1 has 0.3).
    #[serde(default = "default_pct_start")]
    pub pct_start: f64,
    /// Momentum at the start, at the peak and at the end: 0.8, 0.7, 0.8 (fastai v2's `TextLearner`).
    #[serde(default = "default_momentum")]
    pub momentum: [f64; 3],
}

/// Smith's one-cycle policy as fastai v2 has it, cosine both ways. With `x = t / T`, steps `t`
/// counted from zero, and `cos(a, b, x) = a + (1 + cos(π (1 − x))) · (b − a) / 2`,
///
/// ```text
/// η_t = cos(lr_max / div, lr_max, x / pct_start)                              if x < pct_start
///       cos(lr_max, lr_max / div_final, (x − pct_start) / (1 − pct_start))    otherwise
/// ```
///
/// and momentum alike through its three values. As in fastai, `x` never reaches 1 while training,
/// so that the last step is just above the final rate.
#[doc(alias = "fit_one_cycle")]
#[derive(Debug, Clone, PartialEq)]
pub struct OneCycle {
    rates: [f64; 3],
    momentum: [f64; 3],
    pct_start: f64,
    n_steps: usize,
}

impl OneCycleConfig {
    /// fastai v2's shape with this peak.
    pub fn new(lr_max: f64) -> Self {
        Self {
            lr_max,
            div: default_div(),
            div_final: default_div_final(),
            pct_start: default_pct_start(),
            momentum: default_momentum(),
        }
    }

    /// Builds the schedule.
    ///
    /// # Errors
    /// When a number is outside its range, or there are no steps.
    pub fn init(&self, n_steps: usize) -> Result<OneCycle, OptimError> {
        check_lr_max(self.lr_max)?;
        for (name, div) in [("div", self.div), ("div_final", self.div_final)] {
            check(div >= 1.0 && div.is_finite(), name, div, "at least 1")?;
        }
        check(
            (0.0..1.0).contains(&self.pct_start),
            "pct_start",
            self.pct_start,
            "at least 0 and less than 1",
        )?;
        for momentum in self.momentum {
            check(
                (0.0..1.0).contains(&momentum),
                "momentum",
                momentum,
                "at least 0 and less than 1",
            )?;
        }
        if n_steps == 0 {
            return Err(OptimError::NoSteps);
        }
        Ok(OneCycle {
            rates: [
                self.lr_max / self.div,
                self.lr_max,
                self.lr_max / self.div_final,
            ],
            momentum: self.momentum,
            pct_start: self.pct_start,
            n_steps,
        })
    }
}

impl OneCycle {
    /// The rate at `step`, counted from zero.
    pub fn rate(&self, step: usize) -> f64 {
        self.through(self.rates, step)
    }

    /// The momentum at `step`, counted from zero.
    pub fn momentum(&self, step: usize) -> f64 {
        self.through(self.momentum, step)
    }

    fn through(&self, [start, middle, end]: [f64; 3], step: usize) -> f64 {
        let position = step.min(self.n_steps) as f64 / self.n_steps as f64;
        if position < self.pct_start {
            cosine(start, middle, position / self.pct_start)
        } else {
            let position = (position - self.pct_start) / (1.0 - self.pct_start);
            cosine(middle, end, position)
        }
    }
}

/// Half a cosine from `start` (at position 0) to `end` (at position 1): fastai's `SchedCos`.
pub(super) fn cosine(start: f64, end: f64, position: f64) -> f64 {
    start + (1.0 + (PI * (1.0 - position)).cos()) * (end - start) / 2.0
}

fn default_div() -> f64 {
    25.0
}

fn default_div_final() -> f64 {
    1e5
}

fn default_pct_start() -> f64 {
    0.25
}

fn default_momentum() -> [f64; 3] {
    [0.8, 0.7, 0.8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(
                (found - expected).abs() < 1e-12,
                "step {step}: {found} is not {expected}"
            );
        }
    }

    #[test]
    fn eight_steps_of_fastai_v2() {
        let schedule = OneCycleConfig::new(0.02).init(8).unwrap();
        let rates: Vec<f64> = (0..8).map(|step| schedule.rate(step)).collect();
        let momentum: Vec<f64> = (0..8).map(|step| schedule.momentum(step)).collect();
        // By hand: steps 0, 1 are at 0 and 1/2 of the climb; steps 2 to 7 at 0 to 5/6 of the rest.
        assert_close(
            &rates,
            &[
                0.000_8,
                0.010_4,
                0.02,
                0.018_660_267_435_304,
                0.015_000_05,
                0.010_000_1,
                0.005_000_15,
                0.001_339_932_564_696,
            ],
        );
        assert_close(
            &momentum,
            &[
                0.8,
                0.75,
                0.7,
                0.706_698_729_810_778,
                0.725,
                0.75,
                0.775,
                0.793_301_270_189_222,
            ],
        );
    }

    #[test]
    fn the_frozen_epoch_of_fine_tune() {
        // fastai v2's `fine_tune` climbs for 99 % of its frozen epoch.
        let config = OneCycleConfig {
            pct_start: 0.99,
            ..OneCycleConfig::new(0.01)
        };
        let schedule = config.init(100).unwrap();
        assert!((schedule.rate(0) - 0.000_4).abs() < 1e-12);
        assert!((schedule.rate(99) - 0.01).abs() < 1e-12);
        assert!((schedule.rate(100) - 1e-7).abs() < 1e-12);
    }

    #[test]
    fn without_a_climb_it_starts_at_the_peak() {
        let config = OneCycleConfig {
            pct_start: 0.0,
            ..OneCycleConfig::new(0.01)
        };
        let schedule = config.init(10).unwrap();
        assert!((schedule.rate(0) - 0.01).abs() < 1e-15);
    }

    #[test]
    fn the_last_values_stay_after_the_end() {
        let schedule = OneCycleConfig::new(0.02).init(8).unwrap();
        for step in [8, 9, usize::MAX] {
            assert!((schedule.rate(step) - 2e-7).abs() < 1e-15);
            assert!((schedule.momentum(step) - 0.8).abs() < 1e-12);
        }
    }

    #[test]
    fn settings_outside_their_range_are_named() {
        let config = OneCycleConfig::new(0.01);
        for (config, name) in [
            (
                OneCycleConfig {
                    div: 0.0,
                    ..config.clone()
                },
                "div",
            ),
            (
                OneCycleConfig {
                    div_final: f64::NAN,
                    ..config.clone()
                },
                "div_final",
            ),
            (
                OneCycleConfig {
                    pct_start: 1.0,
                    ..config.clone()
                },
                "pct_start",
            ),
            (
                OneCycleConfig {
                    momentum: [0.8, 1.0, 0.8],
                    ..config
                },
                "momentum",
            ),
        ] {
            let message = config.init(10).unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{name}` is ")), "{message}");
        }
    }
}
