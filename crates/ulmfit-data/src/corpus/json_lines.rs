//! JSON lines: an object a line, with named columns.

use serde_json::Value;

use super::columns;
use super::json_row::{self, Field, Row};
use super::label::Place;
use super::lines::Lines;
use super::source::Source;
use super::text::repaired;
use super::{CorpusOptions, Document};
use crate::error::{DataError, brief};

/// Reads objects as documents. Blank lines are left out.
pub(super) struct JsonLinesReader {
    lines: Lines,
    options: CorpusOptions,
    /// The keys of the text, found in the first object.
    text: Option<Vec<String>>,
    /// The key of the label in the first object that has one.
    label: Option<String>,
    /// The keys of the first object, which a message lists where no object has the label that is named.
    first: Option<Vec<String>>,
}

impl JsonLinesReader {
    pub(super) fn new(source: Source, options: &CorpusOptions) -> Self {
        Self {
            lines: Lines::new(source),
            options: options.clone(),
            text: None,
            label: None,
            first: None,
        }
    }

    /// Articles of Wikipedia: `{"id", "title", "text"}`, of which the text is read.
    pub(super) fn wiki(source: Source) -> Self {
        let options = CorpusOptions {
            text_columns: vec!["text".to_owned()],
            ignore_labels: true,
            ..CorpusOptions::default()
        };
        Self::new(source, &options)
    }

    fn document(&mut self, line: &str) -> Result<Document, DataError> {
        let mut object =
            json_row::parse(line).map_err(|error| self.malformed(json_reason(&error)))?;
        self.find_text(&object)?;
        let label = self.find_label(&object)?;
        let text = self.text.iter().flatten();
        let fields = text
            .map(|key| {
                let value = object.get(key).ok_or_else(|| DataError::MissingColumn {
                    path: self.lines.name().to_owned(),
                    line: self.lines.number(),
                    wanted: format!("\"{key}\""),
                    there: object.keys().cloned().collect(),
                })?;
                self.scalar(key, value).map(Option::unwrap_or_default)
            })
            .collect::<Result<_, _>>()?;
        let label = match label.and_then(|key| object.get_key_value(&key)) {
            Some((key, value)) => self.read_label(key, value)?,
            None => None,
        };
        let id = match object.remove("id") {
            Some(Field::Scalar(id)) => Some(id),
            Some(Field::Strings { .. } | Field::Nested) => {
                let reason = "\"id\" is a list or an object of more than 65536 bytes, expected a string or a \
                              number";
                return Err(self.malformed(reason.to_owned()));
            }
            None => None,
        };
        Ok(Document { fields, label, id })
    }

    /// Finds the keys of the text in the first object.
    fn find_text(&mut self, object: &Row) -> Result<(), DataError> {
        if self.text.is_some() {
            return Ok(());
        }
        let names: Vec<String> = object.keys().cloned().collect();
        let (path, line) = (self.lines.name(), self.lines.number());
        let text = columns::text_columns(&names, &self.options, path, line)?;
        self.text = Some(text.iter().map(|&i| names[i].clone()).collect());
        self.first = Some(names);
        Ok(())
    }

    /// The key of an object's label, if it has one: rows without a label may lack it. Where none is named,
    /// the first that was found stands for all rows, and a better one behind it leaves open which is meant.
    fn find_label(&mut self, object: &Row) -> Result<Option<String>, DataError> {
        let names: Vec<&str> = object.keys().map(String::as_str).collect();
        let (path, line) = (self.lines.name(), self.lines.number());
        let Some(place) = columns::label_column(&names, &self.options, path, line)? else {
            return Ok(None);
        };
        let found = names[place];
        let first = self.label.get_or_insert_with(|| found.to_owned());
        if first == found || columns::named_label(&self.options).is_some() {
            return Ok(Some(found.to_owned()));
        }
        if columns::label_rank(found) > columns::label_rank(first) {
            return Ok(None);
        }
        let reason = format!(
            "the label's key is \"{}\" in rows before this one, which has \"{}\"; name one of them with \
             --label",
            brief(first),
            brief(found)
        );
        Err(self.malformed(reason))
    }

    /// The error behind the last object, once, where none had the label that is named.
    fn no_label(&mut self) -> Option<DataError> {
        let named = columns::named_label(&self.options).filter(|_| self.label.is_none())?;
        let wanted = format!("\"{named}\"");
        let names = self.first.take()?;
        Some(columns::missing(&names, wanted, self.lines.name(), 0))
    }

    /// A value as text: strings as they are, numbers and booleans as JSON spells them, null as none.
    fn scalar(&self, key: &str, field: &Field) -> Result<Option<String>, DataError> {
        match field {
            Field::Scalar(Value::Null) => Ok(None),
            // NUL and CRLF can still come as escapes.
            Field::Scalar(Value::String(text)) => Ok(Some(repaired(text.clone()))),
            Field::Scalar(value @ (Value::Number(_) | Value::Bool(_))) => {
                Ok(Some(value.to_string()))
            }
            // Of these only an `id` is kept.
            Field::Scalar(Value::Array(_) | Value::Object(_))
            | Field::Strings { .. }
            | Field::Nested => Err(self.malformed(format!(
                "\"{}\" is a list or an object, expected a string",
                brief(key)
            ))),
        }
    }

    /// A label as text, of the kind that it is to be; a list of strings as such.
    fn read_label(&self, key: &str, field: &Field) -> Result<Option<String>, DataError> {
        let label = match field {
            Field::Strings { list, blank: false } => Some(repaired(list.clone())),
            Field::Strings { .. } => {
                let reason = format!("\"{}\" has an empty name in its list", brief(key));
                return Err(self.malformed(reason));
            }
            Field::Nested => {
                return Err(self.malformed(format!(
                    "\"{}\" is a list or an object, expected a string or a short list of strings",
                    brief(key)
                )));
            }
            scalar @ Field::Scalar(_) => self.scalar(key, scalar)?,
        };
        let place = Place::Line(self.lines.number());
        let path = self.lines.name();
        self.options.labels.read(label, path, place)
    }

    fn malformed(&self, reason: String) -> DataError {
        DataError::Malformed {
            path: self.lines.name().to_owned(),
            line: self.lines.number(),
            reason,
        }
    }
}

/// The parser's words, with its own line number, always 1, taken out.
fn json_reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    // It quotes strings, which may be as long as the line.
    let message = brief(
        message
            .rsplit_once(" at line ")
            .map_or(&*message, |parts| parts.0),
    );
    match error.column() {
        0 => format!("expected a JSON object ({message})"),
        column => format!("expected a JSON object ({message} at column {column})"),
    }
}

impl Iterator for JsonLinesReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next() {
                Some(Ok(line)) if line.trim().is_empty() => {}
                Some(Ok(line)) => return Some(self.document(&line)),
                Some(Err(error)) => return Some(Err(error)),
                None => return self.no_label().map(Err),
            }
        }
    }
}
