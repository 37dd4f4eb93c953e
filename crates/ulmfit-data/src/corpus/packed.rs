//! Unpacking gzip, Zstandard and xz, which are known by their first bytes.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::source::{BUFFER_BYTES, Bytes, MAX_UNPACKED_BYTES, begins_with, peek};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const XZ_MAGIC: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
/// Most memory that a file may ask for to be unpacked: 128 MiB, twice what `xz -9` needs.
pub(super) const MAX_UNPACKING_BYTES: u64 = 128 << 20;
/// The same for xz, in KiB.
const XZ_MEMORY_KIB: u32 = (MAX_UNPACKING_BYTES >> 10) as u32;

/// Unpacks bytes that are packed; others stay as they are. No more is read than it takes to know.
pub(super) fn unpacked(source: Bytes) -> io::Result<Bytes> {
    let (is_gzip, source) = begins_with(source, GZIP_MAGIC)?;
    if is_gzip {
        return Ok(bounded(MultiGzDecoder::new(GZIP_MAGIC.chain(source))));
    }
    let (is_zstd, source) = begins_with(source, ZSTD_MAGIC)?;
    if is_zstd {
        let packed = Box::new(ZSTD_MAGIC.chain(source));
        return Ok(bounded(ZstdFrames::new(packed)));
    }
    let (is_xz, source) = begins_with(source, XZ_MAGIC)?;
    if is_xz {
        let packed = XZ_MAGIC.chain(source);
        return Ok(bounded(XzReader::new_mem_limit(
            packed,
            true,
            XZ_MEMORY_KIB,
        )));
    }
    Ok(source)
}

/// Whether bytes begin as those of a packed file do.
pub(super) fn is_packed(beginning: &[u8]) -> bool {
    let mut magics = [GZIP_MAGIC, ZSTD_MAGIC, XZ_MAGIC].into_iter();
    magics.any(|magic| beginning.starts_with(magic))
}

fn bounded(unpacker: impl Read + Send + 'static) -> Bytes {
    let bounded = Bounded::new(unpacker, MAX_UNPACKED_BYTES);
    Box::new(BufReader::with_capacity(BUFFER_BYTES, bounded))
}

/// Fails instead of giving more than so many bytes.
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Bounded<R> {
    pub(super) const fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            left: limit,
            limit,
        }
    }
}

/// More came out than the bound.
#[derive(Debug, thiserror::Error)]
#[error("unpacks to more than {limit} bytes")]
pub(super) struct TooLarge {
    pub(super) limit: u64,
}

/// A file asks for more memory than [`MAX_UNPACKING_BYTES`].
#[derive(Debug, thiserror::Error)]
#[error("takes too much memory to unpack")]
pub(super) struct TooMuchMemory;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self
            .inner
            .read(buffer)
            .map_err(|error| match error.kind() {
                // So the unpacker of xz says that its bound is too small.
                io::ErrorKind::OutOfMemory => io::Error::other(TooMuchMemory),
                _ => error,
            })?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(TooLarge { limit: self.limit })),
        }
        Ok(count)
    }
}

/// The frames of a Zstandard file, one after the other: the decoder knows but one.
struct ZstdFrames {
    source: Bytes,
    decoder: FrameDecoder,
    within_frame: bool,
}

impl ZstdFrames {
    fn new(source: Bytes) -> Self {
        Self {
            source,
            // It refuses windows of more than MAX_UNPACKING_BYTES.
            decoder: FrameDecoder::new(),
            within_frame: false,
        }
    }

    /// Passes over what holds no data, up to the next frame. Returns whether there is one.
    fn start_frame(&mut self) -> io::Result<bool> {
        while peek(&mut self.source)?.is_some() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let mut skipped = (&mut self.source).take(length);
                    if io::copy(&mut skipped, &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                    return Err(io::Error::other(TooMuchMemory));
                }
                Err(error) => return Err(invalid(error)),
            }
        }
        Ok(false)
    }
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within_frame {
                if !self.start_frame()? {
                    return Ok(0);
                }
                self.within_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, one)
                    .map_err(invalid)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let stated = self.decoder.get_checksum_from_data();
            if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
                return Err(invalid("the checksum is wrong"));
            }
            self.within_frame = false;
        }
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::source::{Source, read_error};

    #[test]
    fn what_takes_too_much_memory_to_unpack_is_not_called_damaged() {
        // A frame with a window of 2 GiB, as `zstd --long=31` makes them.
        let zstd = [ZSTD_MAGIC, &[0, 21 << 3, 1, 0, 0]].concat();
        // A block with the largest dictionary there is; its header ends with a checksum.
        let mut header = vec![2, 0, 0x21, 1, 40, 0, 0, 0];
        header.extend(crc32fast::hash(&header).to_le_bytes());
        let xz = [XZ_MAGIC, &[0, 4, 0xe6, 0xd6, 0xb4, 0x46], &header].concat();
        for bytes in [zstd, xz] {
            let error = Source::new(io::Cursor::new(bytes), "a.jsonl.zst".into()).err();
            assert_eq!(
                error.unwrap().to_string(),
                "a.jsonl.zst takes more than 134217728 bytes of memory to unpack; unpack it by other means"
            );
        }
    }

    #[test]
    fn what_unpacks_to_more_than_the_bound_is_refused() {
        let mut bytes = Vec::new();
        let mut bounded = Bounded::new(io::repeat(7).take(10), 10);
        bounded.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 10);
        let mut bounded = Bounded::new(io::repeat(7), 10);
        let error = bounded.read_to_end(&mut bytes).unwrap_err();
        let message = read_error("bomb.zst".as_ref(), error).to_string();
        assert!(
            message.starts_with("bomb.zst unpacks to more than 10 bytes"),
            "{message}"
        );
    }
}
