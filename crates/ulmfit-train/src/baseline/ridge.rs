use super::linear::{Answers, Linear};
use crate::target::Standardization;

/// One over the penalty on the weights, which is scikit-learn's default.
const C: f64 = 1.0;

/// A TF-IDF vectorizer and a ridge regression, trained together.
///
/// ```
/// # use ulmfit_train::TfidfRidge;
/// let tokens = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
/// let documents = ["good film", "good day", "bad film", "bad day"].map(tokens);
/// let model = TfidfRidge::fit(&documents, &[9.0, 9.0, 1.0, 1.0]);
/// let predicted = model.predict(&[tokens("good"), tokens("bad")]);
/// assert!(predicted[0] > 6.0 && predicted[1] < 4.0);
/// ```
#[derive(Debug, Clone)]
pub struct TfidfRidge {
    linear: Linear,
    standardization: Standardization,
}

impl TfidfRidge {
    /// Trains on tokenized documents and their numbers.
    ///
    /// # Panics
    /// Without documents, and when there is not one number a document.
    pub fn fit(documents: &[Vec<String>], numbers: &[f64]) -> Self {
        assert!(!documents.is_empty(), "a baseline needs documents");
        assert_eq!(documents.len(), numbers.len(), "one number a document");
        // The answer is the same in any unit; where the search ends is not.
        let standardization = Standardization::of(numbers).unwrap_or_default();
        let numbers: Vec<f64> = (numbers.iter())
            .map(|&number| standardization.apply(number))
            .collect();
        Self {
            linear: Linear::fit(documents, Answers::Numbers(&numbers), 1, C),
            standardization,
        }
    }

    /// The number of each document, in order.
    pub fn predict(&self, documents: &[Vec<String>]) -> Vec<f64> {
        let number = |outputs: Vec<f64>| self.standardization.undo(outputs[0]);
        self.linear.answers(documents, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::documents;

    /// One feature, which is 1 where it is there: `w = Σ x y / (Σ x² + 1)`, both of them centered.
    #[test]
    fn the_weights_are_those_of_the_closed_form() {
        let texts = documents(&["a", "a", "b", "c"]);
        let model = TfidfRidge::fit(&texts, &[4.0, 2.0, 0.0, -2.0]);
        // x is ±1/2 and y is 3, 1, -1 and -3, so that w = 4 / (1 + 1), around a mean of 1.
        let predicted = model.predict(&documents(&["a", "nothing"]));
        assert!((predicted[0] - 2.0).abs() < 1e-3, "{predicted:?}");
        assert!(predicted[1].abs() < 1e-3, "{predicted:?}");
    }
}
