//! Notices quotation marks that never close, which the CSV library lets pass, and ends every line with LF.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::source::peek;

/// Most columns of one record: each takes some dozen times the memory of its delimiter.
pub(super) const MOST_COLUMNS: u64 = 1 << 16;

/// Where the reading stands, by the rules of the CSV library.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quotation mark in a quoted field: it ends the field or, doubled, belongs to it.
    QuoteInQuoted,
}

/// What was noticed so far; shared with whoever reads the records.
#[derive(Clone, Debug, Default)]
pub(super) struct QuoteReport {
    open_line: Arc<AtomicU64>,
    too_large: Arc<AtomicU64>,
    too_many_columns: Arc<AtomicU64>,
}

impl QuoteReport {
    /// The line of the quotation mark that was never closed, once the file is read.
    pub(super) fn unclosed(&self) -> Option<u64> {
        Some(self.open_line.load(Ordering::Relaxed)).filter(|&line| line > 0)
    }

    /// The line on which a record over the bound begins.
    pub(super) fn too_large(&self) -> Option<u64> {
        Some(self.too_large.load(Ordering::Relaxed)).filter(|&line| line > 0)
    }

    /// The line on which a record of more than [`MOST_COLUMNS`] begins.
    pub(super) fn too_many_columns(&self) -> Option<u64> {
        Some(self.too_many_columns.load(Ordering::Relaxed)).filter(|&line| line > 0)
    }
}

/// Passes bytes on to the CSV library and follows its fields and records.
pub(super) struct QuoteWatch<R> {
    source: R,
    delimiter: u8,
    quoting: bool,
    limit: u64,
    state: State,
    line: u64,
    record_line: u64,
    record_bytes: u64,
    record_columns: u64,
    quote_line: u64,
    report: QuoteReport,
}

impl<R: BufRead> QuoteWatch<R> {
    /// Watches a source whose records may have `limit` bytes.
    pub(super) fn new(source: R, delimiter: u8, quoting: bool, limit: u64) -> Self {
        Self {
            source,
            delimiter,
            quoting,
            limit,
            state: State::FieldStart,
            line: 1,
            record_line: 1,
            record_bytes: 0,
            record_columns: 1,
            quote_line: 0,
            report: QuoteReport::default(),
        }
    }

    /// What is noticed while reading.
    pub(super) fn report(&self) -> QuoteReport {
        self.report.clone()
    }

    fn see(&mut self, byte: u8) {
        self.record_bytes += 1;
        let end = matches!(byte, b'\n' | b'\r');
        self.state = match (self.state, byte) {
            (State::FieldStart, b'"') if self.quoting => {
                self.quote_line = self.line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
            _ if byte == self.delimiter || end => State::FieldStart,
            _ => State::Plain,
        };
        self.line += u64::from(byte == b'\n');
        if self.state != State::FieldStart {
            return;
        }
        if end {
            self.record_line = self.line;
            self.record_bytes = 0;
            self.record_columns = 1;
            return;
        }
        self.record_columns += 1;
        if self.record_columns > MOST_COLUMNS {
            self.report
                .too_many_columns
                .store(self.record_line, Ordering::Relaxed);
        }
    }

    /// What comes next, with LF for CRLF, and with an LF behind the last line where it has none, so that
    /// lines can be counted. Of what is not there yet, only the byte behind a CR is waited for.
    fn next_bytes(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let there = self.source.fill_buf()?;
        if there.is_empty() {
            let is_open = self.record_bytes > 0 && self.state != State::Quoted;
            buffer[0] = b'\n';
            return Ok(usize::from(is_open));
        }
        let (mut taken, mut count) = (0, 0);
        while count < buffer.len() && taken < there.len() {
            match (there[taken], there.get(taken + 1)) {
                (b'\r', None) => break,
                (b'\r', Some(b'\n')) => {}
                (byte, _) => {
                    buffer[count] = byte;
                    count += 1;
                }
            }
            taken += 1;
        }
        self.source.consume(taken);
        if count > 0 {
            return Ok(count);
        }
        // Nothing but a CR is there.
        self.source.consume(1);
        if peek(&mut self.source)? == Some(b'\n') {
            return self.next_bytes(buffer);
        }
        buffer[0] = b'\r';
        Ok(1)
    }
}

impl<R: BufRead> Read for QuoteWatch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.next_bytes(buffer)?;
        for &byte in &buffer[..count] {
            self.see(byte);
        }
        if self.report.too_many_columns().is_some() {
            return Err(io::Error::other("a record of too many columns"));
        }
        if self.record_bytes > self.limit {
            self.report
                .too_large
                .store(self.record_line, Ordering::Relaxed);
            return Err(io::Error::other("a record over the bound"));
        }
        if count == 0 && !buffer.is_empty() && self.state == State::Quoted {
            self.report
                .open_line
                .store(self.quote_line, Ordering::Relaxed);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(text: &str, limit: u64) -> QuoteReport {
        let mut watch = QuoteWatch::new(text.as_bytes(), b',', true, limit);
        let report = watch.report();
        let _ = io::copy(&mut watch, &mut io::sink());
        report
    }

    #[test]
    fn quotes_that_do_not_close_are_noticed() {
        for (text, line) in [
            ("a,\"b\nc\",d\n", None),
            ("a,\"b\nc,d\n", Some(1)),
            ("a,b\n\"c\"\"\n\nd", Some(2)),
            ("a \"b,c\n", None),
            ("\"a\"\"\",b", None),
            ("\"a\" b\",c", None),
        ] {
            assert_eq!(watch(text, 100).unclosed(), line, "{text:?}");
        }
    }

    #[test]
    fn the_bound_is_on_records_not_on_files() {
        assert_eq!(watch(&"0123456\n".repeat(5), 9).too_large(), None);
        assert_eq!(watch("a\n0123456789", 9).too_large(), Some(2));
        for (delimiters, line) in [(1 << 16, Some(2)), ((1 << 16) - 1, None)] {
            let text = format!("a\n{}\n,,\n", ",".repeat(delimiters));
            assert_eq!(watch(&text, 1 << 20).too_many_columns(), line);
        }
    }

    #[test]
    fn lines_end_with_lf_however_the_bytes_come() {
        for (text, expected) in [
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\rb\r\r\n\"\r\n\"\r", "a\rb\r\n\"\n\"\r"),
            ("a,\"b\"", "a,\"b\"\n"),
            ("a,\"b\r\n", "a,\"b\n"),
            ("", ""),
        ] {
            for capacity in 1..4 {
                let source = io::BufReader::with_capacity(capacity, text.as_bytes());
                let mut watch = QuoteWatch::new(source, b',', true, 100);
                let (mut found, mut buffer) = (Vec::new(), [0; 2]);
                while let count @ 1.. = watch.read(&mut buffer).unwrap() {
                    found.extend(&buffer[..count]);
                }
                assert_eq!(String::from_utf8(found).unwrap(), expected, "{text:?}");
            }
        }
    }
}
