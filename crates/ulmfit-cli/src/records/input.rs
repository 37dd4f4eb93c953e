//! Bytes and lines of a file or of standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use ulmfit_data::DataError;
use ulmfit_data::corpus::MAX_RECORD_BYTES;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UTF8_BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

/// An open input, unpacked and without a byte-order mark.
pub(super) struct Input {
    source: Box<dyn BufRead>,
    name: PathBuf,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let (name, bytes): (_, Box<dyn Read>) = if path == Path::new("-") {
            (PathBuf::from("standard input"), Box::new(io::stdin()))
        } else {
            let read = |source| DataError::Read {
                path: path.to_owned(),
                source,
            };
            (path.to_owned(), Box::new(File::open(path).map_err(read)?))
        };
        Self::new(bytes, name)
    }

    pub(super) fn new(bytes: Box<dyn Read>, name: PathBuf) -> Result<Self, DataError> {
        let mut marked = Peeked::new(bytes, &name, GZIP_MAGIC.len())?;
        let unpacked: Box<dyn Read> = if marked.starts_with(&GZIP_MAGIC) {
            Box::new(MultiGzDecoder::new(BufReader::new(marked.all())))
        } else {
            marked.all()
        };
        marked = Peeked::new(unpacked, &name, UTF8_BOM.len())?;
        if marked.starts_with(&UTF8_BOM) {
            marked.head.clear();
        }
        Ok(Self {
            source: Box::new(BufReader::with_capacity(1 << 16, marked.all())),
            name,
        })
    }

    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// The first byte, which stays to be read; `None` when there is none.
    pub(super) fn first_byte(&mut self) -> Result<Option<u8>, DataError> {
        let buffered = self
            .source
            .fill_buf()
            .map_err(|error| read_error(&self.name, error))?;
        Ok(buffered.first().copied())
    }

    pub(super) fn into_parts(self) -> (Box<dyn BufRead>, PathBuf) {
        (self.source, self.name)
    }

    pub(super) fn lines(self) -> Lines {
        Lines {
            source: self.source,
            name: self.name,
            number: 0,
        }
    }
}

/// A reader whose first bytes were looked at: a pipe may hand them out one by one.
struct Peeked {
    head: Vec<u8>,
    rest: Box<dyn Read>,
}

impl Peeked {
    fn new(mut rest: Box<dyn Read>, name: &Path, count: usize) -> Result<Self, DataError> {
        let mut head = Vec::with_capacity(count);
        rest.by_ref()
            .take(count as u64)
            .read_to_end(&mut head)
            .map_err(|error| read_error(name, error))?;
        Ok(Self { head, rest })
    }

    fn starts_with(&self, mark: &[u8]) -> bool {
        self.head == mark
    }

    fn all(self) -> Box<dyn Read> {
        Box::new(io::Cursor::new(self.head).chain(self.rest))
    }
}

/// Lines with their numbers, NUL bytes as spaces. Ends after the first error.
pub(super) struct Lines {
    source: Box<dyn BufRead>,
    name: PathBuf,
    number: u64,
}

impl Lines {
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// The number of the line that was read last, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Iterator for Lines {
    type Item = Result<String, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let read = self
            .source
            .by_ref()
            .take(MAX_RECORD_BYTES)
            .read_until(b'\n', &mut line);
        self.number += 1;
        let (path, number) = (self.name.clone(), self.number);
        match read {
            Err(error) => return Some(Err(read_error(&path, error))),
            Ok(0) => return None,
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_RECORD_BYTES {
            let limit = MAX_RECORD_BYTES;
            return Some(Err(DataError::RecordTooLarge {
                path,
                line: number,
                limit,
            }));
        }
        Some(match std::str::from_utf8(&line) {
            Ok(line) => {
                let line = line.strip_suffix('\n').unwrap_or(line);
                Ok(super::without_nul(line.strip_suffix('\r').unwrap_or(line)))
            }
            Err(_) => Err(DataError::NotUtf8 { path, line: number }),
        })
    }
}

/// The error for a failed read: a decoder's complaint means a damaged file.
pub(super) fn read_error(name: &Path, source: io::Error) -> DataError {
    let path = name.to_owned();
    match source.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::Other => DataError::Damaged { path, source },
        _ => DataError::Read { path, source },
    }
}
