//! Notices quotation marks that never close, which the CSV library lets pass.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    quote_line: u64,
    report: QuoteReport,
}

impl<R: Read> QuoteWatch<R> {
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
        if end && self.state == State::FieldStart {
            self.record_line = self.line;
            self.record_bytes = 0;
        }
    }
}

impl<R: Read> Read for QuoteWatch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        for &byte in &buffer[..count] {
            self.see(byte);
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
    }
}
