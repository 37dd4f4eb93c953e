//! The true answers of documents, by what their labels are to be.

use std::collections::BTreeMap;

use ulmfit_data::Document;
use ulmfit_data::corpus::{label_names, label_number};

use crate::error::TrainError;
use crate::labels::{known_labels, number_labels, there};
use crate::target::Target;

/// The true answers of documents, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// The class of each, an index of the labels.
    Classes(Vec<usize>),
    /// The labels of each, rising indices of the labels.
    LabelSets(Vec<Vec<usize>>),
    /// The number of each.
    Numbers(Vec<f64>),
}

impl Truth {
    /// The names that labels have, sorted, and the answers that they are; for numbers no names.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unusable`] when a document has no label or one that is not of the target, or when
    /// all documents have the same.
    pub fn new<'a>(
        target: &Target,
        labels: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Result<(Vec<String>, Self), TrainError> {
        match target {
            Target::SingleLabel => {
                let (names, classes) = number_labels(labels)?;
                Ok((names, Self::Classes(classes)))
            }
            Target::MultiLabel { separator } => {
                let (names, sets) = number_label_sets(labels, separator.as_deref())?;
                Ok((names, Self::LabelSets(sets)))
            }
            Target::Regression => {
                let numbers = labels.into_iter().enumerate();
                let numbers = numbers.map(|(index, label)| number(index, label));
                Ok((
                    Vec::new(),
                    Self::Numbers(numbers.collect::<Result<_, _>>()?),
                ))
            }
        }
    }

    /// The names of labels, beginning with those that a model knows, and the answers of documents that it
    /// is measured on. Where documents have several labels, those that the model does not know follow: it
    /// misses them, and may be right about the others.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unusable`] when a document has no label or one that is not of the target, or a class
    /// that the model was not trained on; the message names both.
    pub fn known(
        target: &Target,
        documents: &[Document],
        labels: &[String],
    ) -> Result<(Vec<String>, Self), TrainError> {
        let of_documents = documents.iter().map(|it| it.label.as_deref()).enumerate();
        let mut labels = labels.to_vec();
        let truth = match target {
            Target::SingleLabel => Self::Classes(known_labels(documents, &labels)?),
            Target::MultiLabel { separator } => {
                let places = labels.iter().cloned().zip(0..);
                let mut places: BTreeMap<String, usize> = places.collect();
                let mut sets = Vec::with_capacity(documents.len());
                for (index, label) in of_documents {
                    let mut set = Vec::new();
                    for name in names(index, label, separator.as_deref())? {
                        let place = places.entry(name.to_owned()).or_insert_with(|| {
                            labels.push(name.to_owned());
                            labels.len() - 1
                        });
                        set.push(*place);
                    }
                    sets.push(as_set(set));
                }
                Self::LabelSets(sets)
            }
            Target::Regression => {
                let numbers = of_documents.map(|(index, label)| number(index, label));
                Self::Numbers(numbers.collect::<Result<_, _>>()?)
            }
        };
        Ok((labels, truth))
    }

    /// The answers of the documents at these places.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(at(classes, places)),
            Self::LabelSets(sets) => Self::LabelSets(at(sets, places)),
            Self::Numbers(numbers) => Self::Numbers(at(numbers, places)),
        }
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::LabelSets(sets) => sets.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two documents have the same answer.
    pub(crate) fn agree(&self, one: usize, other: usize) -> bool {
        match self {
            Self::Classes(classes) => classes[one] == classes[other],
            Self::LabelSets(sets) => sets[one] == sets[other],
            Self::Numbers(numbers) => numbers[one].to_bits() == numbers[other].to_bits(),
        }
    }

    /// What a draw takes its share of each of: the classes, else all documents together.
    pub(crate) fn strata(&self) -> Vec<usize> {
        match self {
            Self::Classes(classes) => classes.clone(),
            Self::LabelSets(_) | Self::Numbers(_) => vec![0; self.len()],
        }
    }

    /// How many documents have each of so many labels; none for numbers.
    pub(crate) fn counts(&self, n_labels: usize) -> Vec<usize> {
        let mut counts = vec![0; n_labels];
        match self {
            Self::Classes(classes) => classes.iter().for_each(|&class| counts[class] += 1),
            Self::LabelSets(sets) => sets.iter().flatten().for_each(|&label| counts[label] += 1),
            Self::Numbers(_) => {}
        }
        counts
    }

    /// Whole numbers that say all of it, for a digest.
    pub(crate) fn words(&self) -> Vec<u64> {
        match self {
            Self::Classes(classes) => classes.iter().map(|&class| class as u64).collect(),
            Self::LabelSets(sets) => {
                let words = |set: &Vec<usize>| {
                    let labels = set.iter().map(|&label| label as u64);
                    [set.len() as u64]
                        .into_iter()
                        .chain(labels)
                        .collect::<Vec<_>>()
                };
                sets.iter().flat_map(words).collect()
            }
            Self::Numbers(numbers) => numbers.iter().map(|number| number.to_bits()).collect(),
        }
    }
}

