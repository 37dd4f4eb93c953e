//! What is in the column of the labels: the name of a class, several names, or a number.
//!
//! A document's label is one text in any case. A list of names, which JSON lines can have, is written
//! into it with [`LABEL_END`] behind each name, so that it is told from the name of a class.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, brief};

/// Stands behind each name of a list of labels in [`Document::label`](super::Document::label), and alone
/// for an empty list: ASCII's unit separator.
pub const LABEL_END: char = '\u{1f}';

/// What the column of the labels holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// The name of a class, or in JSON lines a list of names.
    #[default]
    Name,
    /// Names with this text between them, or in JSON lines a list of names.
    Joined(String),
    /// A finite number.
    Number,
}

impl LabelKind {
    /// Whether any text is a label.
    pub(super) fn is_name(&self) -> bool {
        *self == Self::Name
    }

    /// The label of a document, from what a file has in its place. A blank one is none, of any kind, and
    /// the name of a class goes without the spaces around it. Fails for one that is not of the kind.
    pub(super) fn read(
        &self,
        label: Option<String>,
        path: &Path,
        place: Place,
    ) -> Result<Option<String>, DataError> {
        let Some(label) = label.filter(|label| !label.trim().is_empty()) else {
            return Ok(None);
        };
        let reason = match self {
            Self::Name if is_label_list(&label) => return Ok(Some(label)),
            Self::Name => return Ok(Some(label.trim().to_owned())),
            Self::Joined(separator) => {
                let names = label_names(&label, Some(separator));
                if names.iter().all(|name| !name.is_empty()) {
                    return Ok(Some(label));
                }
                format!(
                    "the label \"{}\" has an empty name in it; write one \"{separator}\" between two \
                     names, and none before or behind them",
                    shown(&label)
                )
            }
            Self::Number if label_number(&label).is_some() => return Ok(Some(label)),
            Self::Number => format!(
                "the label \"{}\" is not a finite number; name the column of the numbers with --label, \
                 or leave out --regression for classes",
                shown(&label)
            ),
        };
        Err(place.error(path, reason))
    }
}

/// Where in a file a label is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The line, counted from 1.
    Line(u64),
    /// The row of a file that has no lines, counted from 1.
    Row(u64),
    /// The name of a folder that the file is in.
    File,
}

impl Place {
    pub(super) fn error(self, path: &Path, reason: String) -> DataError {
        let path = path.to_owned();
        match self {
            Self::Line(line) => DataError::Malformed { path, line, reason },
            Self::Row(row) => DataError::MalformedRow { path, row, reason },
            Self::File => DataError::MalformedFile { path, reason },
        }
    }
}

/// Writes names as a list; a blank name is left out.
pub(super) fn label_list<L: AsRef<str>>(names: impl IntoIterator<Item = L>) -> String {
    let mut list = String::new();
    for name in names {
        push_name(&mut list, name.as_ref());
    }
    if list.is_empty() {
        list.push(LABEL_END);
    }
    list
}

/// Adds a name to a list that has no end yet, without the spaces around it, if it is not blank.
pub(super) fn push_name(list: &mut String, name: &str) {
    let name = name.replace(LABEL_END, "");
    let name = name.trim();
    if !name.is_empty() {
        list.push_str(name);
        list.push(LABEL_END);
    }
}

/// Whether a label is a list of names.
pub fn is_label_list(label: &str) -> bool {
    label.ends_with(LABEL_END)
}

/// The names in a label: those of a list, else those between the separators, without the spaces around
/// them, else the label itself. A name is empty where nothing stands between two separators.
pub fn label_names<'a>(label: &'a str, separator: Option<&str>) -> Vec<&'a str> {
    if let Some(names) = label.strip_suffix(LABEL_END) {
        return names
            .split(LABEL_END)
            .filter(|name| !name.is_empty())
            .collect();
    }
    match separator {
        Some(separator) if !separator.is_empty() => label.split(separator).map(str::trim).collect(),
        _ => vec![label],
    }
}

/// The number that a label states, if it is a finite one.
pub fn label_number(label: &str) -> Option<f64> {
    let number = label.trim().parse().ok();
    number.filter(|number: &f64| number.is_finite())
}

/// A label as a message may quote it.
fn shown(label: &str) -> String {
    brief(&label_names(label, None).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_a_list_or_between_separators() {
        for (label, separator, expected) in [
            ("news", None, &["news"][..]),
            ("news; sport", Some(";"), &["news", "sport"]),
            ("news;;sport", Some(";"), &["news", "", "sport"]),
            ("a;b\u{1f}c\u{1f}", Some(";"), &["a;b", "c"]),
            ("\u{1f}", None, &[]),
        ] {
            assert_eq!(label_names(label, separator), expected, "{label:?}");
        }
        assert_eq!(label_list([" a", " ", "b \u{1f}"]), "a\u{1f}b\u{1f}");
        assert_eq!(label_list::<&str>([]), "\u{1f}");
    }

    #[test]
    fn a_blank_label_is_none_and_the_name_of_a_class_has_no_spaces_around_it() {
        let joined = LabelKind::Joined(";".to_owned());
        for (kind, label, expected) in [
            (&LabelKind::Name, "", None),
            (&LabelKind::Name, " \t", None),
            (&LabelKind::Name, " very good ", Some("very good")),
            (&LabelKind::Name, "\u{1f}", Some("\u{1f}")),
            (&LabelKind::Name, " a\u{1f}", Some(" a\u{1f}")),
            (&joined, " ", None),
            (&LabelKind::Number, " ", None),
        ] {
            let label = Some(label.to_owned());
            let read = kind.read(label, Path::new("a.csv"), Place::Line(1));
            assert_eq!(read.unwrap().as_deref(), expected, "{kind:?}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(label_number(" -1.5e3 "), Some(-1500.0));
        for label in ["inf", "nan", "1,5", "", "1e999", "one"] {
            assert_eq!(label_number(label), None, "{label}");
        }
    }
}
