//! The baseline that a reported figure stands beside: TF-IDF and logistic regression on the same split.
//!
//! Nothing is tuned, least of all on test data. Features are the words and the pairs of neighboring
//! words of tokenized documents that occur in at least two of them, with sublinear term frequency,
//! smoothed inverse document frequency and rows of unit length. The classifier minimizes
//! cross-entropy plus `|w|² / (2 C)` with a free intercept: one weight a feature for two classes, one
//! a class otherwise. These are scikit-learn's formulas for `TfidfVectorizer(ngram_range=(1, 2),
//! sublinear_tf=True, min_df=2)` and `LogisticRegression(C=10)`. scikit-learn's default of `C = 1`
//! would be the easier one to beat: it underfits rows of unit length, by a point on IMDb.
//!
//! The problem is convex, so it has one answer and needs no seed. L-BFGS finds it, and every sum is
//! taken in an order that does not depend on the number of threads: the same documents give the same
//! weights to the bit.

use std::collections::{HashMap, VecDeque};

use rayon::prelude::*;

/// The strength of the data against the penalty on the weights, the same for every data set.
const C: f64 = 10.0;
/// A feature of a single document says nothing about another one.
const MIN_DOCUMENTS: u32 = 2;
/// Training ends when no component of the mean gradient is larger. At a tenth of it the accuracy on
/// IMDb moves by less than 0.02 points.
const TOLERANCE: f64 = 1e-5;
/// Training ends after this many L-BFGS steps whatever the gradient; a tenth of them is usual.
const MAX_STEPS: usize = 300;
/// Steps that L-BFGS remembers; each costs two vectors as long as the weights.
const HISTORY: usize = 6;
/// Stands for "no second word" in the key of a single word.
const NO_WORD: u32 = u32::MAX;

/// A TF-IDF vectorizer and a logistic regression, trained together.
///
/// ```
/// # use ulmfit_train::TfidfLogistic;
/// let tokens = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
/// let documents = [tokens("a fine film"), tokens("a fine day"), tokens("a dull film"), tokens("a dull day")];
/// let model = TfidfLogistic::fit(&documents, &[1, 1, 0, 0], 2);
/// assert_eq!(model.predict(&[tokens("fine and fine"), tokens("how dull")]), [1, 0]);
/// ```
#[derive(Debug, Clone)]
pub struct TfidfLogistic {
    tfidf: Tfidf,
    /// One for two classes (the other one's is held at zero), else one a class.
    n_outputs: usize,
    /// `[n_features + 1, n_outputs]`; the last row is the intercept.
    weights: Vec<f64>,
}

impl TfidfLogistic {
    /// Trains on tokenized documents and their labels, `0..n_classes`.
    ///
    /// # Panics
    /// Without documents, when there is not one label a document, and when a label or the number of
    /// classes is out of range.
    pub fn fit(documents: &[Vec<String>], labels: &[usize], n_classes: usize) -> Self {
        let n = documents.len();
        assert!(n > 0, "a baseline needs documents");
        assert_eq!(n, labels.len(), "one label a document");
        assert!(
            n_classes >= 2,
            "{n_classes} classes leave nothing to tell apart"
        );
        assert!(
            labels.iter().all(|label| *label < n_classes),
            "labels are below {n_classes}"
        );

        let (tfidf, rows) = Tfidf::fit(documents);
        let n_outputs = if n_classes == 2 { 1 } else { n_classes };
        let problem = Problem {
            columns: rows.transposed(tfidf.idf.len()),
            rows,
            labels,
            n_outputs,
        };
        let start = vec![0.0; (tfidf.idf.len() + 1) * n_outputs];
        let weights = minimize(|weights| problem.loss_and_gradient(weights), start);
        Self {
            tfidf,
            n_outputs,
            weights,
        }
    }

    /// The most probable class of each document, in order; the lowest index where classes tie.
    pub fn predict(&self, documents: &[Vec<String>]) -> Vec<usize> {
        let best = |row: &Vec<f64>| {
            (1..row.len()).fold(
                0,
                |best, class| if row[class] > row[best] { class } else { best },
            )
        };
        self.predict_probabilities(documents)
            .iter()
            .map(best)
            .collect()
    }

    /// The probability of each class for each document, `[documents, n_classes]`.
    pub fn predict_probabilities(&self, documents: &[Vec<String>]) -> Vec<Vec<f64>> {
        let rows = self.tfidf.transform(documents);
        let probabilities = |row| {
            let mut outputs = vec![0.0; self.n_outputs];
            rows.outputs(row, &self.weights, &mut outputs);
            if self.n_outputs == 1 {
                outputs.insert(0, 0.0);
            }
            softmax(&mut outputs);
            outputs
        };
        (0..rows.len()).into_par_iter().map(probabilities).collect()
    }
}

