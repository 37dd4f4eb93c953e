//! Bytes and lines out of files, whatever they are packed in, within bounds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::DataError;

/// Most bytes that one record (a line, a row, a file of its own) may have: 256 MiB. A file with an
/// unclosed quotation mark or without line ends is refused instead of filling the memory.
pub const MAX_RECORD_BYTES: u64 = 256 << 20;

/// Most bytes that one document inside an archive may have: 64 MiB.
pub const MAX_ARCHIVED_DOCUMENT_BYTES: u64 = 64 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UTF8_BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The unpacked bytes of a file, without a byte-order mark.
pub(super) type Source = Box<dyn BufRead + Send>;

/// Opens a file. gzip, also of several members, is known by its first bytes.
pub(super) fn open(path: &Path) -> Result<Source, DataError> {
    let read = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    let mut bytes = BufReader::with_capacity(1 << 16, file);
    let mut source: Source = if starts_with(&mut bytes, &GZIP_MAGIC).map_err(read)? {
        Box::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(bytes),
        ))
    } else {
        Box::new(bytes)
    };
    if starts_with(&mut source, &UTF8_BOM).map_err(|source| read_error(path, source))? {
        source.consume(UTF8_BOM.len());
    }
    Ok(source)
}

/// Whether the next bytes are these. A buffer is never shorter than a mark unless the file is.
fn starts_with(source: &mut impl BufRead, mark: &[u8]) -> io::Result<bool> {
    Ok(source.fill_buf()?.starts_with(mark))
}

/// The error for a failed read: a decoder's complaint means a damaged file.
pub(super) fn read_error(path: &Path, source: io::Error) -> DataError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::Other => DataError::Damaged { path, source },
        _ => DataError::Read { path, source },
    }
}

/// A text with NUL bytes written as spaces: no tokenizer has a use for them.
pub(super) fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', " ")
    } else {
        text
    }
}

/// How many lines end in these bytes.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

/// Reads a whole file of at most `limit` bytes as one text.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<String, DataError> {
    decode(read_bytes(open(path)?, path, limit)?, path)
}

/// Reads a whole source of at most `limit` bytes.
pub(super) fn read_bytes(source: impl Read, path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| read_error(path, source))?;
    if bytes.len() as u64 > limit {
        let path = path.to_owned();
        return Err(DataError::RecordTooLarge {
            path,
            line: 1,
            limit,
        });
    }
    Ok(bytes)
}

/// A whole text of several lines: UTF-8, without a byte-order mark, NUL bytes and carriage returns at
/// line ends.
pub(super) fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, DataError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        DataError::NotUtf8 {
            path: path.to_owned(),
            line: 1 + line_ends(valid),
        }
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let text = without_nul(text);
    Ok(if text.contains("\r\n") {
        text.replace("\r\n", "\n")
    } else {
        text
    })
}

/// Lines with their numbers.
pub(super) struct Lines {
    source: Source,
    path: PathBuf,
    number: u64,
    limit: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Self {
            source: open(path)?,
            path: path.to_owned(),
            number: 0,
            limit: MAX_RECORD_BYTES,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line that was read last, counted from 1.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end (LF or CRLF), as bytes.
    pub(super) fn next_bytes(&mut self) -> Option<Result<Vec<u8>, DataError>> {
        let mut line = Vec::new();
        let read = (&mut self.source)
            .take(self.limit)
            .read_until(b'\n', &mut line);
        self.number += 1;
        match read {
            Err(source) => return Some(Err(read_error(&self.path, source))),
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
                path: self.path.clone(),
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
                path: self.path.clone(),
                line: self.number,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &'static [u8], limit: u64) -> Vec<Result<String, String>> {
        let source = Box::new(bytes);
        Lines {
            source,
            path: "a.txt".into(),
            number: 0,
            limit,
        }
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
    fn a_whole_text_is_tidied_or_refused() {
        let read = |bytes: &[u8], limit| {
            let path = Path::new("a");
            decode(read_bytes(bytes, path, limit)?, path)
        };
        assert_eq!(read(b"\xef\xbb\xbfa\r\nb\rc\0", 100).unwrap(), "a\nb\rc ");
        let message = |limit| read(b"1\n\xff", limit).unwrap_err().to_string();
        assert_eq!(
            message(2),
            "a, line 1: a record of more than 2 bytes; split it"
        );
        assert_eq!(
            message(3),
            "a, line 2: not valid UTF-8; convert the file to UTF-8"
        );
    }
}
