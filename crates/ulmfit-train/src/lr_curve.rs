//! The loss over rising learning rates, and what it suggests.

use serde::Serialize;

/// Weight of the past in the smoothed loss, as in fastai.
const PAST: f64 = 0.98;
/// The test is over when the smoothed loss is so many times the least one (fastai's).
const DIVERGED: f64 = 4.0;
/// Points at the beginning and at the end that say little: before the smoothed loss has settled, and
/// when it has begun to rise.
const SKIPPED_FIRST: usize = 10; // a tenth
const SKIPPED_LAST: usize = 5;
/// The least part of the loss that a fall has to take away: less is noise. Ours.
const LEAST_FALL: f64 = 0.05;

/// One step of a learning-rate range test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LrPoint {
    /// The last layer group's learning rate.
    pub learning_rate: f64,
    /// The loss before the step, in nats.
    pub loss: f64,
    /// The losses so far, the latest counting most.
    pub smoothed: f64,
}

/// The loss over rising learning rates (Smith 2017, arXiv 1506.01186).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LrCurve {
    /// The steps in order.
    pub points: Vec<LrPoint>,
    /// Whether the loss rose so far that the test ended early.
    pub diverged: bool,
    #[serde(skip)]
    average: f64,
}

impl LrCurve {
    /// Takes note of a step; returns whether another one makes sense. A loss that is no number ends
    /// the curve and is not part of it.
    pub(crate) fn add(&mut self, learning_rate: f64, loss: f64) -> bool {
        if !loss.is_finite() {
            self.diverged = true;
            return false;
        }
        self.average = PAST * self.average + (1.0 - PAST) * loss;
        let steps = self.points.len() as i32 + 1;
        let smoothed = self.average / (1.0 - PAST.powi(steps));
        self.points.push(LrPoint {
            learning_rate,
            loss,
            smoothed,
        });
        let losses = self.points.iter().map(|point| point.smoothed);
        let least = losses.fold(f64::INFINITY, f64::min);
        self.diverged = smoothed > DIVERGED * least;
        !self.diverged
    }

    /// The rate in the middle of the longest fall of the smoothed loss: fastai's `valley`. `None`
    /// when it hardly falls.
    pub fn valley(&self) -> Option<f64> {
        let points = self.telling();
        let fall = longest_fall(points);
        let (first, last) = (*fall.first()?, *fall.last()?);
        let falls = points[last].smoothed <= (1.0 - LEAST_FALL) * points[first].smoothed;
        falls.then(|| points[usize::midpoint(first, last)].learning_rate)
    }

    /// The rate at which the smoothed loss falls fastest, over the logarithm of the rate: fastai's
    /// `steep`. `None` when it never falls.
    pub fn steepest(&self) -> Option<f64> {
        let windows = self.telling().windows(3);
        let slopes = windows.map(|points| {
            let run = (points[2].learning_rate / points[0].learning_rate).ln();
            let slope = (points[2].smoothed - points[0].smoothed) / run;
            (slope, points[1].learning_rate)
        });
        let steepest = slopes.min_by(|(one, _), (other, _)| one.total_cmp(other));
        steepest
            .filter(|(slope, _)| *slope < 0.0)
            .map(|(_, rate)| rate)
    }

    /// The points without those at both ends that say little.
    fn telling(&self) -> &[LrPoint] {
        let first = self.points.len() / SKIPPED_FIRST;
        let last = self.points.len().saturating_sub(SKIPPED_LAST).max(first);
        &self.points[first..last]
    }
}

/// The places of the longest falling subsequence; of several, the one that ends first, and of these
/// the one that starts last: a plateau before a fall is not part of it.
fn longest_fall(points: &[LrPoint]) -> Vec<usize> {
    // How long the longest fall is that ends at each place, and where it comes from.
    let mut falls: Vec<(usize, Option<usize>)> = Vec::with_capacity(points.len());
    for (place, point) in points.iter().enumerate() {
        let mut fall = (1, None);
        for before in 0..place {
            if points[before].smoothed > point.smoothed && falls[before].0 + 1 >= fall.0 {
                fall = (falls[before].0 + 1, Some(before));
            }
        }
        falls.push(fall);
    }
    let longest = falls.iter().map(|(length, _)| *length).max();
    let end = falls
        .iter()
        .position(|(length, _)| Some(*length) == longest);
    let mut places: Vec<usize> = std::iter::successors(end, |&place| falls[place].1).collect();
    places.reverse();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates that double, with these smoothed losses.
    fn curve(smoothed: &[f64]) -> LrCurve {
        let points = smoothed
            .iter()
            .enumerate()
            .map(|(step, &smoothed)| LrPoint {
                learning_rate: 2.0_f64.powi(step as i32),
                loss: smoothed,
                smoothed,
            });
        LrCurve {
            points: points.collect(),
            ..LrCurve::default()
        }
    }

    #[test]
    fn losses_are_smoothed_and_a_rise_ends_the_test() {
        let mut curve = LrCurve::default();
        assert!(curve.add(1.0, 2.0));
        assert!(curve.add(2.0, 1.0));
        // (0.98 * 0.02 * 2 + 0.02 * 1) / (1 - 0.98^2)
        assert!((curve.points[1].smoothed - 1.494_949_494_949_495).abs() < 1e-12);
        assert!(!curve.add(4.0, 1000.0) && curve.diverged);
        assert!(!curve.add(8.0, f64::NAN));
        assert_eq!(curve.points.len(), 3);
    }

    #[test]
    fn the_longest_fall_may_have_bumps() {
        let points = curve(&[5.0, 4.0, 4.5, 3.0, 3.5, 2.0, 9.0, 8.0]).points;
        assert_eq!(longest_fall(&points), [0, 2, 4, 5]);
        assert_eq!(longest_fall(&points[6..7]), [0]);
        assert_eq!(longest_fall(&[]), [0; 0]);
    }

    #[test]
    fn suggestions_lie_where_the_loss_falls() {
        // Flat, then down from step 10 to step 20, steepest at 15, then up.
        let mut losses = vec![10.0; 10];
        losses.extend([9.9, 9.7, 9.4, 9.0, 8.4, 7.0, 5.6, 5.0, 4.6, 4.4, 4.3]);
        losses.extend([4.5, 5.0, 6.0, 8.0, 12.0, 20.0]);
        let curve = curve(&losses);
        assert_eq!(curve.steepest(), Some(2.0_f64.powi(15)));
        assert_eq!(curve.valley(), Some(2.0_f64.powi(14)));
    }

    #[test]
    fn a_loss_that_only_rises_suggests_nothing() {
        let curve = curve(&(0..40).map(f64::from).collect::<Vec<_>>());
        assert_eq!((curve.valley(), curve.steepest()), (None, None));
        assert_eq!(LrCurve::default().valley(), None);
    }
}
