//! Class names and their numbers.

use std::collections::{BTreeMap, BTreeSet};

use ulmfit_data::Document;
use ulmfit_data::corpus::is_label_list;

use crate::error::TrainError;

/// The classes of a data set, sorted by name, and each document's class.
///
/// # Errors
///
/// [`TrainError::Unusable`] when a document has no label, a blank one or a list of them, or there is but
/// one class.
pub fn number_labels<'a>(
    labels: impl IntoIterator<Item = Option<&'a str>>,
) -> Result<(Vec<String>, Vec<usize>), TrainError> {
    let mut numbers = BTreeMap::new();
    let mut of = Vec::new();
    for (index, label) in labels.into_iter().enumerate() {
        let label = there(index, label)?;
        if is_label_list(label) {
            return Err(several(index));
        }
        numbers.insert(label, 0);
        of.push(label);
    }
    if numbers.len() < 2 {
        return Err(TrainError::Unusable(match numbers.keys().next() {
            Some(only) => format!(
                "every document has the label \"{only}\"; a classifier needs at least two classes"
            ),
            None => "there are no documents to train a classifier on".to_owned(),
        }));
    }
    for (number, value) in numbers.values_mut().enumerate() {
        *value = number;
    }
    let of = of.into_iter().map(|label| numbers[label]).collect();
    Ok((numbers.into_keys().map(str::to_owned).collect(), of))
}

/// Each document's class among the classes that a model knows.
///
/// # Errors
///
/// [`TrainError::Unusable`] when a document has no label, or one that the model was not trained
/// on; the message names both.
pub fn known_labels(documents: &[Document], labels: &[String]) -> Result<Vec<usize>, TrainError> {
    let documents = documents.iter().enumerate();
    let numbers = documents.map(|(index, document)| {
        let label = there(index, document.label.as_deref())?;
        if is_label_list(label) {
            return Err(several(index));
        }
        let number = labels.iter().position(|known| known == label);
        number.ok_or_else(|| {
            TrainError::Unusable(format!(
                "document {} has the label \"{label}\", which the model was not trained on (it knows {}); \
                 name the column of its labels with --label, or leave out the row",
                index + 1,
                labels.join(", ")
            ))
        })
    });
    numbers.collect()
}

/// Fails if a class could not be told from another by its name; says which one.
pub(crate) fn check_names(names: &[String]) -> Result<(), String> {
    let mut there = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        if name.trim().is_empty() {
            return Err(format!("class {} has no name", index + 1));
        }
        if !there.insert(name) {
            return Err(format!("two classes have the name \"{name}\""));
        }
    }
    Ok(())
}

/// The label of a document, which is not blank.
pub(crate) fn there(index: usize, label: Option<&str>) -> Result<&str, TrainError> {
    let label = label.filter(|label| !label.trim().is_empty());
    label.ok_or_else(|| {
        TrainError::Unusable(format!(
            "document {} has no label; name the column with --label, or leave out the row",
            index + 1
        ))
    })
}

fn several(index: usize) -> TrainError {
    TrainError::Unusable(format!(
        "document {} has a list of labels where one class is needed; `ulmfit fit` and `train` make a \
         classifier that takes lists",
        index + 1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_classes_apart() {
        let check = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            check_names(&names)
        };
        assert_eq!(check(&["b", "a", "A"]), Ok(()));
        assert_eq!(check(&["a", " "]).unwrap_err(), "class 2 has no name");
        let message = check(&["a", "b", "a"]).unwrap_err();
        assert_eq!(message, "two classes have the name \"a\"");
    }

    #[test]
    fn a_blank_label_is_no_class() {
        let (names, numbers) = number_labels(["b", "a", "b"].map(Some)).unwrap();
        assert_eq!((names.len(), numbers), (2, vec![1, 0, 1]));
        for blank in ["", " "] {
            let message = number_labels(["a", blank].map(Some))
                .unwrap_err()
                .to_string();
            assert!(message.starts_with("document 2 has no label"), "{message}");
            let documents = [Document::labeled("", "a"), Document::labeled("", blank)];
            let message = known_labels(&documents, &names).unwrap_err().to_string();
            assert!(message.starts_with("document 2 has no label"), "{message}");
        }
    }
}
