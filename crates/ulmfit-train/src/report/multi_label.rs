use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ratio;
use crate::report::ClassReport;

/// How predicted label sets compare with the true ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiLabelReport {
    /// F1 over all labels of all documents together.
    pub micro_f1: f64,
    /// The mean F1 of the labels that a document has or was given.
    pub macro_f1: f64,
    /// The part of the documents whose labels are all right.
    pub exact_match: f64,
    /// Each label by its name.
    pub per_label: BTreeMap<String, ClassReport>,
    /// The labels' names, in the order of the scores.
    pub labels: Vec<String>,
    /// How many documents there were.
    pub documents: usize,
}

impl MultiLabelReport {
    /// Compares predicted with true label sets, each rising indices of `labels`.
    pub fn new(labels: &[String], truth: &[Vec<usize>], predicted: &[Vec<usize>]) -> Self {
        let mut all = vec![LabelCounts::default(); labels.len()];
        let mut exact = 0;
        for (truth, predicted) in truth.iter().zip(predicted) {
            exact += usize::from(truth == predicted);
            for &label in truth {
                all[label].support += 1;
                all[label].right += usize::from(predicted.binary_search(&label).is_ok());
            }
            for &label in predicted {
                all[label].taken_for += 1;
            }
        }
        let total = all
            .iter()
            .copied()
            .fold(LabelCounts::default(), LabelCounts::plus);
        let macro_f1 = LabelCounts::macro_f1(&all);
        let per_label: BTreeMap<_, _> = (labels.iter().cloned())
            .zip(all.into_iter().map(LabelCounts::report))
            .collect();
        Self {
            micro_f1: total.report().f1,
            macro_f1,
            exact_match: ratio(exact, truth.len()),
            per_label,
            labels: labels.to_vec(),
            documents: truth.len(),
        }
    }
}

/// How often a label, or any, was predicted and right.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LabelCounts {
    pub(super) right: usize,
    pub(super) taken_for: usize,
    pub(super) support: usize,
}

impl LabelCounts {
    /// Of one document.
    pub(crate) fn of(truth: &[usize], predicted: &[usize]) -> Self {
        let right = truth
            .iter()
            .filter(|label| predicted.binary_search(label).is_ok());
        Self {
            right: right.count(),
            taken_for: predicted.len(),
            support: truth.len(),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            taken_for: self.taken_for + other.taken_for,
            support: self.support + other.support,
        }
    }

    /// The mean F1 of the labels that occur: of one that nobody has and nothing was taken for, nothing was
    /// measured.
    pub(super) fn macro_f1(of_labels: &[Self]) -> f64 {
        let occurs = |counts: &&Self| counts.support + counts.taken_for > 0;
        let figures: Vec<f64> = (of_labels.iter().filter(occurs))
            .map(|counts| counts.report().f1)
            .collect();
        figures.iter().sum::<f64>() / figures.len().max(1) as f64
    }

    pub(crate) fn report(self) -> ClassReport {
        ClassReport::of_counts(self.right, self.taken_for, self.support)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_sets() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        let truth = [vec![0, 1], vec![1], vec![], vec![2]];
        let predicted = [vec![0], vec![1], vec![], vec![1, 2]];
        let report = MultiLabelReport::new(&labels, &truth, &predicted);
        // Right 3 of 4 predicted and of 4 true ones.
        assert!((report.micro_f1 - 0.75).abs() < 1e-12);
        assert!((report.macro_f1 - (1.0 + 0.5 + 1.0) / 3.0).abs() < 1e-12);
        assert!((report.exact_match - 0.5).abs() < 1e-12);
        let b = report.per_label["b"];
        assert!((b.precision - 0.5).abs() < 1e-12 && b.support == 2);
        // "c" does not occur.
        let two = MultiLabelReport::new(&labels, &[vec![0, 1]], &[vec![0]]);
        assert!((two.macro_f1 - 0.5).abs() < 1e-12);
        let nothing = MultiLabelReport::new(&labels, &[vec![]], &[vec![]]);
        assert!(nothing.micro_f1.abs() < 1e-12 && (nothing.exact_match - 1.0).abs() < 1e-12);
    }
}
