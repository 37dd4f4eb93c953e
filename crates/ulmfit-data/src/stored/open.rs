//! Opening an encoded corpus, which is untrusted: sizes are compared with the files before anything
//! is allocated, every byte with its checksum, and every id with the number of tokens.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::{
    CHUNK_BYTES, CORPUS, Description, ENDS, FileFacts, IDS, IdBytes, LABELS, MAX_DESCRIPTION_BYTES,
    TOKENS, VERSION,
};
use super::positioned::read_exact_at;
use crate::error::{DataError, brief};
use crate::token_ids::TokenIds;
use crate::tokenized::{DocumentLabels, TokenizedCorpus};
use crate::tokenizer::Tokenizer;

/// Most bytes that a line of `tokens.jsonl` may have: the longest token is a whole document.
const MAX_TOKEN_LINE_BYTES: u64 = 1 << 31;

/// Opens a corpus and checks all of it, at the speed of reading it once.
pub(crate) fn open(folder: &Path) -> Result<TokenizedCorpus, DataError> {
    let description = describe(folder)?;
    let damaged = |reason: String| damaged(folder, reason);
    let tokens_len = usize::try_from(description.distinct_tokens).unwrap_or(usize::MAX);
    let documents = description.documents;
    // The smallest line is ["",0] and its end.
    if description.distinct_tokens.saturating_mul(7) > description.tokens_file.bytes {
        return Err(damaged(
            "tokens.jsonl is too small for its tokens".to_owned(),
        ));
    }
    let expected_id_bytes = IdBytes::for_ids(tokens_len);
    if description.id_bytes != expected_id_bytes {
        return Err(damaged("the ids have an unexpected width".to_owned()));
    }
    let id_size = description.id_bytes.count() as u64;
    for (name, facts, expected) in [
        (
            IDS,
            description.ids_file,
            description.tokens.checked_mul(id_size),
        ),
        (ENDS, description.ends_file, documents.checked_mul(8)),
        (LABELS, description.labels_file, documents.checked_mul(4)),
    ] {
        if expected != Some(facts.bytes) {
            return Err(damaged(format!("{name} has an unexpected size")));
        }
    }
    let (tokens, counts) = read_tokens(folder, description.tokens_file, tokens_len)?;
    let counted = counts
        .iter()
        .try_fold(0_u64, |sum, count| sum.checked_add(*count));
    if counted != Some(description.tokens) {
        return Err(damaged(
            "the counts in tokens.jsonl do not add up to its tokens".to_owned(),
        ));
    }

    let mut ends: Vec<u64> = Vec::new();
    checked_chunks(folder, ENDS, description.ends_file, |bytes| {
        let (chunks, _) = bytes.as_chunks::<8>();
        ends.extend(chunks.iter().map(|end| u64::from_le_bytes(*end)));
        true
    })?;
    if !ends.is_sorted() || ends.last().copied().unwrap_or(0) != description.tokens {
        return Err(damaged("ends.bin does not fit the ids".to_owned()));
    }

    let mut of: Vec<u32> = Vec::new();
    let n_labels = description.labels.len();
    checked_chunks(folder, LABELS, description.labels_file, |bytes| {
        let (chunks, _) = bytes.as_chunks::<4>();
        of.extend(chunks.iter().map(|label| u32::from_le_bytes(*label)));
        true
    })?;
    let known = |&label: &u32| label == DocumentLabels::NO_LABEL || (label as usize) < n_labels;
    if !of.iter().all(known) {
        return Err(damaged("labels.bin has a label without a name".to_owned()));
    }

    let mut ids = Vec::new();
    let file = checked_chunks(folder, IDS, description.ids_file, |bytes| {
        ids.clear();
        description.id_bytes.decode(bytes, &mut ids);
        let largest = ids.iter().copied().max().unwrap_or(0);
        ids.is_empty() || (largest as usize) < tokens_len
    })?;
    let places = StoredIds {
        file,
        path: folder.join(IDS),
        id_bytes: description.id_bytes,
        ends,
    };
    let tokenizer = Tokenizer::from_parts(description.tokenizer, description.subwords)
        .map_err(|error| damaged(error.to_string()))?;
    Ok(TokenizedCorpus::new(
        tokenizer,
        tokens,
        counts,
        Arc::new(places),
        DocumentLabels {
            names: description.labels,
            of,
        },
    ))
}

/// Reads what a corpus says of itself.
pub(super) fn describe(folder: &Path) -> Result<Description, DataError> {
    let path = folder.join(CORPUS);
    let read = |source| DataError::Read {
        path: path.clone(),
        source,
    };
    let file = File::open(&path).map_err(read)?;
    let mut text = Vec::new();
    file.take(MAX_DESCRIPTION_BYTES)
        .read_to_end(&mut text)
        .map_err(read)?;
    let description: Description = serde_json::from_slice(&text).map_err(|error| {
        damaged(
            folder,
            format!("corpus.json: {}", brief(&error.to_string())),
        )
    })?;
    if description.version != VERSION {
        return Err(damaged(
            folder,
            format!(
                "it is of version {}, and this program reads version {VERSION}",
                description.version
            ),
        ));
    }
    Ok(description)
}

