use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ratio;

/// How predictions compare with the truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationReport {
    /// The part of the documents that were classified right.
    pub accuracy: f64,
    /// The rest of them.
    pub error_rate: f64,
    /// The mean of the classes' F1.
    pub macro_f1: f64,
    /// Each class by its name.
    pub per_class: BTreeMap<String, ClassReport>,
    /// The classes' names, in the order of `confusion`.
    pub labels: Vec<String>,
    /// `confusion[t][p]` documents of class `t` were taken for class `p`.
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
        let mut confusion = vec![vec![0; labels.len()]; labels.len()];
        for (&actual, &predicted) in truth.iter().zip(predicted) {
            confusion[actual][predicted] += 1;
        }
        let per_class = labels
            .iter()
            .enumerate()
            .map(|(class, label)| (label.clone(), ClassReport::new(&confusion, class)))
            .collect::<BTreeMap<_, _>>();
        let right = (0..labels.len())
            .map(|class| confusion[class][class])
            .sum::<usize>();
        let accuracy = ratio(right, truth.len());
        let f1_sum = per_class.values().map(|class| class.f1).sum::<f64>();
        Self {
            accuracy,
            error_rate: 1.0 - accuracy,
            macro_f1: f1_sum / labels.len().max(1) as f64,
            per_class,
            labels: labels.to_vec(),
            confusion,
            documents: truth.len(),
        }
    }
}

impl ClassReport {
    fn new(confusion: &[Vec<usize>], class: usize) -> Self {
        let right = confusion[class][class];
        let support = confusion[class].iter().sum::<usize>();
        let taken_for = confusion.iter().map(|row| row[class]).sum::<usize>();
        Self::of_counts(right, taken_for, support)
    }

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
        assert!((report.macro_f1 - (2.0 / 3.0 + 0.5) / 3.0).abs() < 1e-12);
    }
}
