//! Bytes out of files and streams, whatever they are packed in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::packed::{MAX_UNPACKING_BYTES, TooLarge, TooMuchMemory, unpacked};
use crate::error::DataError;

/// Most bytes that one record (a line, a row, a file of its own) may have: 256 MiB. A file with an
/// unclosed quotation mark or without line ends is refused instead of filling the memory.
pub const MAX_RECORD_BYTES: u64 = 256 << 20;

/// Most bytes that one document inside an archive may have: 64 MiB.
pub const MAX_ARCHIVED_DOCUMENT_BYTES: u64 = 64 << 20;

/// Most bytes that a packed file, the texts of a Parquet file, or everything in an archive may unpack to:
/// 256 GiB. A few kilobytes can be made to unpack to more than any disk holds.
pub const MAX_UNPACKED_BYTES: u64 = 256 << 30;

const UTF8_BOM: &[u8] = &[0xef, 0xbb, 0xbf];
pub(super) const BUFFER_BYTES: usize = 1 << 16;

/// How many bytes of files were read, packed as they are.
pub(super) type Meter = Arc<AtomicU64>;

/// Counts what is read.
struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Bytes as they come.
pub(super) type Bytes = Box<dyn BufRead + Send>;

/// An open file or stream: unpacked, without byte-order marks.
pub(super) struct Source {
    /// What is left to read.
    pub(super) bytes: Bytes,
    /// What messages call it: the path of a file.
    pub(super) name: PathBuf,
}

impl Source {
    /// Opens a file; what is read of it is added to the meter.
    pub(super) fn open(path: &Path, meter: &Meter) -> Result<Self, DataError> {
        match File::open(path) {
            Ok(inner) => {
                let meter = Arc::clone(meter);
                Self::new(Metered { inner, meter }, path.to_owned())
            }
            Err(source) => Err(DataError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Takes a stream. gzip, Zstandard and xz, also of several members, are known by their first
    /// bytes. No more is read than it takes to know what the first bytes are.
    pub(super) fn new(
        stream: impl Read + Send + 'static,
        name: PathBuf,
    ) -> Result<Self, DataError> {
        let failed = |source| read_error(&name, source);
        let buffered = Box::new(BufReader::with_capacity(BUFFER_BYTES, stream));
        let mut bytes = unpacked(buffered).map_err(failed)?;
        // There may be several, of programs that each put one in front. The CSV library would drop
        // the second, and see another beginning than what watches its quotation marks.
        loop {
            match begins_with(bytes, UTF8_BOM) {
                Ok((true, behind)) => bytes = behind,
                Ok((false, bytes)) => return Ok(Self { bytes, name }),
                Err(source) => return Err(failed(source)),
            }
        }
    }

    /// The next byte, which stays to be read; none at the end.
    pub(super) fn first_byte(&mut self) -> Result<Option<u8>, DataError> {
        peek(&mut self.bytes).map_err(|source| read_error(&self.name, source))
    }
}

/// Takes a mark off the front. Where there is only a part of it, or none, all bytes stay. A pipe may
/// hand out bytes one by one, and is not asked for one behind the first that does not fit.
pub(super) fn begins_with(mut source: Bytes, mark: &'static [u8]) -> io::Result<(bool, Bytes)> {
    for (taken, byte) in mark.iter().enumerate() {
        if peek(&mut source)? == Some(*byte) {
            source.consume(1);
        } else if taken == 0 {
            return Ok((false, source));
        } else {
            return Ok((false, Box::new(mark[..taken].chain(source))));
        }
    }
    Ok((true, source))
}

pub(super) fn peek(source: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        match source.fill_buf() {
            Ok(buffer) => return Ok(buffer.first().copied()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The error for a failed read: a decoder's complaint means a damaged file.
pub(super) fn read_error(path: &Path, source: io::Error) -> DataError {
    let path = path.to_owned();
    let inner = source.get_ref();
    if let Some(TooLarge { limit }) = inner.and_then(|inner| inner.downcast_ref()) {
        let limit = *limit;
        return DataError::UnpacksTooLarge { path, limit };
    }
    if inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooMuchMemory>) {
        let limit = MAX_UNPACKING_BYTES;
        return DataError::UnpackingTooLarge { path, limit };
    }
    match source.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::OutOfMemory
        | io::ErrorKind::Other => DataError::Damaged { path, source },
        _ => DataError::Read { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time.
    struct Trickle(&'static [u8]);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    #[test]
    fn marks_are_told_from_what_looks_like_them() {
        for (bytes, expected) in [
            (&b"\xef\xbb\xbfa"[..], &b"a"[..]),
            (b"\xef\xbb\xbf\xef\xbb\xbfa", b"a"),
            (b"\xef\xbba", b"\xef\xbba"),
            (b"\xef", b"\xef"),
            (b"\x1f", b"\x1f"),
            (b"\x1fa", b"\x1fa"),
            (b"", b""),
        ] {
            let mut source = Source::new(Trickle(bytes), "a".into()).unwrap();
            assert_eq!(source.first_byte().unwrap(), expected.first().copied());
            let mut found = Vec::new();
            source.bytes.read_to_end(&mut found).unwrap();
            assert_eq!(found, expected);
        }
    }
}
