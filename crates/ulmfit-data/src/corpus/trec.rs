//! TREC question classification (Li and Roth 2002): `COARSE:fine question` a line.

use super::lines::Lines;
use super::source::Source;
use super::text::without_nul;
use super::{CorpusOptions, Document};
use crate::error::DataError;
use crate::rules::windows_1252;

/// Reads questions; the label is the coarse class (`HUM`) or, on request, both (`HUM:desc`).
pub(super) struct TrecReader {
    lines: Lines,
    fine: bool,
}

impl TrecReader {
    pub(super) fn new(source: Source, options: &CorpusOptions) -> Result<Self, DataError> {
        let fine = match options.label_column.as_deref() {
            None | Some("coarse") => false,
            Some("fine") => true,
            Some(other) => {
                return Err(DataError::MissingColumn {
                    path: source.name,
                    line: 1,
                    wanted: format!("\"{other}\""),
                    there: vec!["coarse".to_owned(), "fine".to_owned()],
                });
            }
        };
        Ok(Self {
            lines: Lines::new(source),
            fine,
        })
    }

    fn parse(&self, line: &str) -> Result<Document, DataError> {
        let parts = line.split_once(' ').and_then(|(label, question)| {
            let (coarse, fine) = label.split_once(':')?;
            (!coarse.is_empty() && !fine.is_empty()).then_some((coarse, label, question))
        });
        match parts {
            Some((coarse, label, question)) => Ok(Document::labeled(
                question,
                if self.fine { label } else { coarse },
            )),
            None => Err(DataError::Malformed {
                path: self.lines.name().to_owned(),
                line: self.lines.number(),
                reason: "expected \"COARSE:fine question\"".to_owned(),
            }),
        }
    }
}

impl Iterator for TrecReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.lines.next_bytes()? {
                Ok(bytes) => without_nul(decode(bytes)),
                Err(error) => return Some(Err(error)),
            };
            if !line.trim().is_empty() {
                return Some(self.parse(&line));
            }
        }
    }
}

/// UTF-8 where it is, else Windows-1252: the published files are Latin-1, of which it is a superset.
fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        error
            .as_bytes()
            .iter()
            .map(|&byte| windows_1252(byte))
            .collect()
    })
}