fn damaged(folder: &Path, reason: String) -> DataError {
    DataError::DamagedCorpus {
        path: folder.to_owned(),
        reason,
    }
}

/// Opens a file that is as long as it should be.
fn sized(folder: &Path, name: &str, facts: FileFacts) -> Result<File, DataError> {
    let path = folder.join(name);
    let open = || {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    };
    let (file, length) = open().map_err(|source| DataError::Read {
        path: path.clone(),
        source,
    })?;
    if length == facts.bytes {
        Ok(file)
    } else {
        Err(damaged(
            folder,
            format!("{name} has {length} bytes instead of {}", facts.bytes),
        ))
    }
}

/// Shows a file to `visit` in chunks, which says whether they are right, and compares the checksum.
fn checked_chunks(
    folder: &Path,
    name: &str,
    facts: FileFacts,
    mut visit: impl FnMut(&[u8]) -> bool,
) -> Result<File, DataError> {
    let mut file = sized(folder, name, facts)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut left = facts.bytes;
    let mut right = true;
    while left > 0 {
        let chunk = &mut buffer[..left.min(CHUNK_BYTES as u64) as usize];
        file.read_exact(chunk).map_err(|source| DataError::Read {
            path: folder.join(name),
            source,
        })?;
        hasher.update(chunk);
        right = visit(chunk) && right;
        left -= chunk.len() as u64;
    }
    if hasher.finalize() == facts.crc32 && right {
        Ok(file)
    } else {
        Err(damaged(
            folder,
            format!("{name} has other bytes than it should have"),
        ))
    }
}

/// The tokens and their counts.
fn read_tokens(
    folder: &Path,
    facts: FileFacts,
    count: usize,
) -> Result<(Vec<String>, Vec<u64>), DataError> {
    let file = checked_chunks(folder, TOKENS, facts, |_| true)?;
    // Through a path of its own, from the start.
    drop(file);
    let mut lines = BufReader::with_capacity(CHUNK_BYTES, sized(folder, TOKENS, facts)?);
    let (mut tokens, mut counts) = (Vec::new(), Vec::new());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines)
            .take(MAX_TOKEN_LINE_BYTES)
            .read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(source) => {
                return Err(DataError::Read {
                    path: folder.join(TOKENS),
                    source,
                });
            }
        }
        let (token, times): (String, u64) = serde_json::from_slice(&line)
            .map_err(|error| damaged(folder, format!("{TOKENS}: {}", brief(&error.to_string()))))?;
        tokens.push(token);
        counts.push(times);
    }
    if tokens.len() == count {
        Ok((tokens, counts))
    } else {
        Err(damaged(
            folder,
            format!("{TOKENS} has {} lines instead of {count}", tokens.len()),
        ))
    }
}

/// Ids on disk, read where they are needed. In memory are eight bytes a document.
#[derive(Debug)]
struct StoredIds {
    file: File,
    path: PathBuf,
    id_bytes: IdBytes,
    ends: Vec<u64>,
}

impl StoredIds {
    /// Where a document lies, in tokens.
    fn span(&self, document: usize) -> Range<u64> {
        let start = match document.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
        };
        let end = self.ends.get(document).copied().unwrap_or(start);
        start..end
    }
}

impl TokenIds for StoredIds {
    fn n_documents(&self) -> usize {
        self.ends.len()
    }

    fn n_tokens(&self) -> usize {
        self.ends.last().copied().unwrap_or(0) as usize
    }

    fn document_len(&self, document: usize) -> usize {
        let span = self.span(document);
        (span.end - span.start) as usize
    }

    fn read(
        &self,
        document: usize,
        range: Range<usize>,
        ids: &mut Vec<u32>,
    ) -> Result<(), DataError> {
        let span = self.span(document);
        let end = (span.start + range.end as u64).min(span.end);
        let mut start = (span.start + range.start as u64).min(end);
        let size = self.id_bytes.count() as u64;
        // A batch's piece of a row fits; a long document comes in several pieces.
        let mut buffer = [0; 4096];
        while start < end {
            let count = (end - start).min(buffer.len() as u64 / size);
            let bytes = &mut buffer[..(count * size) as usize];
            read_exact_at(&self.file, bytes, start * size).map_err(|source| DataError::Read {
                path: self.path.clone(),
                source,
            })?;
            self.id_bytes.decode(bytes, ids);
            start += count;
        }
        Ok(())
    }
}
