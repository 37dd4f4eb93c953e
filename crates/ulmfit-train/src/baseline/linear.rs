//! Linear models over TF-IDF features: what they have in common.

use std::ops::Range;

use rayon::prelude::*;

use super::lbfgs::{dot, minimize};
use super::sparse::Sparse;
use super::tfidf::Tfidf;

/// Weights at most. L-BFGS holds about twenty vectors of as many numbers, which is 3 GB; only with more than
/// thirty classes of a large data set is this a bound.
const MOST_WEIGHTS: usize = 20_000_000;
/// Outputs at most that are held at a time, one for each document and label, which is 160 MB. Labels of
/// which a document may have several are independent: as many are solved together as that leaves.
const MOST_OUTPUTS: usize = 20_000_000;

/// What documents are to be answered with.
#[derive(Clone, Copy)]
pub(super) enum Answers<'a> {
    /// A class each.
    Classes(&'a [usize]),
    /// Any number of labels each, in rising order.
    LabelSets(&'a [Vec<usize>]),
    /// A number each.
    Numbers(&'a [f64]),
}

/// A TF-IDF vectorizer with weights for its features.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    tfidf: Tfidf,
    n_outputs: usize,
    /// `[n_features + 1, n_outputs]`; the last row is the intercept.
    pub(super) weights: Vec<f64>,
}

impl Linear {
    /// Trains on tokenized documents; `strength` is that of the data against the penalty on the weights.
    pub(super) fn fit(
        documents: &[Vec<String>],
        answers: Answers<'_>,
        n_outputs: usize,
        strength: f64,
    ) -> Self {
        let (tfidf, rows) = Tfidf::fit(documents, MOST_WEIGHTS / n_outputs);
        let problem = Problem {
            columns: rows.transposed(tfidf.idf.len()),
            rows,
            answers,
            strength,
        };
        let at_once = match answers {
            Answers::LabelSets(_) => (MOST_OUTPUTS / documents.len().max(1)).clamp(1, n_outputs),
            // The outputs of a class depend on each other.
            Answers::Classes(_) | Answers::Numbers(_) => n_outputs,
        };
        Self {
            weights: problem.solve(n_outputs, at_once),
            tfidf,
            n_outputs,
        }
    }

    /// What `read` makes of the outputs for each document, `[n_outputs]`.
    pub(super) fn answers<T: Send>(
        &self,
        documents: &[Vec<String>],
        read: impl Fn(Vec<f64>) -> T + Sync,
    ) -> Vec<T> {
        let rows = self.tfidf.transform(documents);
        let answer = |row| {
            let mut outputs = vec![0.0; self.n_outputs];
            rows.outputs(row, &self.weights, &mut outputs);
            read(outputs)
        };
        (0..rows.len()).into_par_iter().map(answer).collect()
    }
}

impl Answers<'_> {
    /// The loss of one document; its outputs, of which these are those from `first` on, become the
    /// derivative by them.
    fn loss_and_residual(&self, row: usize, first: usize, outputs: &mut [f64]) -> f64 {
        match self {
            Self::Classes(classes) => cross_entropy_and_residual(outputs, classes[row]),
            Self::LabelSets(sets) => {
                let labels = (first..).zip(outputs.iter_mut());
                let losses = labels.map(|(label, output)| {
                    let is_true = sets[row].binary_search(&label).is_ok();
                    binary_loss_and_residual(output, is_true)
                });
                losses.sum()
            }
            Self::Numbers(numbers) => {
                let residuals = outputs.iter_mut().map(|output| {
                    *output -= numbers[row];
                    0.5 * *output * *output
                });
                residuals.sum()
            }
        }
    }
}

/// The loss to minimize: the mean over the documents plus `|w|² / (2 C n)`.
struct Problem<'a> {
    rows: Sparse,
    /// The rows once more, by feature, so that each part of the gradient is one sum in one order.
    columns: Sparse,
    answers: Answers<'a>,
    /// `C`.
    strength: f64,
}

