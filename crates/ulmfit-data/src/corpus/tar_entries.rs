//! The entries of a tar archive, in bounded memory.
//!
//! A name or an attribute that does not fit the header of its entry comes as an entry of its own, of
//! any size, which the archive's reader holds in memory. So it is given no more bytes than the entry
//! at hand has, and so many for what comes before the next.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tar::{Archive, Entries, Entry};

use super::source::Bytes;

/// Most bytes of headers from one entry to the next. Names have some hundred.
const MOST_HEADER_BYTES: u64 = 1 << 20;

/// The bytes of an archive, as many as are allowed at the time.
pub(super) struct Allowed {
    inner: Bytes,
    left: Arc<AtomicU64>,
}

impl Read for Allowed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a header of more than {MOST_HEADER_BYTES} bytes"),
            ));
        }
        let count = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.inner.read(&mut buffer[..count])?;
        self.left.fetch_sub(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// An archive whose entries are still to be read.
pub(super) struct TarFile {
    archive: Archive<Allowed>,
    left: Arc<AtomicU64>,
}

impl TarFile {
    pub(super) fn new(inner: Bytes) -> Self {
        let left = Arc::new(AtomicU64::new(MOST_HEADER_BYTES));
        let allowed = Allowed {
            inner,
            left: Arc::clone(&left),
        };
        let archive = Archive::new(allowed);
        Self { archive, left }
    }

    /// The entries in order. Each is to be read before the next is asked for, if at all.
    pub(super) fn entries(&mut self) -> io::Result<TarEntries<'_>> {
        Ok(TarEntries {
            entries: self.archive.entries()?,
            left: &self.left,
        })
    }

    /// Reads what follows the last entry, which holds the checksum of a packed archive.
    pub(super) fn finish(self) -> io::Result<()> {
        self.left.store(u64::MAX, Ordering::Relaxed);
        io::copy(&mut self.archive.into_inner(), &mut io::sink()).map(drop)
    }
}

/// See [`TarFile::entries`].
pub(super) struct TarEntries<'a> {
    entries: Entries<'a, Allowed>,
    left: &'a AtomicU64,
}

impl<'a> Iterator for TarEntries<'a> {
    type Item = io::Result<Entry<'a, Allowed>>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.and_then(|entry| {
            // Of a sparse file not all of its bytes are in the archive.
            let size = if entry.header().entry_type().is_gnu_sparse() {
                entry.header().entry_size()?
            } else {
                entry.size()
            };
            let allowed = size.saturating_add(MOST_HEADER_BYTES);
            self.left.store(allowed, Ordering::Relaxed);
            Ok(entry)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose name has so many bytes, and then one with a plain name.
    fn names(length: u64) -> io::Result<Vec<usize>> {
        let header = |name: &str, kind, size| {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_cksum();
            io::Cursor::new(header.as_bytes().to_vec())
        };
        let bytes = header("long", tar::EntryType::GNULongName, length)
            .chain(io::repeat(b'a').take(length.next_multiple_of(512)))
            .chain(header("a", tar::EntryType::Regular, 3 << 20))
            .chain(io::repeat(0).take(3 << 20))
            .chain(header("b", tar::EntryType::Regular, 0))
            .chain(io::repeat(0).take(1024));
        let mut file = TarFile::new(Box::new(io::BufReader::new(bytes)));
        let lengths = file
            .entries()?
            .map(|entry| Ok(entry?.path_bytes().len()))
            .collect::<io::Result<_>>()?;
        file.finish()?;
        Ok(lengths)
    }

    #[test]
    fn names_are_held_in_memory_only_up_to_a_bound() {
        assert_eq!(names(5000).unwrap(), [5000, 1]);
        // It would take more memory than there is.
        let error = names(1 << 50).unwrap_err().to_string();
        assert_eq!(error, "a header of more than 1048576 bytes");
    }
}
