//! Notices quotation marks that never close, which the CSV library lets pass.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Where the reading stands, by the rules of the CSV library.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quotation mark in a quoted field: it ends the field or, doubled, belongs to it.
    QuoteInQuoted,
}

/// What was noticed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed {
    /// The line of the quotation mark that is open at the end of the input; 0 for none.
    pub(super) open_quote: Rc<Cell<u64>>,
    /// The line on which a record over the limit begins; 0 for none.
    pub(super) too_large: Rc<Cell<u64>>,
}

/// Passes bytes on and follows fields and records.
pub(super) struct QuoteWatch<R> {
    source: R,
    delimiter: u8,
    quoting: bool,
    limit: u64,
    state: State,
    line: u64,
    quote_line: u64,
    record_line: u64,
    record_bytes: u64,
    noticed: Noticed,
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
            quote_line: 0,
            record_line: 1,
            record_bytes: 0,
            noticed: Noticed::default(),
        }
    }

    pub(super) fn noticed(&self) -> Noticed {
        self.noticed.clone()
    }

    fn see(&mut self, byte: u8) {
        let line_end = matches!(byte, b'\n' | b'\r');
        self.record_bytes += 1;
        self.state = match (self.state, byte) {
            (State::FieldStart, b'"') if self.quoting => {
                self.quote_line = self.line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
            _ if byte == self.delimiter || line_end => State::FieldStart,
            _ => State::Plain,
        };
        self.line += u64::from(byte == b'\n');
        if line_end && self.state == State::FieldStart {
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
            self.noticed.too_large.set(self.record_line);
            return Err(io::Error::other("a record over the limit"));
        }
        if count == 0 && !buffer.is_empty() && self.state == State::Quoted {
            self.noticed.open_quote.set(self.quote_line);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_quotation_mark_is_noticed() {
        for (text, line) in [
            ("a,\"b\nc\",d\n", 0),
            ("a,b\nc,\"d\ne\n", 2),
            ("a \"b\n", 0),
            ("\"a\"\"\n", 1),
        ] {
            let mut watch = QuoteWatch::new(text.as_bytes(), b',', true, 100);
            let noticed = watch.noticed();
            io::copy(&mut watch, &mut io::sink()).unwrap();
            assert_eq!(noticed.open_quote.get(), line, "{text:?}");
        }
    }

    #[test]
    fn the_limit_is_on_records() {
        for (text, line) in [("0123456\n0123456\n", 0), ("a\n0123456789", 2)] {
            let mut watch = QuoteWatch::new(text.as_bytes(), b',', true, 9);
            let noticed = watch.noticed();
            drop(io::copy(&mut watch, &mut io::sink()));
            assert_eq!(noticed.too_large.get(), line, "{text:?}");
        }
    }
}
