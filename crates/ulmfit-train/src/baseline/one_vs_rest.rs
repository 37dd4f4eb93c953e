use super::linear::{Answers, Linear};
use super::logistic::C;

/// A TF-IDF vectorizer and a logistic regression for each label by itself, trained together.
///
/// ```
/// # use ulmfit_train::TfidfOneVsRest;
/// let tokens = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
/// let documents = ["war and peace", "a war", "a match", "a match of war", "a day"].map(tokens);
/// let sets = [vec![0], vec![0], vec![1], vec![0, 1], vec![]];
/// let model = TfidfOneVsRest::fit(&documents, &sets, 2);
/// assert_eq!(model.predict(&[tokens("the war"), tokens("a match war")]), [vec![0], vec![0, 1]]);
/// ```
#[derive(Debug, Clone)]
pub struct TfidfOneVsRest(Linear);

impl TfidfOneVsRest {
    /// Trains on tokenized documents and the labels of each, in rising order, `0..n_labels`.
    ///
    /// # Panics
    /// Without documents or labels, when there is not one set a document, and when a label is out of
    /// range.
    pub fn fit(documents: &[Vec<String>], sets: &[Vec<usize>], n_labels: usize) -> Self {
        assert!(!documents.is_empty(), "a baseline needs documents");
        assert_eq!(documents.len(), sets.len(), "one set of labels a document");
        assert!(n_labels > 0, "no labels leave nothing to tell apart");
        assert!(
            sets.iter().flatten().all(|label| *label < n_labels),
            "labels are below {n_labels}"
        );
        Self(Linear::fit(
            documents,
            Answers::LabelSets(sets),
            n_labels,
            C,
        ))
    }

    /// The labels of each document whose probability is a half or more, in rising order.
    pub fn predict(&self, documents: &[Vec<String>]) -> Vec<Vec<usize>> {
        self.0.answers(documents, |outputs| {
            let labels = 0..outputs.len();
            labels.filter(|&label| outputs[label] >= 0.0).collect()
        })
    }
}
