//! Bytes as text: whole files of at most so many bytes, and what is repaired in every text.

use std::io::Read;
use std::path::Path;

use super::source::{Meter, Source, read_error};
use crate::error::DataError;

/// A text with NUL bytes written as spaces: no tokenizer has a use for them.
pub(super) fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', " ")
    } else {
        text
    }
}

/// A text with NUL bytes written as spaces, and CRLF as LF.
pub(super) fn repaired(text: String) -> String {
    let text = without_nul(text);
    if text.contains("\r\n") {
        text.replace("\r\n", "\n")
    } else {
        text
    }
}

/// How many lines end in these bytes.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

/// Reads a whole file of at most `limit` bytes as one text.
pub(super) fn read_text(path: &Path, limit: u64, meter: &Meter) -> Result<String, DataError> {
    decode(
        read_bytes(Source::open(path, meter)?.bytes, path, limit)?,
        path,
    )
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
    Ok(repaired(text))
}

#[cfg(test)]
mod tests {
    use super::*;

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
