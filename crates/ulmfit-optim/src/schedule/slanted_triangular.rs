//! Slanted triangular learning rates: a short climb, a long descent.

use serde::{Deserialize, Serialize};

use crate::{
    OptimError,
    error::{check, check_lr_max},
};

/// Settings of [`SlantedTriangularLr`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlantedTriangularLrConfig {
    /// The rate at the peak. The paper's section 4.1 has 0.004 for the language model and 0.01 for
    /// the classifier.
    pub lr_max: f64,
    /// The part of the steps that climb: 0.1 (paper, section 3.2).
    #[serde(default = "default_cut_frac")]
    pub cut_frac: f64,
    /// How many times the lowest rate goes into the peak: 32 (paper, section 3.2).
    #[serde(default = "default_ratio")]
    pub ratio: f64,
}

/// The paper's equation 3. With `T` steps and `t` counted from zero,
///
/// ```text
/// cut = floor(T · cut_frac)
/// p   = t / cut                                          if t < cut
///       1 − (t − cut) / (cut · (1 / cut_frac − 1))       otherwise
/// η_t = lr_max · (1 + p · (ratio − 1)) / ratio
/// ```
///
/// Two cases that the equation leaves open:
///
/// - `T · cut_frac < 1` makes `cut` zero and the second line divide by it. There is then no climb,
///   and `p = 1 − t / T`, which is what fastai 0.7 (`CircularLR`) comes to as well.
/// - When `T · cut_frac` is not a whole number, the descent is over before the last step, and the
///   rate would fall below its floor, for few steps even below zero (`T = 19`: from step 11 on). `p`
///   stops at 0, so that the rate stops at `lr_max / ratio`.
#[doc(alias = "STLR")]
#[derive(Debug, Clone, PartialEq)]
pub struct SlantedTriangularLr {
    lr_max: f64,
    cut_frac: f64,
    ratio: f64,
    cut: usize,
    n_steps: usize,
}

impl SlantedTriangularLrConfig {
    /// The paper's shape with this peak.
    pub fn new(lr_max: f64) -> Self {
        Self {
            lr_max,
            cut_frac: default_cut_frac(),
            ratio: default_ratio(),
        }
    }

    /// Builds the schedule.
    ///
    /// # Errors
    /// When a number is outside its range, or there are no steps.
    pub fn init(&self, n_steps: usize) -> Result<SlantedTriangularLr, OptimError> {
        check_lr_max(self.lr_max)?;
        check(
            self.cut_frac > 0.0 && self.cut_frac < 1.0,
            "cut_frac",
            self.cut_frac,
            "more than 0 and less than 1",
        )?;
        check(
            self.ratio >= 1.0 && self.ratio.is_finite(),
            "ratio",
            self.ratio,
            "at least 1",
        )?;
        if n_steps == 0 {
            return Err(OptimError::NoSteps);
        }
        Ok(SlantedTriangularLr {
            lr_max: self.lr_max,
            cut_frac: self.cut_frac,
            ratio: self.ratio,
            cut: (n_steps as f64 * self.cut_frac).floor() as usize,
            n_steps,
        })
    }
}

impl SlantedTriangularLr {
    /// The rate at `step`, counted from zero.
    pub fn rate(&self, step: usize) -> f64 {
        self.lr_max * (1.0 + self.progress(step) * (self.ratio - 1.0)) / self.ratio
    }

    /// `p` of the equation: 0 at the floor, 1 at the peak.
    fn progress(&self, step: usize) -> f64 {
        let step = step.min(self.n_steps);
        if self.cut == 0 {
            1.0 - step as f64 / self.n_steps as f64
        } else if step < self.cut {
            step as f64 / self.cut as f64
        } else {
            let descent = self.cut as f64 * (1.0 / self.cut_frac - 1.0);
            (1.0 - (step - self.cut) as f64 / descent).max(0.0)
        }
    }
}

fn default_cut_frac() -> f64 {
    0.1
}

fn default_ratio() -> f64 {
    32.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(config: &SlantedTriangularLrConfig, n_steps: usize) -> Vec<f64> {
        let schedule = config.init(n_steps).unwrap();
        (0..n_steps).map(|step| schedule.rate(step)).collect()
    }

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
    fn twenty_steps_of_the_paper() {
        // cut = 2. At p the rate is 0.01 · (1 + 31 p) / 32: p = 0, 1/2, then 1, 17/18, 16/18, ...
        let expected = [
            0.000_312_5,
            0.005_156_25,
            0.01,
            0.009_461_805_555_556,
            0.008_923_611_111_111,
            0.008_385_416_666_667,
            0.007_847_222_222_222,
            0.007_309_027_777_778,
            0.006_770_833_333_333,
            0.006_232_638_888_889,
            0.005_694_444_444_444,
            0.005_156_25,
            0.004_618_055_555_556,
            0.004_079_861_111_111,
            0.003_541_666_666_667,
            0.003_003_472_222_222,
            0.002_465_277_777_778,
            0.001_927_083_333_333,
            0.001_388_888_888_889,
            0.000_850_694_444_444,
        ];
        assert_close(&rates(&SlantedTriangularLrConfig::new(0.01), 20), &expected);
    }

    #[test]
    fn the_frozen_epochs_of_fastai_0_7() {
        // use_clr = (8, 3): ratio 8, a third of the steps climb. cut = 3, p falls by sixths.
        let config = SlantedTriangularLrConfig {
            lr_max: 0.8,
            cut_frac: 1.0 / 3.0,
            ratio: 8.0,
        };
        let p = [
            0.0,
            1.0 / 3.0,
            2.0 / 3.0,
            1.0,
            5.0 / 6.0,
            4.0 / 6.0,
            0.5,
            2.0 / 6.0,
            1.0 / 6.0,
        ];
        let expected = p.map(|p| 0.1 + 0.7 * p);
        assert_close(&rates(&config, 9), &expected);
    }

    #[test]
    fn too_few_steps_to_climb_only_descend() {
        // cut = 0: p = 1, 3/4, 1/2, 1/4.
        let expected = [0.032, 0.024_25, 0.016_5, 0.008_75];
        assert_close(&rates(&SlantedTriangularLrConfig::new(0.032), 4), &expected);
        assert_close(&rates(&SlantedTriangularLrConfig::new(0.032), 1), &[0.032]);
    }

    #[test]
    fn the_rate_stops_at_its_floor() {
        // cut = 1, so that the equation reaches p = 0 at step 10 of 19 and goes on falling.
        let rates = rates(&SlantedTriangularLrConfig::new(0.32), 19);
        assert_close(&rates[..3], &[0.01, 0.32, 0.01 + 0.31 * 8.0 / 9.0]);
        assert_close(&rates[10..], &[0.01; 9]);
    }

    #[test]
    fn the_rate_stays_after_the_end() {
        let schedule = SlantedTriangularLrConfig::new(0.32).init(100).unwrap();
        for step in [100, 101, usize::MAX] {
            assert!((schedule.rate(step) - 0.01).abs() < 1e-12);
        }
    }

    #[test]
    fn settings_outside_their_range_are_named() {
        let config = |cut_frac, ratio| SlantedTriangularLrConfig {
            lr_max: 0.01,
            cut_frac,
            ratio,
        };
        for (config, name) in [
            (config(0.0, 32.0), "cut_frac"),
            (config(1.0, 32.0), "cut_frac"),
            (config(f64::NAN, 32.0), "cut_frac"),
            (config(0.1, 0.5), "ratio"),
        ] {
            let message = config.init(10).unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{name}` is ")), "{message}");
        }
    }
}