/// Which words and pairs are features, and how much each weighs.
#[derive(Debug, Clone)]
struct Tfidf {
    words: HashMap<String, u32>,
    /// By [`key`]; the index of a feature is its place in the order of first sight.
    features: HashMap<u64, u32>,
    idf: Vec<f64>,
}

impl Tfidf {
    fn fit(documents: &[Vec<String>]) -> (Self, Sparse) {
        let mut words = HashMap::new();
        for word in documents.iter().flatten() {
            if !words.contains_key(word) {
                words.insert(word.clone(), words.len() as u32);
            }
        }
        let counted: Vec<Vec<(u64, u32)>> = documents
            .par_iter()
            .map(|document| counts(&words, document))
            .collect();

        let mut in_documents: HashMap<u64, u32> = HashMap::new();
        for (key, _) in counted.iter().flatten() {
            *in_documents.entry(*key).or_default() += 1;
        }
        let mut features = HashMap::new();
        let mut idf = Vec::new();
        let n = documents.len() as f64;
        for (key, _) in counted.iter().flatten() {
            let seen_in = in_documents[key];
            if seen_in >= MIN_DOCUMENTS && !features.contains_key(key) {
                features.insert(*key, idf.len() as u32);
                idf.push(((1.0 + n) / (1.0 + f64::from(seen_in))).ln() + 1.0);
            }
        }
        let tfidf = Self {
            words,
            features,
            idf,
        };
        let rows = counted.par_iter().map(|counts| tfidf.row(counts)).collect();
        (tfidf, Sparse::from_rows(rows))
    }

    fn transform(&self, documents: &[Vec<String>]) -> Sparse {
        let row = |document: &Vec<String>| self.row(&counts(&self.words, document));
        Sparse::from_rows(documents.par_iter().map(row).collect())
    }

    /// One document's features and their values, of unit length together.
    fn row(&self, counts: &[(u64, u32)]) -> Vec<(u32, f32)> {
        let weighed = counts.iter().filter_map(|(key, count)| {
            let feature = *self.features.get(key)?;
            Some((
                feature,
                (1.0 + f64::from(*count).ln()) * self.idf[feature as usize],
            ))
        });
        let row: Vec<(u32, f64)> = weighed.collect();
        let length = row
            .iter()
            .map(|(_, value)| value * value)
            .sum::<f64>()
            .sqrt();
        row.into_iter()
            .map(|(feature, value)| (feature, (value / length) as f32))
            .collect()
    }
}

/// How often each known word and each pair of known neighbors occurs, in the order of their keys.
fn counts(words: &HashMap<String, u32>, document: &[String]) -> Vec<(u64, u32)> {
    let ids: Vec<Option<u32>> = document
        .iter()
        .map(|word| words.get(word).copied())
        .collect();
    let mut keys: Vec<u64> = ids.iter().flatten().map(|id| key(*id, NO_WORD)).collect();
    keys.extend(
        ids.windows(2)
            .filter_map(|pair| Some(key(pair[0]?, pair[1]?))),
    );
    keys.sort_unstable();
    keys.chunk_by(|a, b| a == b)
        .map(|run| (run[0], run.len() as u32))
        .collect()
}

