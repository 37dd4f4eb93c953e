//! One schedule of the four: the configuration as a recipe has it, and the function built from it.

use serde::{Deserialize, Serialize};

use super::{
    ConstantLr, ConstantLrConfig, CosineLr, CosineLrConfig, OneCycle, OneCycleConfig,
    SlantedTriangularLr, SlantedTriangularLrConfig,
};
use crate::OptimError;

/// A schedule before the number of steps is known. In a recipe, `kind` says which:
/// `{ kind = "slanted-triangular", lr_max = 0.01, cut_frac = 0.1, ratio = 32 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ScheduleConfig {
    /// The paper's equation 3.
    SlantedTriangular(SlantedTriangularLrConfig),
    /// fastai's replacement for it, which moves momentum too.
    OneCycle(OneCycleConfig),
    /// Half a cosine from the highest rate down.
    Cosine(CosineLrConfig),
    /// The same rate throughout.
    Constant(ConstantLrConfig),
}

/// A learning rate, and for some kinds a momentum, at each of `n_steps` steps.
///
/// Steps count from zero; `rate(0)` is the rate of the first update. There is no state: to resume
/// at step 1,234 ask for `rate(1_234)`.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// See [`SlantedTriangularLr`].
    SlantedTriangular(SlantedTriangularLr),
    /// See [`OneCycle`].
    OneCycle(OneCycle),
    /// See [`CosineLr`].
    Cosine(CosineLr),
    /// See [`ConstantLr`].
    Constant(ConstantLr),
}

impl ScheduleConfig {
    /// Builds the schedule for a stage of `n_steps` steps.
    ///
    /// # Errors
    /// When a number is outside its range, or there are no steps.
    pub fn init(&self, n_steps: usize) -> Result<Schedule, OptimError> {
        Ok(match self {
            Self::SlantedTriangular(config) => Schedule::SlantedTriangular(config.init(n_steps)?),
            Self::OneCycle(config) => Schedule::OneCycle(config.init(n_steps)?),
            Self::Cosine(config) => Schedule::Cosine(config.init(n_steps)?),
            Self::Constant(config) => Schedule::Constant(config.init(n_steps)?),
        })
    }

    /// The highest rate: that of the top layer group at the peak.
    pub fn lr_max(&self) -> f64 {
        match self {
            Self::SlantedTriangular(config) => config.lr_max,
            Self::OneCycle(config) => config.lr_max,
            Self::Cosine(config) => config.lr_max,
            Self::Constant(config) => config.lr_max,
        }
    }

    /// The same shape at another highest rate, for stages that differ in nothing else.
    #[must_use]
    pub fn with_lr_max(mut self, lr_max: f64) -> Self {
        match &mut self {
            Self::SlantedTriangular(config) => config.lr_max = lr_max,
            Self::OneCycle(config) => config.lr_max = lr_max,
            Self::Cosine(config) => config.lr_max = lr_max,
            Self::Constant(config) => config.lr_max = lr_max,
        }
        self
    }
}

impl From<SlantedTriangularLrConfig> for ScheduleConfig {
    fn from(config: SlantedTriangularLrConfig) -> Self {
        Self::SlantedTriangular(config)
    }
}

impl From<OneCycleConfig> for ScheduleConfig {
    fn from(config: OneCycleConfig) -> Self {
        Self::OneCycle(config)
    }
}

impl From<CosineLrConfig> for ScheduleConfig {
    fn from(config: CosineLrConfig) -> Self {
        Self::Cosine(config)
    }
}

impl From<ConstantLrConfig> for ScheduleConfig {
    fn from(config: ConstantLrConfig) -> Self {
        Self::Constant(config)
    }
}

impl Schedule {
    /// The learning rate of the top layer group at `step`. Past the end it stays at the last value
    /// of the formula.
    pub fn rate(&self, step: usize) -> f64 {
        match self {
            Self::SlantedTriangular(schedule) => schedule.rate(step),
            Self::OneCycle(schedule) => schedule.rate(step),
            Self::Cosine(schedule) => schedule.rate(step),
            Self::Constant(schedule) => schedule.rate(step),
        }
    }

    /// The momentum (Adam's first beta) at `step`, where the schedule has a say in it.
    pub fn momentum(&self, step: usize) -> Option<f64> {
        match self {
            Self::OneCycle(schedule) => Some(schedule.momentum(step)),
            Self::SlantedTriangular(_) | Self::Cosine(_) | Self::Constant(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipe_form_round_trips() {
        let text = r#"{"kind":"slanted-triangular","lr_max":0.01,"cut_frac":0.1,"ratio":32.0}"#;
        let config: ScheduleConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config, SlantedTriangularLrConfig::new(0.01).into());
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
    }

    #[test]
    fn defaults_are_filled_in() {
        let config: ScheduleConfig =
            serde_json::from_str(r#"{"kind":"one-cycle","lr_max":0.02}"#).unwrap();
        assert_eq!(config, OneCycleConfig::new(0.02).into());
    }

    #[test]
    fn unknown_fields_and_kinds_are_refused() {
        for text in [
            r#"{"kind":"constant","lr_max":0.02,"ratio":32}"#,
            r#"{"kind":"slanted-triangular","lr_max":0.02,"cutfrac":0.1}"#,
            r#"{"kind":"triangular","lr_max":0.02}"#,
        ] {
            assert!(
                serde_json::from_str::<ScheduleConfig>(text).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn another_peak_scales_every_kind() {
        let configs: [ScheduleConfig; 4] = [
            SlantedTriangularLrConfig::new(0.01).into(),
            OneCycleConfig::new(0.01).into(),
            CosineLrConfig::new(0.01).into(),
            ConstantLrConfig::new(0.01).into(),
        ];
        for config in configs {
            let small = config.init(20).unwrap();
            let large = config.clone().with_lr_max(0.02);
            assert!((large.lr_max() - 0.02).abs() < 1e-15);
            let large = large.init(20).unwrap();
            for step in 0..25 {
                assert!((large.rate(step) - 2.0 * small.rate(step)).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn no_steps_and_bad_rates_are_refused() {
        let configs: [ScheduleConfig; 4] = [
            SlantedTriangularLrConfig::new(0.01).into(),
            OneCycleConfig::new(0.01).into(),
            CosineLrConfig::new(0.01).into(),
            ConstantLrConfig::new(0.01).into(),
        ];
        for config in configs {
            assert_eq!(config.init(0), Err(OptimError::NoSteps));
            for lr_max in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                assert!(config.clone().with_lr_max(lr_max).init(10).is_err());
            }
        }
    }
}
