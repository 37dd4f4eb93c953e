//! Where the texts of an encoded corpus come from, and what identifies them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::layout::{CHUNK_BYTES, VERSION};
use crate::corpus::{CorpusOptions, archive_stem, text_files};
use crate::error::DataError;
use crate::subwords::Subwords;
use crate::tokenizer::{Tokenizer, TokenizerConfig};

/// A file, a folder or an archive of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorpusSource {
    /// Where it lies.
    pub path: PathBuf,
    /// What to read of it.
    pub options: CorpusOptions,
}

/// What identifies the sources of a corpus and how they are encoded.
#[derive(Debug)]
pub(super) struct SourceFacts {
    /// SHA-256 over the contents of every file, the options, the tokenizer and the bounds.
    pub(super) sha256: String,
    /// Bytes of all files, each as often as it is read.
    pub(super) bytes: u64,
}

/// How the texts are encoded, as far as it decides the result.
#[derive(Serialize)]
struct Settings<'a> {
    version: u32,
    tokenizer: &'a TokenizerConfig,
    /// Left out without subwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    subwords: Option<&'a Subwords>,
    max_counted: usize,
    max_tokens: usize,
}

impl SourceFacts {
    /// Reads every file once.
    pub(super) fn of(
        sources: &[CorpusSource],
        tokenizer: &Tokenizer,
        max_counted: usize,
        max_tokens: usize,
    ) -> Result<Self, DataError> {
        let settings = Settings {
            version: VERSION,
            tokenizer: tokenizer.config(),
            subwords: tokenizer.subwords(),
            max_counted,
            max_tokens,
        };
        let mut digest = Sha256::new();
        add_json(&mut digest, &settings);
        let mut bytes = 0;
        let mut earlier: Vec<(&Path, [u8; 32], u64)> = Vec::new();
        for source in sources {
            let path = source.path.as_path();
            let format = source.options.format_of(path)?;
            add_json(&mut digest, &(format, &source.options));
            // An outer folder of this name is no class (see `archive`).
            if let Some(stem) = archive_stem(path).filter(|_| !path.is_dir()) {
                add_json(&mut digest, &stem);
            }
            // Several splits of one archive are several sources.
            let known = earlier.iter().find(|(known, ..)| *known == path);
            let (contents, size) = if let Some((_, contents, size)) = known {
                (*contents, *size)
            } else {
                let (contents, size) = digest_of(path)?;
                earlier.push((path, contents, size));
                (contents, size)
            };
            digest.update(contents);
            bytes += size;
        }
        Ok(Self {
            sha256: hexadecimal(&digest.finalize()),
            bytes,
        })
    }
}

/// The digest of a file's contents, or of all texts in a folder and their places in it.
fn digest_of(path: &Path) -> Result<([u8; 32], u64), DataError> {
    let mut digest = Sha256::new();
    if !path.is_dir() {
        let bytes = add_file(&mut digest, path)?;
        return Ok((digest.finalize().into(), bytes));
    }
    // Nothing else of a folder is read; and what is written into it, such as a run, makes no other texts.
    let files = text_files(path)?;
    let mut bytes = 0;
    for file in files {
        let place = file.strip_prefix(path).unwrap_or(&file);
        add_json(&mut digest, &place.to_string_lossy());
        let size = add_file(&mut digest, &file)?;
        digest.update(size.to_le_bytes());
        bytes += size;
    }
    Ok((digest.finalize().into(), bytes))
}

fn add_file(digest: &mut Sha256, path: &Path) -> Result<u64, DataError> {
    let read = |source| read_error(path, source);
    let mut file = File::open(path).map_err(read)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) => {
                digest.update(&buffer[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read(error)),
        }
    }
}

/// Adds a value with a mark behind it, so that two values are not taken for one.
fn add_json(digest: &mut Sha256, value: &impl Serialize) {
    // Strings, numbers and lists of them always serialize.
    digest.update(serde_json::to_vec(value).unwrap_or_default());
    digest.update([0]);
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_error(path: &Path, source: std::io::Error) -> DataError {
    DataError::Read {
        path: path.to_owned(),
        source,
    }
}
