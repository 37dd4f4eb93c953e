//! CSV and TSV with a header line.

use std::io::BufRead;
use std::path::PathBuf;

use csv::{ByteRecord, Reader, ReaderBuilder};
use ulmfit_data::corpus::MAX_RECORD_BYTES;
use ulmfit_data::{DataError, Document};

use super::Record;
use super::input::{Input, read_error};
use super::quotes::{Noticed, QuoteWatch};

/// Rows that all have as many fields as the header.
pub(super) struct Rows {
    reader: Reader<QuoteWatch<Box<dyn BufRead>>>,
    noticed: Noticed,
    name: PathBuf,
    text: Vec<usize>,
    id: Option<usize>,
}

impl Rows {
    /// Reads the header.
    pub(super) fn open(input: Input, delimiter: u8, text: &[String]) -> Result<Self, DataError> {
        let (source, name) = input.into_parts();
        let quoting = delimiter == b',';
        let watch = QuoteWatch::new(source, delimiter, quoting, MAX_RECORD_BYTES);
        let noticed = watch.noticed();
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(quoting)
            .has_headers(false)
            .from_reader(watch);
        let mut rows = Self {
            reader,
            noticed,
            name,
            text: Vec::new(),
            id: None,
        };
        let Some(header) = rows.next_row() else {
            return Err(DataError::Empty { path: rows.name });
        };
        let (header, line) = header?;
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        rows.text =
            super::text_columns(&names, text).map_err(|wanted| DataError::MissingColumn {
                path: rows.name.clone(),
                line,
                wanted,
                there: header.clone(),
            })?;
        rows.id = names
            .iter()
            .position(|name| name.trim().eq_ignore_ascii_case("id"));
        Ok(rows)
    }

    /// The fields of the next row, and the line on which it starts.
    fn next_row(&mut self) -> Option<Result<(Vec<String>, u64), DataError>> {
        let mut record = ByteRecord::new();
        let read = self.reader.read_byte_record(&mut record);
        // An open quotation mark swallows all that follows, so it is the cause of whatever else
        // looks wrong with the last row.
        let line = self.noticed.open_quote.get();
        if line > 0 {
            return Some(Err(DataError::UnclosedQuote {
                path: self.name.clone(),
                line,
            }));
        }
        match read {
            Ok(false) => None,
            Ok(true) => Some(self.fields(&record)),
            Err(error) => Some(Err(self.error(error))),
        }
    }

    fn fields(&self, record: &ByteRecord) -> Result<(Vec<String>, u64), DataError> {
        let line = record.position().map_or(1, csv::Position::line);
        let field = |bytes| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(super::without_nul(text)),
            Err(_) => Err(DataError::NotUtf8 {
                path: self.name.clone(),
                line,
            }),
        };
        let fields = record.iter().map(field).collect::<Result<_, _>>()?;
        Ok((fields, line))
    }

    fn error(&self, error: csv::Error) -> DataError {
        let path = self.name.clone();
        let too_large = self.noticed.too_large.get();
        if too_large > 0 {
            return DataError::RecordTooLarge {
                path,
                line: too_large,
                limit: MAX_RECORD_BYTES,
            };
        }
        let line = error.position().map_or(1, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => DataError::RaggedRow {
                path,
                line,
                expected: expected_len,
                found: len,
            },
            csv::ErrorKind::Io(source) => read_error(&path, source),
            other => DataError::Malformed {
                path,
                line,
                reason: format!("{other:?}"),
            },
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Record, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_row()?;
        Some(row.map(|(fields, _)| {
            Record {
                // Every row has as many fields as the header, so the places exist.
                id: self.id.map(|id| fields[id].clone().into()),
                document: Document {
                    fields: self
                        .text
                        .iter()
                        .map(|&column| fields[column].clone())
                        .collect(),
                    label: None,
                },
            }
        }))
    }
}
