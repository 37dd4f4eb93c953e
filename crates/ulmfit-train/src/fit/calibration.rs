//! Probabilities that mean what they say (Guo et al. 2017, section 4.2).

use serde::Serialize;

use super::plan::FitPlan;
use crate::predictor::{Prediction, Scored, averaged};
use crate::truth::Truth;

/// How far probabilities can be relied on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// What each member's scores are divided by.
    pub temperatures: Vec<f32>,
    /// The expected calibration error (Guo et al. 2017, equation 3; ten bins) without them: of the most
    /// probable class, and where a document may have several labels, of each of them.
    pub error_before: f64,
    /// The same with them. It is measured on the documents that they were fitted to.
    pub error: f64,
}

/// Temperatures that are tried: a factor of twenty around none.
const RANGE: [f64; 2] = [0.05, 20.0];
/// Narrows the range of the logarithm, 6, to less than a ten-thousandth.
const STEPS: usize = 24;
/// Bins of the calibration error.
const BINS: usize = 10;

impl Calibration {
    pub(super) fn new(
        plan: &FitPlan,
        scored: &[Scored],
        error: impl Fn(&[Prediction]) -> f64,
    ) -> Self {
        let without: Vec<Scored> = (scored.iter().cloned())
            .map(|scored| Scored {
                temperature: 1.0,
                ..scored
            })
            .collect();
        Self {
            temperatures: scored.iter().map(|scored| scored.temperature).collect(),
            error_before: error(&averaged(&plan.target, &without)),
            error: error(&averaged(&plan.target, scored)),
        }
    }
}

/// The temperature by which scores, `[documents, labels]`, are divided so that the documents' labels
/// are most likely; 1 without documents, and for numbers.
///
/// Golden-section search over the logarithm of the temperature for the least mean negative
/// log-likelihood of a document, which has one minimum. The logarithm has a standard normal prior: a
/// few documents that are all classified right do not make every answer certain.
pub(super) fn temperature(scores: &[Vec<f32>], truth: &Truth) -> f32 {
    if truth.is_empty() || matches!(truth, Truth::Numbers(_)) {
        return 1.0;
    }
    let golden = (5_f64.sqrt() - 1.0) / 2.0;
    let prior = |log: f64| log * log / 2.0 / truth.len() as f64;
    let loss = |log: f64| negative_log_likelihood(scores, truth, log.exp()) + prior(log);
    let [mut low, mut high] = RANGE.map(f64::ln);
    let mut inner = [high - golden * (high - low), low + golden * (high - low)];
    let mut losses = inner.map(loss);
    for _ in 0..STEPS {
        if losses[0] < losses[1] {
            high = inner[1];
            inner = [high - golden * (high - low), inner[0]];
            losses = [loss(inner[0]), losses[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + golden * (high - low)];
            losses = [losses[1], loss(inner[1])];
        }
    }
    f64::midpoint(low, high).exp() as f32
}

fn negative_log_likelihood(scores: &[Vec<f32>], truth: &Truth, temperature: f64) -> f64 {
    let rows = scores.iter().enumerate().map(|(index, row)| {
        let scaled: Vec<f64> = row.iter().map(|&it| f64::from(it) / temperature).collect();
        match truth {
            Truth::Classes(classes) => of_class(&scaled, classes[index]),
            Truth::LabelSets(sets) => of_label_set(&scaled, &sets[index]),
            Truth::Numbers(_) => 0.0,
        }
    });
    rows.sum::<f64>() / scores.len() as f64
}

fn of_class(scaled: &[f64], class: usize) -> f64 {
    let most = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scaled.iter().map(|it| (it - most).exp()).sum();
    most + sum.ln() - scaled[class]
}

/// The sum over the labels, each a draw of its own.
fn of_label_set(scaled: &[f64], set: &[usize]) -> f64 {
    let labels = scaled.iter().enumerate().map(|(label, &score)| {
        let toward = if set.binary_search(&label).is_ok() {
            score
        } else {
            -score
        };
        // ln(1 + exp(-z)), without overflow.
        (-toward.abs()).exp().ln_1p() + (-toward).max(0.0)
    });
    labels.sum()
}

/// The mean distance between how sure and how right the most probable classes of a bin are, by its
/// documents.
pub(super) fn error_of_classes(predictions: &[Prediction], classes: &[usize]) -> f64 {
    let pairs = predictions.iter().zip(classes);
    calibration_error(pairs.map(|(prediction, &class)| {
        let sure = prediction.probabilities[prediction.class];
        (sure, prediction.class == class)
    }))
}

/// The mean distance between the probability of the labels in a bin and how often documents have them,
/// by its labels.
pub(super) fn error_of_label_sets(predictions: &[Prediction], sets: &[Vec<usize>]) -> f64 {
    calibration_error(predictions.iter().zip(sets).flat_map(|(prediction, set)| {
        let labels = prediction.probabilities.iter().enumerate();
        labels.map(|(label, &probability)| (probability, set.binary_search(&label).is_ok()))
    }))
}

/// Of probabilities, and whether what they are of is so.
fn calibration_error(events: impl Iterator<Item = (f32, bool)>) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    let mut count = 0_usize;
    for (probability, is_so) in events {
        let probability = f64::from(probability);
        let bin = ((probability * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += probability;
        bins[bin].1 += f64::from(u8::from(is_so));
        count += 1;
    }
    let distances = bins.iter().map(|(sure, right)| (sure - right).abs());
    distances.sum::<f64>() / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_answers_that_are_half_wrong_become_unsure() {
        // Three of four right, at a distance of 10: the likeliest distance is ln 3.
        let scores = vec![vec![10.0, 0.0]; 4000];
        let classes: Vec<usize> = (0..4000).map(|i| usize::from(i % 4 == 0)).collect();
        let all = temperature(&scores, &Truth::Classes(classes.clone()));
        let expected = 10.0 / 3_f32.ln();
        assert!((all - expected).abs() < 0.05, "{all}");
        // The same from four documents is believed less, and four that are right prove little.
        let of_four = temperature(&scores[..4], &Truth::Classes(classes[..4].to_vec()));
        assert!(1.0 < of_four && of_four < all, "{of_four}");
        let right = temperature(&scores[..4], &Truth::Classes(vec![0; 4]));
        assert!((0.9..=1.1).contains(&right), "{right}");
    }

    #[test]
    fn labels_of_a_set_are_made_unsure_each_by_itself() {
        // Both labels at a score of 10 and there in three of four documents.
        let scores = vec![vec![10.0, 10.0]; 4000];
        let sets = (0..4000).map(|i| match i % 4 {
            0 => vec![1],
            1 => vec![0],
            _ => vec![0, 1],
        });
        let found = temperature(&scores, &Truth::LabelSets(sets.collect()));
        let expected = 10.0 / 3_f32.ln();
        assert!((found - expected).abs() < 0.05, "{found}");
        let numbers = Truth::Numbers(vec![1.0]);
        assert!((temperature(&[vec![3.0]], &numbers) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn answers_that_are_as_right_as_they_are_sure_have_no_error() {
        let answer = |sure: f32| Prediction {
            class: 0,
            probabilities: vec![sure, 1.0 - sure],
        };
        let predictions = vec![answer(0.75); 4];
        assert!(error_of_classes(&predictions, &[0, 0, 0, 1]) < 1e-9);
        assert!((error_of_classes(&predictions, &[0, 1, 1, 1]) - 0.5).abs() < 1e-9);
        let sets = [vec![0], vec![0], vec![0, 1], vec![]];
        assert!(error_of_label_sets(&predictions, &sets) < 1e-9);
    }
}
