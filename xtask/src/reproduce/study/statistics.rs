//! Mean and spread over seeds.

use serde::Serialize;

/// What several runs came to that differ in their seeds alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    /// The standard deviation of the sample; 0 for a single run.
    pub(crate) deviation: f64,
    pub(crate) runs: usize,
}

impl Spread {
    /// Of no runs there is none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let runs = values.len();
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / runs.saturating_sub(1).max(1) as f64).sqrt();
        (runs > 0).then_some(Self {
            mean,
            deviation,
            runs,
        })
    }

    /// Shares as percent: `71.20 ± 0.81 (3)`, or `71.20 (1)` of a single run.
    pub(crate) fn percent(&self) -> String {
        let Self {
            mean,
            deviation,
            runs,
        } = self;
        let mean = 100.0 * mean;
        match runs {
            1 => format!("{mean:.2} (1)"),
            _ => format!("{mean:.2} ± {:.2} ({runs})", 100.0 * deviation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_that_of_a_sample() {
        assert_eq!(Spread::of(&[]), None);
        let one = Spread::of(&[0.75]).expect("a run");
        assert_eq!(one.percent(), "75.00 (1)");
        let three = Spread::of(&[0.7, 0.72, 0.74]).expect("runs");
        assert_eq!(three.percent(), "72.00 ± 2.00 (3)");
    }
}
