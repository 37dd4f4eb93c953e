//! The baselines that a reported figure stands beside: TF-IDF and a linear model on the same split.
//!
//! Nothing is tuned, least of all on test data. Features are the words and the pairs of neighboring words
//! of tokenized documents that occur in at least two of them (in more, where there would be twenty
//! million weights otherwise), with sublinear term frequency, smoothed inverse document frequency and
//! rows of unit length. The classifier minimizes cross-entropy plus `|w|² / (2 C)` with a free intercept:
//! one weight a feature for two classes, one a class otherwise. These are scikit-learn's formulas for
//! `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)` and `LogisticRegression(C=10)`.
//! scikit-learn's default of `C = 1` would be the easier one to beat: it underfits rows of unit length,
//! by a point on IMDb. Several labels a document have such a regression each, as in
//! `OneVsRestClassifier`, as many at a time as there is memory for; numbers have `Ridge(alpha=1)`.
//!
//! The problems are convex, so each has one answer and needs no seed. L-BFGS finds it, and every sum is
//! taken in an order that does not depend on the number of threads: the same documents give the same
//! weights to the bit.

mod lbfgs;
mod linear;
mod logistic;
mod one_vs_rest;
mod ridge;
mod sparse;
mod tfidf;

pub use logistic::TfidfLogistic;
pub use one_vs_rest::TfidfOneVsRest;
pub use ridge::TfidfRidge;

use crate::truth::Truth;

/// What the baseline of a target answers to `test` once it is trained on documents with these answers, of
/// `n_labels` labels: [`TfidfLogistic`] for classes, [`TfidfOneVsRest`] for several labels a document
/// and [`TfidfRidge`] for numbers. All documents are tokenized.
///
/// # Panics
///
/// Without documents, when there is not one answer a document, or when an answer is not below
/// `n_labels`.
pub fn tfidf_answers(
    documents: &[Vec<String>],
    truth: &Truth,
    n_labels: usize,
    test: &[Vec<String>],
) -> Truth {
    match truth {
        Truth::Classes(classes) => {
            Truth::Classes(TfidfLogistic::fit(documents, classes, n_labels).predict(test))
        }
        Truth::LabelSets(sets) => {
            Truth::LabelSets(TfidfOneVsRest::fit(documents, sets, n_labels).predict(test))
        }
        Truth::Numbers(numbers) => {
            Truth::Numbers(TfidfRidge::fit(documents, numbers).predict(test))
        }
    }
}

#[cfg(test)]
fn documents(texts: &[&str]) -> Vec<Vec<String>> {
    let words = |text: &&str| text.split_whitespace().map(String::from).collect();
    texts.iter().map(words).collect()
}
