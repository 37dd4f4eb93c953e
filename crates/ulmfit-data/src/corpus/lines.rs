//! Lines of a source, within bounds.

use std::io::{BufRead, Read};
use std::path::Path;

use super::source::{MAX_RECORD_BYTES, Source, read_error};
use super::text::without_nul;
use crate::error::DataError;

/// Lines with their numbers.
pub(super) struct Lines {
    source: Source,
    number: u64,
    limit: u64,
}

impl Lines {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            number: 0,
            limit: MAX_RECORD_BYTES,
        }
    }

    /// What messages call the source.
    pub(super) fn name(&self) -> &Path {
        &self.source.name
    }

    /// Most bytes of one line.
    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Lines of at most so many bytes.
    #[cfg(test)]
    pub(super) const fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// The number of the line that was read last, counted from 1.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end (LF or CRLF), as bytes.
    pub(super) fn next_bytes(&mut self) -> Option<Result<Vec<u8>, DataError>> {
        let mut line = Vec::new();
        let read = (&mut self.source.bytes)
            .take(self.limit)
            .read_until(b'\n', &mut line);
        self.number += 1;
        match read {
            Err(source) => return Some(Err(read_error(&self.source.name, source))),
            Ok(0) => return None,
            Ok(_) => {}
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if line.len() as u64 == self.limit {
            return Some(Err(DataError::RecordTooLarge {
                path: self.source.name.clone(),
                line: self.number,
                limit: self.limit,
            }));
        }
        Some(Ok(line))
    }
}

impl Iterator for Lines {
    type Item = Result<String, DataError>;

    /// The next line as UTF-8, NUL bytes as spaces.
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = match self.next_bytes()? {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(error)),
        };
        Some(match String::from_utf8(bytes) {
            Ok(line) => Ok(without_nul(line)),
            Err(_) => Err(DataError::NotUtf8 {
                path: self.source.name.clone(),
                line: self.number,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &'static [u8], limit: u64) -> Vec<Result<String, String>> {
        let source = Source::new(bytes, "a.txt".into()).unwrap();
        Lines::new(source)
            .with_limit(limit)
            .map(|line| line.map_err(|error| error.to_string()))
            .take(5)
            .collect()
    }

    #[test]
    fn lines_end_as_they_like() {
        let expected = ["a", "", "b\r c", "d e"].map(|line| Ok(line.to_owned()));
        assert_eq!(lines(b"a\n\r\nb\r c\r\nd\0e", 100), expected);
        assert!(lines(b"", 100).is_empty());
    }

    #[test]
    fn a_line_over_the_bound_is_refused() {
        let found = lines(b"1234\n123456789", 6);
        assert_eq!(found[0], Ok("1234".to_owned()));
        let message = "a.txt, line 2: a record of more than 6 bytes; split it";
        assert_eq!(found[1], Err(message.to_owned()));
    }

    #[test]
    fn a_line_without_end_is_refused_when_it_is_over_the_bound() {
        let endless = Source::new(std::io::repeat(b'a'), "pipe".into()).unwrap();
        let mut lines = Lines::new(endless).with_limit(1 << 20);
        let message = lines.next().unwrap().unwrap_err().to_string();
        let expected = "pipe, line 1: a record of more than 1048576 bytes; split it";
        assert_eq!(message, expected);
    }
}
