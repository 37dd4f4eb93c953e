//! The names, the numbers and the description of an encoded corpus.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::subwords::Subwords;
use crate::tokenizer::TokenizerConfig;

pub(super) const CORPUS: &str = "corpus.json";
pub(super) const TOKENS: &str = "tokens.jsonl";
pub(super) const IDS: &str = "ids.bin";
pub(super) const ENDS: &str = "ends.bin";
pub(super) const LABELS: &str = "labels.bin";

/// The version of the layout. Another one is refused.
pub(super) const VERSION: u32 = 1;
/// Most bytes of `corpus.json`, which is read whole. Labels are most of it, where there are many.
pub(super) const MAX_DESCRIPTION_BYTES: u64 = 512 << 20;
/// Bytes that are read or written at once.
pub(super) const CHUNK_BYTES: usize = 1 << 18;

/// What `corpus.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    pub(super) version: u32,
    pub(super) documents: u64,
    pub(super) tokens: u64,
    /// Distinct tokens: the lines of `tokens.jsonl`.
    pub(super) distinct_tokens: u64,
    pub(super) id_bytes: IdBytes,
    pub(super) tokenizer: TokenizerConfig,
    /// The text of a `tokenizer.json`, where the tokenizer is one of subwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subwords: Option<Subwords>,
    /// The labels' names, by number.
    pub(super) labels: Vec<String>,
    /// SHA-256 over everything that decides the contents.
    pub(super) source_sha256: String,
    pub(super) tokens_file: FileFacts,
    pub(super) ids_file: FileFacts,
    pub(super) ends_file: FileFacts,
    pub(super) labels_file: FileFacts,
}

/// How many bytes an id takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub(super) enum IdBytes {
    Two,
    Four,
}

impl IdBytes {
    /// The fewest that do for as many different ids.
    pub(super) const fn for_ids(n_ids: usize) -> Self {
        if n_ids <= 1 << 16 {
            Self::Two
        } else {
            Self::Four
        }
    }

    pub(super) const fn count(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Appends the ids that these bytes stand for.
    pub(super) fn decode(self, bytes: &[u8], ids: &mut Vec<u32>) {
        match self {
            Self::Two => {
                let (ids_bytes, _) = bytes.as_chunks::<2>();
                ids.extend(
                    ids_bytes
                        .iter()
                        .map(|id| u32::from(u16::from_le_bytes(*id))),
                );
            }
            Self::Four => {
                let (ids_bytes, _) = bytes.as_chunks::<4>();
                ids.extend(ids_bytes.iter().map(|id| u32::from_le_bytes(*id)));
            }
        }
    }

    /// Appends the bytes of an id, which is small enough.
    pub(super) fn encode(self, id: u32, bytes: &mut Vec<u8>) {
        match self {
            Self::Two => bytes.extend_from_slice(&(id as u16).to_le_bytes()),
            Self::Four => bytes.extend_from_slice(&id.to_le_bytes()),
        }
    }
}

impl From<IdBytes> for u8 {
    fn from(bytes: IdBytes) -> Self {
        bytes.count() as Self
    }
}

impl TryFrom<u8> for IdBytes {
    type Error = String;

    fn try_from(bytes: u8) -> Result<Self, Self::Error> {
        match bytes {
            2 => Ok(Self::Two),
            4 => Ok(Self::Four),
            other => Err(format!("ids of {other} bytes, expected 2 or 4")),
        }
    }
}

/// A file's size and checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileFacts {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

/// Writes a file and takes note of its size and checksum.
pub(super) struct CheckedWriter {
    file: io::BufWriter<File>,
    path: PathBuf,
    bytes: u64,
    hasher: crc32fast::Hasher,
}

impl CheckedWriter {
    pub(super) fn create(path: &Path) -> Result<Self, DataError> {
        let file = File::create(path).map_err(|source| write_error(path, source))?;
        Ok(Self {
            file: io::BufWriter::with_capacity(CHUNK_BYTES, file),
            path: path.to_owned(),
            bytes: 0,
            hasher: crc32fast::Hasher::new(),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .map_err(|source| write_error(&self.path, source))
    }

    /// Brings everything to the disk.
    pub(super) fn finish(self) -> Result<FileFacts, DataError> {
        let path = self.path;
        self.file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|source| write_error(&path, source))?;
        Ok(FileFacts {
            bytes: self.bytes,
            crc32: self.hasher.finalize(),
        })
    }
}

pub(super) fn write_error(path: &Path, source: io::Error) -> DataError {
    DataError::Write {
        path: path.to_owned(),
        source,
    }
}
