//! CSV and TSV, with a header line or with the class in front.

use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::columns::Columns;
use super::label::{LabelKind, Place};
use super::quotes::{QuoteReport, QuoteWatch};
use super::source::{Bytes, MAX_RECORD_BYTES, Meter, Source, read_error};
use super::text::{line_ends, without_nul};
use super::{CorpusOptions, Document};
use crate::error::DataError;

/// Reads rows as documents.
pub(super) struct DelimitedReader {
    rows: Rows,
    layout: Layout,
    labels: LabelKind,
}

enum Layout {
    /// The class, then fields of text.
    ClassFirst,
    Named(Columns),
}

/// Reads rows without a header whose first column is the class.
pub(super) fn class_csv(source: Source, options: &CorpusOptions) -> DelimitedReader {
    DelimitedReader {
        rows: Rows::new(source, b','),
        layout: Layout::ClassFirst,
        labels: options.labels.clone(),
    }
}

/// Reads rows with a header.
pub(super) fn with_header(
    source: Source,
    delimiter: u8,
    options: &CorpusOptions,
) -> Result<DelimitedReader, DataError> {
    let mut rows = Rows::new(source, delimiter);
    let Some(header) = rows.next().transpose()? else {
        return Err(DataError::Empty { path: rows.name });
    };
    let columns = Columns::find(&header.fields, options, &rows.name, header.line)?;
    Ok(DelimitedReader {
        rows,
        layout: Layout::Named(columns),
        labels: options.labels.clone(),
    })
}

/// Whether the first row of a CSV file is a class number and at least one text, not a header.
pub(super) fn begins_with_class(path: &Path) -> Result<bool, DataError> {
    let first = Rows::new(Source::open(path, &Meter::default())?, b',')
        .next()
        .transpose()?;
    Ok(
        first
            .is_some_and(|row| row.fields.len() > 1 && row.fields[0].trim().parse::<u32>().is_ok()),
    )
}

impl DelimitedReader {
    fn document(&self, row: Row) -> Result<Document, DataError> {
        let place = Place::Line(row.line);
        let document = self.unchecked(row)?;
        let label = document.label.as_deref();
        self.labels.check(label, &self.rows.name, place)?;
        Ok(document)
    }

    fn unchecked(&self, mut row: Row) -> Result<Document, DataError> {
        match &self.layout {
            Layout::ClassFirst if row.fields.len() < 2 => Err(DataError::Malformed {
                path: self.rows.name.clone(),
                line: row.line,
                reason: "expected the class and at least one column of text".to_owned(),
            }),
            Layout::ClassFirst => {
                let fields = row.fields.split_off(1);
                Ok(Document {
                    fields,
                    label: row.fields.pop(),
                    id: None,
                })
            }
            // Every row has as many fields as the header, so the places exist.
            Layout::Named(columns) => Ok(Document {
                fields: columns
                    .text
                    .iter()
                    .map(|&i| row.fields[i].clone())
                    .collect(),
                label: columns.label.map(|i| row.fields[i].clone()),
                id: columns.id.map(|i| row.fields[i].clone().into()),
            }),
        }
    }
}

impl Iterator for DelimitedReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|row| self.document(row)))
    }
}

/// One row as text.
struct Row {
    fields: Vec<String>,
    line: u64,
}

/// Rows that all have as many fields as the first.
struct Rows {
    reader: Reader<QuoteWatch<Bytes>>,
    report: QuoteReport,
    name: PathBuf,
    limit: u64,
}

impl Rows {
    fn new(source: Source, delimiter: u8) -> Self {
        Self::with_limit(source, delimiter, MAX_RECORD_BYTES)
    }

    /// Rows of at most so many bytes.
    fn with_limit(source: Source, delimiter: u8, limit: u64) -> Self {
        let quoting = delimiter == b',';
        let watch = QuoteWatch::new(source.bytes, delimiter, quoting, limit);
        let report = watch.report();
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(quoting)
            .has_headers(false)
            .from_reader(watch);
        Self {
            reader,
            report,
            name: source.name,
            limit,
        }
    }

    fn row(&self, record: &ByteRecord) -> Result<Row, DataError> {
        let start = record.position().map_or(1, csv::Position::line);
        let mut line = start;
        let mut fields = Vec::with_capacity(record.len());
        for field in record {
            let text = std::str::from_utf8(field).map_err(|error| {
                let before = &field[..error.valid_up_to()];
                DataError::NotUtf8 {
                    path: self.name.clone(),
                    line: line + line_ends(before),
                }
            })?;
            fields.push(without_nul(text.to_owned()));
            line += line_ends(field);
        }
        Ok(Row {
            fields,
            line: start,
        })
    }

    fn error(&self, error: csv::Error) -> DataError {
        let path = self.name.clone();
        if let Some(line) = self.report.too_large() {
            return DataError::RecordTooLarge {
                path,
                line,
                limit: self.limit,
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
    type Item = Result<Row, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = ByteRecord::new();
        let read = self.reader.read_byte_record(&mut record);
        // An open quotation mark swallows the rest of the file, so it is the cause of whatever else
        // looks wrong with the last row.
        if let Some(line) = self.report.unclosed() {
            return Some(Err(DataError::UnclosedQuote {
                path: self.name.clone(),
                line,
            }));
        }
        match read {
            Ok(false) => None,
            Ok(true) => Some(self.row(&record)),
            Err(error) => Some(Err(self.error(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_end_is_refused_when_it_is_over_the_bound() {
        for (delimiter, begins, repeats) in [
            (b',', &b"text\n"[..], b'a'),
            (b',', b"text\n\"", b'\n'),
            (b',', b"text\n", b','),
            (b'\t', b"text\n", b'"'),
        ] {
            let bytes = std::io::Read::chain(begins, std::io::repeat(repeats));
            let source = Source::new(bytes, "pipe".into()).unwrap();
            let mut rows = Rows::with_limit(source, delimiter, 1 << 20);
            assert_eq!(rows.next().unwrap().unwrap().fields, ["text"]);
            let message = rows.next().unwrap().err().unwrap().to_string();
            let expected = "pipe, line 2: a record of more than 1048576 bytes; split it";
            assert_eq!(message, expected);
        }
    }
}
