//! The labels that a corpus has so far, within bounds.

use std::collections::HashMap;

use super::sources::CorpusSource;
use crate::corpus::{LabelKind, is_label_list};
use crate::error::{DataError, brief};
use crate::tokenized::DocumentLabels;

/// Most distinct names of classes: more are no classes but a column of something else.
const MOST_CLASSES: usize = 65_536;
/// Most bytes of the name of a class.
const LONGEST_CLASS: usize = 4096;
/// Most bytes of all labels, each with [`ENTRY_BYTES`] more. JSON writes a byte as six at most, so that they
/// fit in the description of a corpus.
const MOST_BYTES: usize = 64 << 20;
/// What stands around a label in the description: spaces, quotation marks, a comma and a line end.
const ENTRY_BYTES: usize = 8;

/// Labels by their numbers, and the other way.
#[derive(Debug, Default)]
pub(super) struct LabelTable {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    bytes: usize,
}

impl LabelTable {
    /// The table of these labels, which are in the order of their numbers.
    pub(super) fn restore(names: Vec<String>) -> Self {
        Self {
            numbers: names.iter().cloned().zip(0..).collect(),
            bytes: names.iter().map(|name| name.len() + ENTRY_BYTES).sum(),
            names,
        }
    }

    /// The labels in the order of their numbers.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The labels in the order of their numbers, when there are no more.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }

    /// The number of a document's label, which is a new one for a label that is not there yet.
    ///
    /// # Errors
    ///
    /// [`DataError::TooManyLabels`] where the labels are over a bound.
    pub(super) fn number(
        &mut self,
        label: Option<&str>,
        source: &CorpusSource,
    ) -> Result<u32, DataError> {
        let Some(label) = label else {
            return Ok(DocumentLabels::NO_LABEL);
        };
        if let Some(&number) = self.numbers.get(label) {
            return Ok(number);
        }
        self.bytes += label.len() + ENTRY_BYTES;
        self.check(label, &source.options.labels)
            .map_err(|reason| DataError::TooManyLabels {
                path: source.path.clone(),
                reason,
            })?;
        let number = self.names.len() as u32;
        self.names.push(label.to_owned());
        self.numbers.insert(label.to_owned(), number);
        Ok(number)
    }

    /// What is wrong with a label that is not there yet, and what helps.
    fn check(&self, label: &str, kind: &LabelKind) -> Result<(), String> {
        const REMEDY: &str = "name the column of the classes with --label, or rename the one that was taken \
                              for it; numbers and several labels a document are for `ulmfit train` with \
                              --regression or --label-separator";
        // Numbers and combinations of labels are as many as there are documents.
        let is_class = *kind == LabelKind::Name && !is_label_list(label);
        if is_class && label.len() > LONGEST_CLASS {
            return Err(format!(
                "\"{}\" has more than {LONGEST_CLASS} bytes, and is no name of a class; {REMEDY}",
                brief(label)
            ));
        }
        if is_class && self.names.len() >= MOST_CLASSES {
            return Err(format!(
                "there are more than {MOST_CLASSES} different labels, which are no classes; {REMEDY}"
            ));
        }
        if self.bytes > MOST_BYTES {
            return Err(format!(
                "the different labels have more than {MOST_BYTES} bytes together; write them shorter, such as \
                 numbers with fewer digits"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::CorpusOptions;

    fn source(labels: LabelKind) -> CorpusSource {
        CorpusSource {
            path: "a.csv".into(),
            options: CorpusOptions {
                labels,
                ..CorpusOptions::default()
            },
        }
    }

    #[test]
    fn a_label_keeps_its_number() {
        let mut table = LabelTable::restore(vec!["b".to_owned(), "a".to_owned()]);
        let source = source(LabelKind::Name);
        let mut number = |label| table.number(label, &source).unwrap();
        assert_eq!(
            ["a", "c", "b", "c"].map(|it| number(Some(it))),
            [1, 2, 0, 2]
        );
        assert_eq!(number(None), DocumentLabels::NO_LABEL);
        assert_eq!(table.names(), ["b", "a", "c"]);
    }

    #[test]
    fn names_of_classes_are_few_and_short() {
        let names = (0..MOST_CLASSES).map(|i| i.to_string()).collect();
        let mut table = LabelTable::restore(names);
        let long = "long ".repeat(1000);
        for (label, kind, expected) in [
            ("7", LabelKind::Name, None),
            (
                "new",
                LabelKind::Name,
                Some("more than 65536 different labels"),
            ),
            (&*long, LabelKind::Name, Some("has more than 4096 bytes")),
            ("a\u{1f}b\u{1f}", LabelKind::Name, None),
            (&*long, LabelKind::Joined(" ".to_owned()), None),
            ("0.5", LabelKind::Number, None),
        ] {
            let found = table.number(Some(label), &source(kind)).err();
            let found = found.map(|error| error.to_string());
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.starts_with("a.csv: "), "{found}");
                assert!(
                    found.contains(expected) && found.contains("--label"),
                    "{found}"
                );
                assert!(found.len() < 600, "{found}");
            }
        }
    }

    #[test]
    fn labels_of_any_kind_are_bounded_together() {
        let mut table = LabelTable {
            bytes: MOST_BYTES - ENTRY_BYTES - 1,
            ..LabelTable::default()
        };
        let source = source(LabelKind::Joined(";".to_owned()));
        table.number(Some("a"), &source).unwrap();
        let message = table.number(Some("b"), &source).unwrap_err().to_string();
        assert!(
            message.starts_with("a.csv: the different labels have more than"),
            "{message}"
        );
    }
}
