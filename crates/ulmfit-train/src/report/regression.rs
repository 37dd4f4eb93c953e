use serde::{Deserialize, Serialize};

/// How predicted numbers compare with the true ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionReport {
    /// The coefficient of determination: 1 less the ratio of the squared errors to the squared distances
    /// from the mean. 1 at best, 0 for the mean itself, and below for what is worse than it. Where all
    /// true numbers are the same it is 1 or 0, as they are met or not.
    pub r2: f64,
    /// The mean of the errors without their signs, in the unit of the numbers.
    pub mean_absolute_error: f64,
    /// The square root of the mean squared error, in the unit of the numbers.
    pub root_mean_squared_error: f64,
    /// Pearson's correlation; 0 where either side is constant.
    pub pearson: f64,
    /// How many documents there were.
    pub documents: usize,
}

impl RegressionReport {
    /// Compares predicted with true numbers.
    pub fn new(truth: &[f64], predicted: &[f64]) -> Self {
        let pairs = || truth.iter().zip(predicted);
        let mean_error = |error: fn(f64) -> f64| mean(pairs().map(|(a, b)| error(a - b)));
        let [true_mean, predicted_mean] = [truth, predicted].map(|it| mean(it.iter().copied()));
        let covariance = mean(pairs().map(|(a, b)| (a - true_mean) * (b - predicted_mean)));
        let variance = |numbers: &[f64], around: f64| {
            mean(numbers.iter().map(|number| (number - around).powi(2)))
        };
        let spread = variance(truth, true_mean).sqrt() * variance(predicted, predicted_mean).sqrt();
        let constant = [truth, predicted].map(|it| is_constant(it.iter().copied()));
        Self {
            r2: r2(pairs().map(|(&truth, &predicted)| (truth, predicted))),
            mean_absolute_error: mean_error(f64::abs),
            root_mean_squared_error: mean_error(|error| error * error).sqrt(),
            pearson: if constant.contains(&true) || spread <= 0.0 {
                0.0
            } else {
                covariance / spread
            },
            documents: truth.len(),
        }
    }
}

/// The coefficient of determination of pairs of a true number and the predicted one.
pub(crate) fn r2(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let center = mean(pairs.clone().map(|(truth, _)| truth));
    let errors: f64 = pairs.clone().map(|(a, b)| (a - b).powi(2)).sum();
    let distances: f64 = pairs
        .clone()
        .map(|(truth, _)| (truth - center).powi(2))
        .sum();
    if is_constant(pairs.map(|(truth, _)| truth)) || distances <= 0.0 {
        f64::from(u8::from(errors <= 0.0))
    } else {
        1.0 - errors / distances
    }
}

/// Whether all numbers are the same. Their distances from the mean do not tell: the mean of equal numbers
/// is rounded.
fn is_constant(mut numbers: impl Iterator<Item = f64>) -> bool {
    let first = numbers.next();
    numbers.all(|number| first.is_some_and(|first| number.total_cmp(&first).is_eq()))
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0_usize), |(sum, count), number| {
        (sum + number, count + 1)
    });
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_definitions() {
        // The example of scikit-learn's `r2_score`.
        let report = RegressionReport::new(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0]);
        assert!((report.r2 - 0.948_608_137_044_967_9).abs() < 1e-12);
        assert!((report.mean_absolute_error - 0.5).abs() < 1e-12);
        assert!((report.root_mean_squared_error - 0.375_f64.sqrt()).abs() < 1e-12);
        let line = RegressionReport::new(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]);
        assert!((line.pearson - 1.0).abs() < 1e-12);
    }

    #[test]
    fn constants_have_figures_too() {
        let of_constant = RegressionReport::new(&[2.0, 2.0], &[1.0, 3.0]);
        assert!(of_constant.r2.abs() < 1e-12 && of_constant.pearson.abs() < 1e-12);
        let rounded = RegressionReport::new(&[0.1; 3], &[0.6, 0.6, 0.6]);
        assert!(rounded.r2.abs() < 1e-12 && rounded.pearson.abs() < 1e-12);
        let met = RegressionReport::new(&[2.0], &[2.0]);
        assert!((met.r2 - 1.0).abs() < 1e-12);
        assert_eq!(RegressionReport::new(&[], &[]).documents, 0);
    }
}
