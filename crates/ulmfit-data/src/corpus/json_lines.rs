//! JSON lines: an object a line, with named columns.

use serde_json::{Map, Value};

use super::columns::Columns;
use super::lines::Lines;
use super::source::Source;
use super::text::without_nul;
use super::{CorpusOptions, Document};
use crate::error::DataError;

/// Reads objects as documents. Blank lines are left out.
pub(super) struct JsonLinesReader {
    lines: Lines,
    options: CorpusOptions,
    /// The keys of the text and of the label, found in the first object.
    keys: Option<(Vec<String>, Option<String>)>,
}

impl JsonLinesReader {
    pub(super) fn new(source: Source, options: &CorpusOptions) -> Self {
        Self {
            lines: Lines::new(source),
            options: options.clone(),
            keys: None,
        }
    }

    /// Articles of Wikipedia: `{"id", "title", "text"}`, of which the text is read.
    pub(super) fn wiki(source: Source) -> Self {
        Self {
            lines: Lines::new(source),
            options: CorpusOptions::default(),
            keys: Some((vec!["text".to_owned()], None)),
        }
    }

    fn document(&mut self, line: &str) -> Result<Document, DataError> {
        let mut object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| self.malformed(json_reason(&error)))?;
        if self.keys.is_none() {
            self.keys = Some(self.find_keys(&object)?);
        }
        let (text, label) = self.keys.clone().unwrap_or_default();
        let fields = text
            .iter()
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
        let label = match label.and_then(|key| Some((object.get(&key)?, key))) {
            Some((value, key)) => self.scalar(&key, value)?,
            None => None,
        };
        let id = object.remove("id");
        Ok(Document { fields, label, id })
    }

    fn find_keys(
        &self,
        object: &Map<String, Value>,
    ) -> Result<(Vec<String>, Option<String>), DataError> {
        let names: Vec<String> = object.keys().cloned().collect();
        let columns = Columns::find(
            &names,
            &self.options,
            self.lines.name(),
            self.lines.number(),
        )?;
        let text = columns.text.iter().map(|&i| names[i].clone()).collect();
        Ok((text, columns.label.map(|i| names[i].clone())))
    }

    /// A value as text: strings as they are, numbers and booleans as JSON spells them, null as none.
    fn scalar(&self, key: &str, value: &Value) -> Result<Option<String>, DataError> {
        match value {
            Value::Null => Ok(None),
            // NUL can still come as an escape.
            Value::String(text) => Ok(Some(without_nul(text.clone()))),
            Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
            Value::Array(_) | Value::Object(_) => Err(self.malformed(format!(
                "\"{key}\" is a list or an object, expected a string"
            ))),
        }
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
    let message = message.split(" at line ").next().unwrap_or_default();
    match error.column() {
        0 => format!("expected a JSON object ({message})"),
        column => format!("expected a JSON object ({message} at column {column})"),
    }
}

impl Iterator for JsonLinesReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next()? {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => return Some(self.document(&line)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
