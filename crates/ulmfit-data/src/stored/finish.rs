//! From provisional ids to the corpus as it stays.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use super::checkpoint::{Checkpoint, STATE, STATE_ASIDE};
use super::encoder::{DRAFT, LOCK};
use super::layout::{
    CHUNK_BYTES, CORPUS, CheckedWriter, Description, ENDS, FileFacts, IDS, IdBytes, LABELS, TOKENS,
    VERSION, write_error,
};
use super::open::describe;
use super::token_table::TokenTable;
use crate::error::DataError;
use crate::special;
use crate::tokenizer::Tokenizer;

/// A corpus whose documents are all in `draft.bin`.
pub(super) struct Draft {
    pub(super) source_sha256: String,
    pub(super) documents: u64,
    pub(super) tokens: u64,
    pub(super) rounds: Vec<u64>,
    pub(super) labels: Vec<String>,
    pub(super) table: TokenTable,
}

/// Writes the final ids, the tokens and the description, and removes what only served on the way.
pub(super) fn write(
    folder: &Path,
    draft: Draft,
    tokenizer: &Tokenizer,
    max_tokens: usize,
) -> Result<(), DataError> {
    // In the order of the ids, xxunk left out.
    let mut kept: Vec<_> = draft
        .table
        .iter()
        .filter(|(token, ..)| *token != special::UNK)
        .collect();
    kept.sort_unstable_by_key(|(_, _, entry)| (Reverse(entry.count), entry.born));
    kept.truncate(max_tokens.clamp(1, u32::MAX as usize) - 1);

    // What each provisional id is called in the end, from which round on.
    let mut names = vec![(special::UNK_ID, 0_u32); draft.table.n_ids()];
    for (place, (_, id, entry)) in kept.iter().enumerate() {
        names[*id as usize] = (place as u32 + 1, entry.round);
    }
    let id_bytes = IdBytes::for_ids(kept.len() + 1);
    let (ids_file, counts) = write_ids(folder, &draft, &names, id_bytes, kept.len() + 1)?;

    let mut tokens_file = CheckedWriter::create(&folder.join(TOKENS))?;
    let tokens = std::iter::once(special::UNK).chain(kept.iter().map(|(token, ..)| *token));
    for line in tokens.zip(&counts) {
        // A string and a number always serialize.
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        tokens_file.write(&line)?;
    }
    let tokens_file = tokens_file.finish()?;

    let description = Description {
        version: VERSION,
        documents: draft.documents,
        tokens: draft.tokens,
        distinct_tokens: counts.len() as u64,
        id_bytes,
        tokenizer: tokenizer.config().clone(),
        subwords: tokenizer.subwords().cloned(),
        labels: draft.labels,
        source_sha256: draft.source_sha256,
        tokens_file,
        ids_file,
        ends_file: facts_of(&folder.join(ENDS))?,
        labels_file: facts_of(&folder.join(LABELS))?,
    };
    // Strings and numbers always serialize.
    let text = serde_json::to_string_pretty(&description).unwrap_or_default();
    let mut file = CheckedWriter::create(&folder.join(CORPUS))?;
    file.write(text.as_bytes())?;
    file.write(b"\n")?;
    file.finish()?;
    Checkpoint::remove(folder)?;
    remove(&folder.join(DRAFT))
}

/// Puts a finished corpus in its place.
pub(super) fn install(partial: &Path, folder: &Path) -> Result<(), DataError> {
    remove_encoded_corpus(folder)?;
    fs::rename(partial, folder).map_err(|source| write_error(folder, source))
}

/// Removes an encoded corpus, and nothing but what belongs to one. It need not be there.
///
/// # Errors
///
/// [`DataError::NotACorpus`] when the folder holds something else, of which nothing is removed then;
/// [`DataError::Write`] when a file or the folder cannot be removed.
pub fn remove_encoded_corpus(folder: impl AsRef<Path>) -> Result<(), DataError> {
    let folder = folder.as_ref();
    if !folder.exists() {
        return Ok(());
    }
    check_replaceable(folder)?;
    // The description last, by which what a killed removal has left is known for what it is.
    for name in [TOKENS, IDS, ENDS, LABELS, CORPUS] {
        let path = folder.join(name);
        if path.exists() {
            remove(&path)?;
        }
    }
    fs::remove_dir(folder).map_err(|source| write_error(folder, source))
}

