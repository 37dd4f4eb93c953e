use super::linear::{Answers, Linear, softmax};

/// The strength of the data against the penalty on the weights, the same for every data set.
pub(super) const C: f64 = 10.0;

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
pub struct TfidfLogistic(Linear);

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

        // One output for two classes, the other one's being held at zero.
        let n_outputs = if n_classes == 2 { 1 } else { n_classes };
        Self(Linear::fit(
            documents,
            Answers::Classes(labels),
            n_outputs,
            C,
        ))
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
        self.0.answers(documents, |mut outputs| {
            if outputs.len() == 1 {
                outputs.insert(0, 0.0);
            }
            softmax(&mut outputs);
            outputs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::documents;

    #[test]
    fn pairs_tell_apart_what_words_alone_cannot() {
        let good = ["not bad but good", "not bad but good fun"];
        let bad = ["not good but bad", "not good but bad fun"];
        let texts = documents(&[good[0], bad[0], good[1], bad[1]]);
        let model = TfidfLogistic::fit(&texts, &[1, 0, 1, 0], 2);
        assert_eq!(model.predict(&texts), [1, 0, 1, 0]);
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
                .install(|| TfidfLogistic::fit(&texts, &labels, 3).0.weights)
        };
        assert_eq!(fit(1), fit(3));
    }
}
