use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LabelCounts, ratio};

/// How predictions compare with the truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationReport {
    /// The part of the documents that were classified right.
    pub accuracy: f64,
    /// The rest of them.
    pub error_rate: f64,
    /// The mean F1 of the classes that a document is of or was taken for.
    pub macro_f1: f64,
    /// Each class by its name.
    pub per_class: BTreeMap<String, ClassReport>,
    /// The classes' names, in the order of `confusion`.
    pub labels: Vec<String>,
    /// `confusion[t][p]` documents of class `t` were taken for class `p`; empty with more than a thousand
    /// classes, of which nobody would read it.
    pub confusion: Vec<Vec<usize>>,
    /// How many documents there were.
    pub documents: usize,
}

/// How one class fared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// The part of those taken for the class that are of it; 0 when none were.
    pub precision: f64,
    /// The part of those of the class that were taken for it; 0 when there are none.
    pub recall: f64,
    /// The harmonic mean of both; 0 when both are.
    pub f1: f64,
    /// How many documents are of the class.
    pub support: usize,
}

impl ClassificationReport {
    /// Compares predicted with true classes, each an index of `labels`.
    pub fn new(labels: &[String], truth: &[usize], predicted: &[usize]) -> Self {
        const MOST_ROWS: usize = 1000;
        let rows = if labels.len() > MOST_ROWS {
            0
        } else {
            labels.len()
        };
        let mut confusion = vec![vec![0; rows]; rows];
        let mut counts = vec![LabelCounts::default(); labels.len()];
        let mut right = 0;
        for (&actual, &predicted) in truth.iter().zip(predicted) {
            if rows > 0 {
                confusion[actual][predicted] += 1;
            }
            counts[actual].support += 1;
            counts[predicted].taken_for += 1;
            if actual == predicted {
                counts[actual].right += 1;
                right += 1;
            }
        }
        let macro_f1 = LabelCounts::macro_f1(&counts);
        let per_class: BTreeMap<_, _> = (labels.iter().cloned())
            .zip(counts.into_iter().map(LabelCounts::report))
            .collect();
        let accuracy = ratio(right, truth.len());
        Self {
            accuracy,
            error_rate: 1.0 - accuracy,
            macro_f1,
            per_class,
            labels: labels.to_vec(),
            confusion,
            documents: truth.len(),
        }
    }
}

impl ClassReport {
    /// Of those taken for a class and those of it, `right` are both.
    pub(super) fn of_counts(right: usize, taken_for: usize, support: usize) -> Self {
        let precision = ratio(right, taken_for);
        let recall = ratio(right, support);
        let sum = precision + recall;
        let f1 = if sum > 0.0 {
            2.0 * precision * recall / sum
        } else {
            0.0
        };
        Self {
            precision,
            recall,
            f1,
            support,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_confusion_matrix() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        let report = ClassificationReport::new(&labels, &[0, 0, 0, 1, 1], &[0, 0, 1, 1, 0]);
        assert_eq!(report.confusion, [[2, 1, 0], [1, 1, 0], [0, 0, 0]]);
        assert!((report.accuracy - 0.6).abs() < 1e-12);
        assert!((report.error_rate - 0.4).abs() < 1e-12);
        let a = report.per_class["a"];
        assert!((a.precision - 2.0 / 3.0).abs() < 1e-12 && (a.recall - 2.0 / 3.0).abs() < 1e-12);
        let c = report.per_class["c"];
        assert!(c.precision.abs() < 1e-12 && c.f1.abs() < 1e-12 && c.support == 0);
        assert!((report.macro_f1 - f64::midpoint(2.0 / 3.0, 0.5)).abs() < 1e-12);
    }

    #[test]
    fn many_classes_take_no_table() {
        let labels: Vec<String> = (0..100_000).map(|class| class.to_string()).collect();
        let report = ClassificationReport::new(&labels, &[99_999, 7], &[99_999, 8]);
        assert!(report.confusion.is_empty());
        assert!((report.accuracy - 0.5).abs() < 1e-12);
        assert_eq!(report.per_class["7"].support, 1);
    }
}
