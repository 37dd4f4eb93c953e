//! Whether there is anything to learn from documents.

use ulmfit_data::Document;
use ulmfit_data::corpus::label_number;

use super::held_out;
use crate::error::TrainError;
use crate::target::Standardization;
use crate::truth::Truth;

/// Fails when the documents to train on all have the same class, by the `counts` of the classes, or the same
/// number.
pub(super) fn differ(truth: &Truth, labels: &[String], counts: &[usize]) -> Result<(), TrainError> {
    match truth {
        Truth::Numbers(numbers) => Standardization::of(numbers).map(|_| ()),
        Truth::Classes(classes) => match counts.iter().position(|&count| count == classes.len()) {
            Some(only) => Err(TrainError::Unusable(format!(
                "every document to train on has the label \"{}\"; only those to measure on have others",
                labels[only]
            ))),
            None => Ok(()),
        },
        Truth::LabelSets(_) => Ok(()),
    }
}

/// Labels that are hardly ever the same are no classes.
pub(super) fn labels(labels: &[String], documents: usize) -> Result<(), TrainError> {
    /// More than any set of classes that a person can name.
    const MOST_CLASSES: usize = 1000;
    if labels.len() > MOST_CLASSES || (labels.len() > 20 && 2 * labels.len() > documents) {
        let numbers = if labels.iter().all(|label| label_number(label).is_some()) {
            "; where they are numbers to be predicted, say so with --regression"
        } else {
            ""
        };
        return Err(TrainError::Unusable(format!(
            "the label column has {} different values in {documents} rows, such as \"{}\" and \
             \"{}\", which are too many for classes; name the column of the classes with --label\
             {numbers}",
            labels.len(),
            shortened(&labels[0]),
            shortened(&labels[labels.len() - 1])
        )));
    }
    Ok(())
}

/// Texts that are never or always the same leave nothing to learn. Returns how many are blank.
pub(super) fn texts(labeled: &[Document]) -> Result<usize, TrainError> {
    let blank = |document: &&Document| document.text().trim().is_empty();
    let blank = labeled.iter().filter(blank).count();
    let mut texts = labeled.iter().map(held_out::words);
    let first = texts.next();
    if texts.all(|text| Some(text) == first) {
        let what = if blank > 0 {
            "no text"
        } else {
            "the same text"
        };
        return Err(TrainError::Unusable(format!(
            "all {} labeled documents have {what}; name the column of the texts with --text",
            labeled.len()
        )));
    }
    Ok(blank)
}

/// The beginning of a label that may be a whole text.
fn shortened(label: &str) -> String {
    const CHARACTERS: usize = 40;
    let mut start: String = label.chars().take(CHARACTERS).collect();
    if start.len() < label.len() {
        start.push('\u{2026}');
    }
    start
}
