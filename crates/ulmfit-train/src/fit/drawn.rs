//! Which documents a fit learns from and which it is measured on, before it knows how.

use ulmfit_data::Document;

use super::held_out::{self, Duplicates};
use super::{FitDocuments, FitOptions};
use crate::error::TrainError;
use crate::truth::Truth;

/// The texts that may be learned from, such as to train subwords on: of documents that are labeled those
/// that a [`plan`](super::plan()) of them with these options does not hold out, and of the others those
/// that do not repeat one.
///
/// # Errors
///
/// [`TrainError::Unusable`] when the labels are not of the target.
pub fn text_to_train_on(
    documents: FitDocuments,
    options: &FitOptions,
) -> Result<Vec<Document>, TrainError> {
    let drawn = Drawn::new(documents, options)?;
    let mut held_out = drawn.held_out.into_iter().peekable();
    let labeled = drawn.labeled.into_iter().enumerate();
    let to_train = labeled.filter(|(place, _)| held_out.next_if_eq(place).is_none());
    let texts = to_train.map(|(_, document)| document);
    Ok(texts.chain(drawn.unlabeled).collect())
}

/// Documents of which it is drawn what is measured on.
pub(super) struct Drawn {
    /// All that are labeled, those to measure on included.
    pub(super) labeled: Vec<Document>,
    /// Those without labels that may be read.
    pub(super) unlabeled: Vec<Document>,
    pub(super) labels: Vec<String>,
    pub(super) truth: Truth,
    /// Places among those that are labeled, in rising order.
    pub(super) held_out: Vec<usize>,
    pub(super) duplicates: Duplicates,
    pub(super) leaked: usize,
    pub(super) withheld: usize,
}

impl Drawn {
    pub(super) fn new(documents: FitDocuments, options: &FitOptions) -> Result<Self, TrainError> {
        let FitDocuments {
            mut labeled,
            mut unlabeled,
            validation,
        } = documents;
        let n_labeled = labeled.len();
        let texts = held_out::texts(&labeled);
        let is_known = |document: &&Document| texts.contains(&held_out::words(document));
        let leaked = validation.iter().filter(is_known).count();
        labeled.extend(validation);
        let of_documents = labeled.iter().map(|document| document.label.as_deref());
        let (labels, truth) = Truth::new(&options.target, of_documents)?;
        let to_train: Vec<usize> = (0..n_labeled).collect();
        let (drawn, duplicates) = held_out::draw(
            &labeled[..n_labeled],
            &truth.select(&to_train),
            options.held_out,
            options.seed,
        );
        let held_out = if labeled.len() > n_labeled {
            (n_labeled..labeled.len()).collect()
        } else {
            drawn
        };
        let n_unlabeled = unlabeled.len();
        let texts = held_out::texts(held_out.iter().map(|&index| &labeled[index]));
        unlabeled.retain(|document| !texts.contains(&held_out::words(document)));
        Ok(Self {
            withheld: n_unlabeled - unlabeled.len(),
            labeled,
            unlabeled,
            labels,
            truth,
            held_out,
            duplicates,
            leaked,
        })
    }
}