fn at<T: Clone>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|&place| values[place].clone()).collect()
}

fn as_set(mut labels: Vec<usize>) -> Vec<usize> {
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// The labels' names, sorted, and each document's as rising indices of them.
fn number_label_sets<'a>(
    labels: impl IntoIterator<Item = Option<&'a str>>,
    separator: Option<&str>,
) -> Result<(Vec<String>, Vec<Vec<usize>>), TrainError> {
    let labels = labels.into_iter().enumerate();
    let documents = labels
        .map(|(index, label)| names(index, label, separator))
        .collect::<Result<Vec<_>, _>>()?;
    let mut numbers: BTreeMap<&str, usize> =
        documents.iter().flatten().map(|&name| (name, 0)).collect();
    if numbers.len() < 2 {
        return Err(TrainError::Unusable(match numbers.keys().next() {
            Some(only) => format!(
                "\"{only}\" is the only label; several labels a document are at least two different \
                 ones, of which a document may have none"
            ),
            None => "there are no labels to train a classifier on".to_owned(),
        }));
    }
    for (number, value) in numbers.values_mut().enumerate() {
        *value = number;
    }
    let set = |names: &Vec<&str>| as_set(names.iter().map(|name| numbers[name]).collect());
    let sets = documents.iter().map(set).collect();
    Ok((numbers.into_keys().map(str::to_owned).collect(), sets))
}

fn names<'a>(
    index: usize,
    label: Option<&'a str>,
    separator: Option<&str>,
) -> Result<Vec<&'a str>, TrainError> {
    let label = there(index, label)?;
    let names = label_names(label, separator);
    if names.iter().any(|name| name.is_empty()) {
        return Err(TrainError::Unusable(format!(
            "document {} has a label with an empty name, \"{label}\"; write one separator between two \
             names",
            index + 1
        )));
    }
    Ok(names)
}

fn number(index: usize, label: Option<&str>) -> Result<f64, TrainError> {
    let label = there(index, label)?;
    label_number(label).ok_or_else(|| {
        TrainError::Unusable(format!(
            "document {} has the label \"{}\", which is not a finite number; regression learns numbers",
            index + 1,
            label_names(label, None).join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(target: &Target, labels: &[&str]) -> String {
        let labels = labels.iter().map(|&label| Some(label));
        Truth::new(target, labels).unwrap_err().to_string()
    }

    #[test]
    fn label_sets_are_numbered_without_repeats() {
        let target = Target::MultiLabel {
            separator: Some(";".to_owned()),
        };
        let labels = ["b; a;b", "c", "\u{1f}", "c\u{1f}a\u{1f}"].map(Some);
        let (names, truth) = Truth::new(&target, labels).unwrap();
        assert_eq!(names, ["a", "b", "c"]);
        let expected = vec![vec![0, 1], vec![2], vec![], vec![0, 2]];
        assert_eq!(truth, Truth::LabelSets(expected));
        assert_eq!(truth.counts(3), [2, 1, 2]);
        let document = Document::labeled("", "d;a");
        let (names, truth) = Truth::known(&target, &[document], &names).unwrap();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert_eq!(truth, Truth::LabelSets(vec![vec![0, 3]]));
        assert!(refused(&target, &["a;a", "a"]).contains("\"a\" is the only label"));
        assert!(refused(&target, &["a;", "b"]).contains("document 1 has a label with an empty"));
    }

    #[test]
    fn numbers_are_read_as_such() {
        let (names, truth) = Truth::new(&Target::Regression, [Some("1"), Some(" -2.5")]).unwrap();
        assert!(names.is_empty());
        assert_eq!(truth, Truth::Numbers(vec![1.0, -2.5]));
        let message = refused(&Target::Regression, &["1", "good"]);
        assert!(
            message.contains("document 2 has the label \"good\""),
            "{message}"
        );
        assert!(refused(&Target::Regression, &["1", " "]).contains("document 2 has no label"));
    }
}
