//! CSV and TSV, with a header line or with the class in front.

use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::columns::Columns;
use super::label::{LabelKind, Place};
use super::quotes::{MOST_COLUMNS, QuoteReport, QuoteWatch};
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
    ClassFirst {
        ignore_class: bool,
    },
    Named(Columns),
}

/// Reads rows without a header whose first column is the class.
pub(super) fn class_csv(source: Source, options: &CorpusOptions) -> DelimitedReader {
    DelimitedReader {
        rows: Rows::new(source, b','),
        layout: Layout::ClassFirst {
            ignore_class: options.ignore_labels,
        },
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
        let mut document = self.with_any_label(row)?;
        let label = document.label.take();
        document.label = self.labels.read(label, &self.rows.name, place)?;
        Ok(document)
    }

    fn with_any_label(&self, mut row: Row) -> Result<Document, DataError> {
        match &self.layout {
            Layout::ClassFirst { .. } if row.fields.len() < 2 => Err(DataError::Malformed {
                path: self.rows.name.clone(),
                line: row.line,
                reason: "expected the class and at least one column of text".to_owned(),
            }),
            Layout::ClassFirst { ignore_class } => {
                let fields = row.fields.split_off(1);
                Ok(Document {
                    fields,
                    label: row.fields.pop().filter(|_| !ignore_class),
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
    /// What helps where a row has too many or too few columns.
    remedy: &'static str,
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
            remedy: if quoting {
                "quote a field that contains the separator"
            } else {
                "a field of TSV cannot contain a tab, so write the rows as CSV"
            },
            limit,
        }
    }

    /// The line on which a record begins that was just read. The library's own place of it is in front of
    /// blank lines, so it is counted back from where the reading stands now: behind the record's end.
    fn first_line(&self, record: &ByteRecord) -> u64 {
        let within: u64 = record.iter().map(line_ends).sum();
        let line = self.reader.position().line().saturating_sub(within + 1);
        // A record may also end with CR alone, which is not counted.
        line.max(record.position().map_or(1, csv::Position::line))
    }

    fn row(&self, record: &ByteRecord) -> Result<Row, DataError> {
        let start = self.first_line(record);
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

    fn error(&self, error: csv::Error, record: &ByteRecord) -> DataError {
        let path = self.name.clone();
        if let Some(line) = self.report.too_many_columns() {
            return DataError::Malformed {
                path,
                line,
                reason: format!(
                    "more than {MOST_COLUMNS} columns; leave out those that are neither text nor \
                     label, or name another format with --format"
                ),
            };
        }
        if let Some(line) = self.report.too_large() {
            return DataError::RecordTooLarge {
                path,
                line,
                limit: self.limit,
            };
        }
        let line = self.first_line(record);
        match error.into_kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => DataError::RaggedRow {
                path,
                line,
                expected: expected_len,
                found: len,
                remedy: self.remedy,
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
            Err(error) => Some(Err(self.error(error, &record))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_row_without_end_is_refused_when_it_is_over_a_bound() {
        let bytes = "a record of more than 1048576 bytes; split it";
        let columns = "more than 65536 columns; leave out those that are neither text nor label, or \
                       name another format with --format";
        for (delimiter, begins, repeats, expected) in [
            (b',', &b"text\n"[..], b'a', bytes),
            (b',', b"text\n\"", b'\n', bytes),
            (b',', b"text\n", b',', columns),
            (b'\t', b"text\n", b'\t', columns),
            (b'\t', b"text\n", b'"', bytes),
        ] {
            let bytes = io::Read::chain(begins, io::repeat(repeats));
            let source = Source::new(bytes, "pipe".into()).unwrap();
            let mut rows = Rows::with_limit(source, delimiter, 1 << 20);
            assert_eq!(rows.next().unwrap().unwrap().fields, ["text"]);
            let message = rows.next().unwrap().err().unwrap().to_string();
            assert_eq!(message, format!("pipe, line 2: {expected}"));
        }
    }

    #[test]
    fn rows_are_found_on_their_lines_whatever_ends_those() {
        let text = "\n\na,b\n\n1,\"2\n\n3\"\n4,5\n\n\n6,7";
        for end in ["\n", "\r\n"] {
            for behind in ["", end] {
                let text = text.replace('\n', end) + behind;
                let source = Source::new(io::Cursor::new(text), "a.csv".into()).unwrap();
                let rows = Rows::new(source, b',').map(Result::unwrap);
                let found: Vec<_> = rows.map(|row| (row.line, row.fields.join("|"))).collect();
                let expected = [(3, "a|b"), (5, "1|2\n\n3"), (8, "4|5"), (11, "6|7")];
                assert_eq!(found, expected.map(|(line, row)| (line, row.to_owned())));
            }
        }
        // Old Macintosh files: all of it is one line to whoever counts LF.
        let source = Source::new(&b"a,b\r1,\"2\r3\"\r"[..], "a.csv".into()).unwrap();
        let rows: Vec<_> = Rows::new(source, b',').map(Result::unwrap).collect();
        assert_eq!((rows[1].line, rows[1].fields[1].as_str()), (1, "2\r3"));
    }
}