fn key(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// A sparse matrix by rows.
#[derive(Debug, Clone)]
struct Sparse {
    /// Where each row begins, and the end of the last.
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Sparse {
    fn from_rows(rows: Vec<Vec<(u32, f32)>>) -> Self {
        let mut starts = vec![0];
        let mut entries = Vec::with_capacity(rows.iter().map(Vec::len).sum());
        for row in rows {
            entries.extend(row);
            starts.push(entries.len());
        }
        Self { starts, entries }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn row(&self, row: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// The same matrix by columns, of which there are `n_columns`.
    fn transposed(&self, n_columns: usize) -> Self {
        let mut starts = vec![0; n_columns + 1];
        for (column, _) in &self.entries {
            starts[*column as usize + 1] += 1;
        }
        for column in 0..n_columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.len() {
            for (column, value) in self.row(row) {
                entries[next[*column as usize]] = (row as u32, *value);
                next[*column as usize] += 1;
            }
        }
        Self { starts, entries }
    }

    /// `outputs = row · weights + intercept`, the intercept being the last row of `weights`.
    fn outputs(&self, row: usize, weights: &[f64], outputs: &mut [f64]) {
        outputs.copy_from_slice(&weights[weights.len() - outputs.len()..]);
        self.accumulate(row, weights, outputs);
    }

    /// `sums += row · dense`, where `dense` is `[columns, sums.len()]`.
    fn accumulate(&self, row: usize, dense: &[f64], sums: &mut [f64]) {
        let width = sums.len();
        for (column, value) in self.row(row) {
            let from = *column as usize * width;
            for (sum, factor) in sums.iter_mut().zip(&dense[from..from + width]) {
                *sum += f64::from(*value) * factor;
            }
        }
    }
}

/// The loss to minimize: mean cross-entropy plus `|w|² / (2 C n)`.
struct Problem<'a> {
    rows: Sparse,
    /// The rows once more, by feature, so that each part of the gradient is one sum in one order.
    columns: Sparse,
    labels: &'a [usize],
    n_outputs: usize,
}

impl Problem<'_> {
    fn loss_and_gradient(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let width = self.n_outputs;
        let n = self.rows.len() as f64;
        let mut residuals = vec![0.0; self.rows.len() * width]; // [documents, outputs]
        let losses: Vec<f64> = residuals
            .par_chunks_mut(width)
            .enumerate()
            .map(|(row, outputs)| {
                self.rows.outputs(row, weights, outputs);
                let loss = cross_entropy_and_residual(outputs, self.labels[row]);
                for residual in outputs {
                    *residual /= n;
                }
                loss
            })
            .collect();

        let penalty = 1.0 / (C * n);
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
        // Two classes: the other one's output is held at zero. ln(1 + exp(-z)), without overflow.
        let toward = if label == 1 { *output } else { -*output };
        let loss = (-toward.abs()).exp().ln_1p() + (-toward).max(0.0);
        *output = 1.0 / (1.0 + (-*output).exp()) - label as f64;
        return loss;
    }
    softmax(outputs);
    let loss = -outputs[label].max(f64::MIN_POSITIVE).ln();
    outputs[label] -= 1.0;
    loss
}

fn softmax(outputs: &mut [f64]) {
    let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for output in &mut *outputs {
        *output = (*output - largest).exp();
    }
    let sum: f64 = outputs.iter().sum();
    for output in outputs {
        *output /= sum;
    }
}

/// L-BFGS with a line search by bisection for the weak Wolfe conditions.
fn minimize(objective: impl Fn(&[f64]) -> (f64, Vec<f64>), start: Vec<f64>) -> Vec<f64> {
    let mut point = start;
    let (mut value, mut gradient) = objective(&point);
    let mut history: VecDeque<Pair> = VecDeque::with_capacity(HISTORY);
    for _ in 0..MAX_STEPS {
        if gradient.iter().all(|part| part.abs() <= TOLERANCE) {
            break;
        }
        let direction = descent(&gradient, &history);
        let slope = dot(&gradient, &direction);
        // Without a history the direction has the gradient's length, which says nothing.
        let mut step = if history.is_empty() {
            1.0 / slope.abs().sqrt()
        } else {
            1.0
        };
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut found = None;
        for _ in 0..40 {
            let mut candidate = point.clone();
            add_scaled(&mut candidate, step, &direction);
            let (new_value, new_gradient) = objective(&candidate);
            if new_value > value + 1e-4 * step * slope {
                high = step;
            } else if dot(&new_gradient, &direction) < 0.9 * slope {
                low = step;
            } else {
                found = Some((candidate, new_value, new_gradient));
                break;
            }
            step = if high.is_finite() {
                f64::midpoint(low, high)
            } else {
                2.0 * step
            };
        }
        // Nothing lower can be told apart in f64: this is the minimum.
        let Some((candidate, new_value, new_gradient)) = found else {
            break;
        };
        let mut moved = candidate.clone();
        add_scaled(&mut moved, -1.0, &point);
        let mut bent = new_gradient.clone();
        add_scaled(&mut bent, -1.0, &gradient);
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(Pair {
            curvature: dot(&moved, &bent),
            moved,
            bent,
        });
        (point, value, gradient) = (candidate, new_value, new_gradient);
    }
    point
}

/// One past step: where it went, how the gradient changed, and their product.
struct Pair {
    moved: Vec<f64>,
    bent: Vec<f64>,
    curvature: f64,
}

/// The two-loop recursion: minus the gradient through the inverse Hessian that the history implies.
fn descent(gradient: &[f64], history: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|part| -part).collect();
    let mut factors = Vec::with_capacity(history.len());
    for pair in history.iter().rev() {
        let factor = dot(&pair.moved, &direction) / pair.curvature;
        add_scaled(&mut direction, -factor, &pair.bent);
        factors.push(factor);
    }
    if let Some(last) = history.back() {
        let scale = last.curvature / dot(&last.bent, &last.bent);
        direction.par_iter_mut().for_each(|part| *part *= scale);
    }
    for (pair, factor) in history.iter().zip(factors.into_iter().rev()) {
        let correction = dot(&pair.bent, &direction) / pair.curvature;
        add_scaled(&mut direction, factor - correction, &pair.moved);
    }
    direction
}

/// Summed by chunks of a fixed size, so that the answer is the same for any number of threads.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let part = |(a, b): (&[f64], &[f64])| a.iter().zip(b).map(|(a, b)| a * b).sum();
    let parts: Vec<f64> = a
        .par_chunks(1 << 16)
        .zip(b.par_chunks(1 << 16))
        .map(part)
        .collect();
    parts.iter().sum()
}