/// Fails unless all that a folder holds is an encoded corpus, whole or not, which may be removed. It
/// may be empty, and need not be there.
pub(super) fn check_replaceable(folder: &Path) -> Result<(), DataError> {
    let of_a_corpus = [CORPUS, TOKENS, IDS, ENDS, LABELS];
    let count = count_known(folder, &of_a_corpus)?;
    // Others call a file corpus.json, too: it has to say what it is, unless everything else is there.
    if count == 0 || count == of_a_corpus.len() || describe(folder).is_ok() {
        Ok(())
    } else {
        Err(not_a_corpus(folder))
    }
}

/// Fails unless all that a folder holds was put there by the encoding of a corpus. It need not be there.
pub(super) fn check_partial(folder: &Path) -> Result<(), DataError> {
    let on_the_way = [LOCK, DRAFT, STATE, STATE_ASIDE];
    let in_the_end = [CORPUS, TOKENS, IDS, ENDS, LABELS];
    count_known(folder, &[&on_the_way[..], &in_the_end].concat()).map(|_| ())
}

/// How many entries a folder has, all of which are to be among the names.
fn count_known(folder: &Path, names: &[&str]) -> Result<usize, DataError> {
    if !folder.exists() {
        return Ok(0);
    }
    let entries = fs::read_dir(folder).map_err(|_| not_a_corpus(folder))?;
    let is_known = |name: &OsStr| names.iter().any(|known| name == *known);
    let mut count = 0;
    for entry in entries {
        let entry = entry.map_err(|_| not_a_corpus(folder))?;
        if !is_known(&entry.file_name()) {
            return Err(not_a_corpus(folder));
        }
        count += 1;
    }
    Ok(count)
}

fn not_a_corpus(folder: &Path) -> DataError {
    DataError::NotACorpus {
        path: folder.to_owned(),
    }
}

fn remove(path: &Path) -> Result<(), DataError> {
    fs::remove_file(path).map_err(|source| write_error(path, source))
}

/// Translates the provisional ids, and counts the final ones.
fn write_ids(
    folder: &Path,
    draft: &Draft,
    names: &[(u32, u32)],
    id_bytes: IdBytes,
    n_tokens: usize,
) -> Result<(FileFacts, Vec<u64>), DataError> {
    let path = folder.join(DRAFT);
    let failed = |source| DataError::Read {
        path: path.clone(),
        source,
    };
    let mut input = BufReader::with_capacity(CHUNK_BYTES, File::open(&path).map_err(failed)?);
    let mut output = CheckedWriter::create(&folder.join(IDS))?;
    let mut counts = vec![0_u64; n_tokens];
    let mut bytes = Vec::new();
    let mut encoded = Vec::new();
    let mut position = 0;
    // Each round by itself: in which one a provisional id was written decides what it stands for.
    let ends = draft.rounds.iter().copied().chain([draft.tokens]);
    for (round, end) in (0..).zip(ends) {
        while position < end {
            let count = (end - position).min(CHUNK_BYTES as u64 / 4);
            bytes.resize(4 * count as usize, 0);
            input.read_exact(&mut bytes).map_err(failed)?;
            encoded.clear();
            let (ids, _) = bytes.as_chunks::<4>();
            for id in ids {
                let id = u32::from_le_bytes(*id) as usize;
                let id = match names.get(id) {
                    Some((name, since)) if *since <= round => *name,
                    _ => special::UNK_ID,
                };
                counts[id as usize] += 1;
                id_bytes.encode(id, &mut encoded);
            }
            output.write(&encoded)?;
            position += count;
        }
    }
    debug_assert_eq!(draft.table.round() as usize, draft.rounds.len());
    Ok((output.finish()?, counts))
}

/// The size and checksum of a file.
fn facts_of(path: &Path) -> Result<FileFacts, DataError> {
    let failed = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
    Ok(FileFacts {
        bytes,
        crc32: hasher.finalize(),
    })
}
