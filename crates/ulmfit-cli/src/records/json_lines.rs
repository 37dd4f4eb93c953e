//! JSON lines: an object a line.

use serde_json::{Map, Value};
use ulmfit_data::{DataError, Document};

use super::Record;
use super::input::{Input, Lines};

/// Reads objects; blank lines are left out.
pub(super) struct Objects {
    lines: Lines,
    wanted: Vec<String>,
    /// The keys of the text, found in the first object.
    keys: Option<Vec<String>>,
}

impl Objects {
    pub(super) fn new(input: Input, text: &[String]) -> Self {
        Self {
            lines: input.lines(),
            wanted: text.to_vec(),
            keys: None,
        }
    }

    fn record(&mut self, line: &str) -> Result<Record, DataError> {
        let mut object: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            let message = error.to_string();
            // The parser's own line number is always 1.
            let message = message.split(" at line ").next().unwrap_or_default();
            self.malformed(format!(
                "expected a JSON object ({message} at column {})",
                error.column()
            ))
        })?;
        let keys = match &self.keys {
            Some(keys) => keys.clone(),
            None => self.find_keys(&object)?,
        };
        let fields = keys
            .iter()
            .map(|key| self.field(&object, key))
            .collect::<Result<_, _>>()?;
        self.keys = Some(keys);
        Ok(Record {
            id: object.remove("id"),
            document: Document {
                fields,
                label: None,
            },
        })
    }

    fn find_keys(&self, object: &Map<String, Value>) -> Result<Vec<String>, DataError> {
        let names: Vec<&str> = object.keys().map(String::as_str).collect();
        let columns = super::text_columns(&names, &self.wanted);
        let columns = columns.map_err(|wanted| self.missing(object, wanted))?;
        Ok(columns
            .into_iter()
            .map(|column| names[column].to_owned())
            .collect())
    }

    fn field(&self, object: &Map<String, Value>, key: &str) -> Result<String, DataError> {
        match object.get(key) {
            None => Err(self.missing(object, format!("\"{key}\""))),
            Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(super::without_nul(text)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            Some(Value::Array(_) | Value::Object(_)) => Err(self.malformed(format!(
                "\"{key}\" is a list or an object, expected a string"
            ))),
        }
    }

    fn missing(&self, object: &Map<String, Value>, wanted: String) -> DataError {
        DataError::MissingColumn {
            path: self.lines.name().to_owned(),
            line: self.lines.number(),
            wanted,
            there: object.keys().cloned().collect(),
        }
    }

    fn malformed(&self, reason: String) -> DataError {
        let (path, line) = (self.lines.name().to_owned(), self.lines.number());
        DataError::Malformed { path, line, reason }
    }
}

impl Iterator for Objects {
    type Item = Result<Record, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next()? {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => return Some(self.record(&line)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
