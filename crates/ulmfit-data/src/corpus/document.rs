//! What a corpus is made of.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::label::label_list;

/// One text, perhaps in several fields, perhaps with a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Document {
    /// The text, or a title and a text and the like. Several fields are marked with `xxfld` by
    /// [`Tokenizer::tokenize_fields`](crate::Tokenizer::tokenize_fields).
    pub fields: Vec<String>,
    /// The class, as the file spells it. A list of labels has a [`LABEL_END`](super::LABEL_END) behind
    /// each of its names.
    pub label: Option<String>,
    /// The row's own `id`, as the file has it: a column of CSV and TSV, which is a string, a key of JSON
    /// lines, of any type but no list or object of more than 64 KiB, or a column of Parquet that is neither nested nor binary. Of a file in a folder
    /// or an archive its path there. Otherwise none.
    pub id: Option<Value>,
}

impl Document {
    /// A document of one field without a label and an id.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            fields: vec![text.into()],
            label: None,
            id: None,
        }
    }

    /// A document of one field with a label and no id.
    pub fn labeled(text: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            fields: vec![text.into()],
            label: Some(label.into()),
            id: None,
        }
    }

    /// A document of one field with any number of labels and no id. A blank label is left out.
    pub fn multi_labeled<L: AsRef<str>>(
        text: impl Into<String>,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        Self::labeled(text, label_list(labels))
    }

    /// The whole text; several fields are joined by line ends.
    pub fn text(&self) -> Cow<'_, str> {
        match self.fields.as_slice() {
            [field] => Cow::Borrowed(field),
            fields => Cow::Owned(fields.join("\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_several_fields_has_one_text() {
        let document = Document {
            fields: vec!["a".into(), "b".into()],
            ..Document::new("")
        };
        assert_eq!(document.text(), "a\nb");
        assert_eq!(Document::new("a").text(), "a");
        let label = Document::multi_labeled("a", ["b", "c"]).label;
        assert_eq!(label.as_deref(), Some("b\u{1f}c\u{1f}"));
    }
}