fn add_scaled(to: &mut [f64], scale: f64, from: &[f64]) {
    to.par_iter_mut()
        .zip(from)
        .with_min_len(1 << 14)
        .for_each(|(to, from)| *to += scale * from);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(texts: &[&str]) -> Vec<Vec<String>> {
        texts
            .iter()
            .map(|text| text.split_whitespace().map(String::from).collect())
            .collect()
    }

    /// Worked out by hand.
    #[test]
    fn rows_are_sublinear_smoothed_and_of_unit_length() {
        let (tfidf, rows) = Tfidf::fit(&documents(&["a b a", "a c", "b d"]));
        // Only "a" and "b" are in two documents; no pair is.
        let idf = (4.0_f64 / 3.0).ln() + 1.0;
        assert_eq!(tfidf.idf, [idf, idf]);
        let (a, b) = (1.0 + 2.0_f64.ln(), 1.0_f64);
        let length = a.hypot(b);
        let expected = [((a / length) as f32), ((b / length) as f32)];
        let first: Vec<f32> = rows.row(0).iter().map(|(_, value)| *value).collect();
        for (ours, theirs) in first.iter().zip(expected) {
            assert!(
                (ours - theirs).abs() < 1e-6,
                "{first:?} is not {expected:?}"
            );
        }
        assert_eq!(rows.row(1), [(0, 1.0)]);
        assert_eq!(rows.row(2), [(1, 1.0)]);
    }

    #[test]
    fn pairs_tell_apart_what_words_alone_cannot() {
        let good = ["not bad but good", "not bad but good fun"];
        let bad = ["not good but bad", "not good but bad fun"];
        let texts = documents(&[good[0], bad[0], good[1], bad[1]]);
        let model = TfidfLogistic::fit(&texts, &[1, 0, 1, 0], 2);
        assert_eq!(model.predict(&texts), [1, 0, 1, 0]);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        for (n_outputs, labels) in [(1, [0, 1, 1, 0]), (3, [0, 1, 2, 1])] {
            let (tfidf, rows) = Tfidf::fit(&documents(&["a b", "b c a", "c a", "c b b"]));
            let columns = rows.transposed(tfidf.idf.len());
            let problem = Problem {
                rows,
                columns,
                labels: &labels,
                n_outputs,
            };
            let size = (tfidf.idf.len() + 1) * n_outputs;
            let weights: Vec<f64> = (0..size).map(|i| (i as f64 * 0.7).sin()).collect();
            let (_, gradient) = problem.loss_and_gradient(&weights);
            for i in 0..size {
                let at = |offset: f64| {
                    let mut moved = weights.clone();
                    moved[i] += offset;
                    problem.loss_and_gradient(&moved).0
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
    fn three_classes_get_probabilities_that_sum_to_one() {
        let texts = documents(&[
            "who is he",
            "who was she",
            "when is it",
            "when was that",
            "where is it",
            "where was he",
        ]);
        let model = TfidfLogistic::fit(&texts, &[0, 0, 1, 1, 2, 2], 3);
        assert_eq!(model.predict(&texts), [0, 0, 1, 1, 2, 2]);
        for row in model.predict_probabilities(&documents(&["who", "", "never seen before"])) {
            assert_eq!(row.len(), 3);
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn without_a_known_word_the_intercept_decides() {
        let texts = documents(&["x", "y", "x y", "y x"]);
        let model = TfidfLogistic::fit(&texts, &[1, 1, 1, 0], 2);
        assert_eq!(model.predict(&documents(&["unheard of", ""])), [1, 1]);
    }

    #[test]
    fn one_class_only_is_learned_as_that_class() {
        let texts = documents(&["a b", "a c"]);
        assert_eq!(
            TfidfLogistic::fit(&texts, &[1, 1], 2).predict(&texts),
            [1, 1]
        );
        assert_eq!(
            TfidfLogistic::fit(&texts, &[2, 2], 3).predict(&texts),
            [2, 2]
        );
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let text = |i: usize| {
            (0..20)
                .map(|j| format!("w{}", (i * 7 + j * j * i) % 31))
                .collect()
        };
        let texts: Vec<Vec<String>> = (0..200).map(text).collect();
        let labels: Vec<usize> = (0..200).map(|i| i * i % 3).collect();
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool")
                .install(|| TfidfLogistic::fit(&texts, &labels, 3).weights)
        };
        assert_eq!(fit(1), fit(3));
    }
}
