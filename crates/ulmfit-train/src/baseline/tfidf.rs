use std::cmp::Reverse;
use std::collections::HashMap;

use rayon::prelude::*;

use super::sparse::Sparse;

/// A feature of a single document says nothing about another one.
const MIN_DOCUMENTS: u32 = 2;
/// Stands for "no second word" in the key of a single word.
const NO_WORD: u32 = u32::MAX;

/// Which words and pairs are features, and how much each weighs.
#[derive(Debug, Clone)]
pub(super) struct Tfidf {
    words: HashMap<String, u32>,
    /// By [`key`]; the index of a feature is its place in the order of first sight.
    features: HashMap<u64, u32>,
    pub(super) idf: Vec<f64>,
}

impl Tfidf {
    /// Takes at most `most` features, those of the most documents.
    pub(super) fn fit(documents: &[Vec<String>], most: usize) -> (Self, Sparse) {
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
        let least = least_documents(&in_documents, most);
        let mut features = HashMap::new();
        let mut idf = Vec::new();
        let n = documents.len() as f64;
        for (key, _) in counted.iter().flatten() {
            let seen_in = in_documents[key];
            if seen_in >= least && !features.contains_key(key) {
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

    pub(super) fn transform(&self, documents: &[Vec<String>]) -> Sparse {
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

/// In how many documents a feature must be at least, so that there are at most `most` of them.
fn least_documents(in_documents: &HashMap<u64, u32>, most: usize) -> u32 {
    let mut counts: Vec<u32> = in_documents.values().copied().collect();
    counts.sort_unstable_by_key(|&count| Reverse(count));
    let first_left_out = counts.get(most).map_or(0, |count| count + 1);
    first_left_out.max(MIN_DOCUMENTS)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::documents;

    /// Worked out by hand.
    #[test]
    fn rows_are_sublinear_smoothed_and_of_unit_length() {
        let (tfidf, rows) = Tfidf::fit(&documents(&["a b a", "a c", "b d"]), usize::MAX);
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
    fn the_rarest_features_go_where_there_are_too_many() {
        let documents = documents(&["a b c", "c a", "b a d", "d"]);
        let features = |most| Tfidf::fit(&documents, most).0.idf.len();
        assert_eq!(
            [features(9), features(4), features(3), features(1)],
            [4, 4, 1, 1]
        );
    }
}