impl Problem<'_> {
    /// The best weights, `[n_features + 1, n_outputs]`, for `at_once` of the outputs after the other.
    fn solve(&self, n_outputs: usize, at_once: usize) -> Vec<f64> {
        let n_rows = self.columns.len() + 1;
        let mut weights = vec![0.0; n_rows * n_outputs];
        for first in (0..n_outputs).step_by(at_once) {
            let outputs = first..n_outputs.min(first + at_once);
            let start = vec![0.0; n_rows * outputs.len()];
            let best = minimize(|weights| self.loss_and_gradient(weights, &outputs), start);
            let rows = weights.chunks_mut(n_outputs);
            for (row, best) in rows.zip(best.chunks(outputs.len())) {
                row[outputs.clone()].copy_from_slice(best);
            }
        }
        weights
    }

    /// Of these outputs; `weights` is `[n_features + 1, outputs]`.
    fn loss_and_gradient(&self, weights: &[f64], outputs: &Range<usize>) -> (f64, Vec<f64>) {
        let (first, width) = (outputs.start, outputs.len());
        let n = self.rows.len() as f64;
        let mut residuals = vec![0.0; self.rows.len() * width]; // [documents, outputs]
        let losses: Vec<f64> = residuals
            .par_chunks_mut(width)
            .enumerate()
            .map(|(row, outputs)| {
                self.rows.outputs(row, weights, outputs);
                let loss = self.answers.loss_and_residual(row, first, outputs);
                for residual in outputs {
                    *residual /= n;
                }
                loss
            })
            .collect();

        let penalty = 1.0 / (self.strength * n);
        let (penalized, _intercept) = weights.split_at(weights.len() - width);
        let mut gradient: Vec<f64> = penalized.iter().map(|weight| weight * penalty).collect();
        gradient
            .par_chunks_mut(width)
            .with_min_len(1024)
            .enumerate()
            .for_each(|(feature, sums)| self.columns.accumulate(feature, &residuals, sums));
        let mut intercept = vec![0.0; width];
        for residual in residuals.chunks(width) {
            intercept
                .iter_mut()
                .zip(residual)
                .for_each(|(sum, part)| *sum += part);
        }
        gradient.extend(intercept);
        let loss = losses.iter().sum::<f64>() / n + 0.5 * penalty * dot(penalized, penalized);
        (loss, gradient)
    }
}

/// The cross-entropy of one document; its outputs become the derivative by them.
fn cross_entropy_and_residual(outputs: &mut [f64], label: usize) -> f64 {
    if let [output] = outputs {
        // Two classes: the other one's output is held at zero.
        return binary_loss_and_residual(output, label == 1);
    }
    softmax(outputs);
    let loss = -outputs[label].max(f64::MIN_POSITIVE).ln();
    outputs[label] -= 1.0;
    loss
}

/// The binary cross-entropy of an output, which becomes the derivative by it.
fn binary_loss_and_residual(output: &mut f64, is_true: bool) -> f64 {
    // ln(1 + exp(-z)), without overflow.
    let toward = if is_true { *output } else { -*output };
    let loss = (-toward.abs()).exp().ln_1p() + (-toward).max(0.0);
    *output = 1.0 / (1.0 + (-*output).exp()) - f64::from(u8::from(is_true));
    loss
}

pub(super) fn softmax(outputs: &mut [f64]) {
    let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for output in &mut *outputs {
        *output = (*output - largest).exp();
    }
    let sum: f64 = outputs.iter().sum();
    for output in outputs {
        *output /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::documents;

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let sets = [vec![0, 2], vec![], vec![1], vec![2]];
        for (n_outputs, answers) in [
            (1, Answers::Classes(&[0, 1, 1, 0])),
            (3, Answers::Classes(&[0, 1, 2, 1])),
            (3, Answers::LabelSets(&sets)),
            (1, Answers::Numbers(&[0.5, -2.0, 1.0, 3.0])),
        ] {
            let documents = documents(&["a b", "b c a", "c a", "c b b"]);
            let (tfidf, rows) = Tfidf::fit(&documents, usize::MAX);
            let columns = rows.transposed(tfidf.idf.len());
            let problem = Problem {
                rows,
                columns,
                answers,
                strength: 10.0,
            };
            let all = 0..n_outputs;
            let size = (tfidf.idf.len() + 1) * n_outputs;
            let weights: Vec<f64> = (0..size).map(|i| (i as f64 * 0.7).sin()).collect();
            let (_, gradient) = problem.loss_and_gradient(&weights, &all);
            for i in 0..size {
                let at = |offset: f64| {
                    let mut moved = weights.clone();
                    moved[i] += offset;
                    problem.loss_and_gradient(&moved, &all).0
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (gradient[i] - slope).abs() < 1e-7,
                    "{i}: {} {slope}",
                    gradient[i]
                );
            }
        }
    }

    #[test]
    fn labels_by_themselves_have_the_weights_that_they_have_together() {
        let documents = documents(&["a b", "b c a", "c a", "c b b", "a"]);
        let sets = [vec![0, 2], vec![], vec![1, 2], vec![0], vec![1]];
        let (tfidf, rows) = Tfidf::fit(&documents, usize::MAX);
        let problem = Problem {
            columns: rows.transposed(tfidf.idf.len()),
            rows,
            answers: Answers::LabelSets(&sets),
            strength: 1.0,
        };
        let together = problem.solve(3, 3);
        assert!(together.iter().any(|weight| weight.abs() > 0.1));
        for at_once in [1, 2] {
            let weights = problem.solve(3, at_once);
            for (one, other) in weights.iter().zip(&together) {
                assert!((one - other).abs() < 1e-2, "{weights:?} {together:?}");
            }
        }
    }
}
