//! From texts to an encoded corpus, in one pass.
//!
//! Tokenizing is what takes the time, so each text is tokenized once: tokens get provisional ids in
//! the order in which they come, and when all are counted the ids are written again in their final
//! order and width, which is as fast as the disk. The other way, to count first and to tokenize again
//! for the ids, would take twice as long.
//!
//! One thread reads and unpacks; batches of two megabytes of text are tokenized and looked up on all
//! cores; new tokens get their ids in the order of the documents, so that the number of threads has
//! no say in the result. In memory are a few batches and the table of tokens.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::checkpoint::Checkpoint;
use super::finish::{self, Draft};
use super::label_table::LabelTable;
use super::layout::{CHUNK_BYTES, ENDS, LABELS, write_error};
use super::open::{describe, open};
use super::sources::{CorpusSource, SourceFacts};
use super::token_table::TokenTable;
use crate::corpus::{Document, read_corpus};
use crate::error::DataError;
use crate::parts::PartSize;
use crate::tokenizer::Tokenizer;

/// Provisional ids, u32 each.
pub(super) const DRAFT: &str = "draft.bin";
pub(super) const LOCK: &str = "lock";

/// Batches that wait while one is tokenized.
const BATCHES_AHEAD: usize = 2;
/// Marks a place in the list of a document's new tokens, as opposed to a provisional id.
const NEW: u32 = 1 << 31;

/// How a corpus is encoded. What is not a matter of time decides the result.
#[derive(Clone, Debug)]
pub struct EncodeOptions {
    /// Distinct tokens to keep in the end, `xxunk` included (all that were counted): the rarest
    /// become `xxunk`. With 65,536 or fewer an id takes two bytes.
    pub max_tokens: usize,
    /// Distinct tokens to count at a time (1,800,000, which take about 150 MB). When a batch leaves
    /// more, or tokens of more than 256 MB, the rarest are dropped down to three quarters of it and
    /// become `xxunk`.
    pub max_counted: usize,
    /// Time between two checkpoints.
    pub checkpoint_every: Duration,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            max_tokens: usize::MAX,
            max_counted: 1_800_000,
            checkpoint_every: Duration::from_secs(30),
        }
    }
}

/// How far the encoding of a corpus has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeProgress {
    /// Documents so far, those of an earlier run included.
    pub documents: u64,
    /// Tokens so far.
    pub tokens: u64,
    /// Bytes of the sources that were read, packed as they are.
    pub bytes_read: u64,
    /// Bytes of the sources.
    pub bytes: u64,
}

/// What came of a request to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeOutcome {
    /// The corpus was written.
    Written,
    /// The corpus was there already, made from the same bytes in the same way.
    UpToDate,
}

/// Tokenizes sources on all cores and writes the encoded corpus `folder`, which
/// [`TokenizedCorpus::open`](crate::TokenizedCorpus::open) opens. Where that is a link, it is the folder behind it.
///
/// A corpus that is there already is left alone when it is whole and was made from the same bytes
/// with the same settings, and replaced otherwise. A run that was killed goes on from its last
/// checkpoint, in the folder `NAME.partial`, and ends in the same bytes.
///
/// # Errors
///
/// Any [`DataError`] that reading the sources meets; [`DataError::Write`] when the corpus cannot be
/// written, [`DataError::NotACorpus`] when something else is in its place, if only beside a corpus, [`DataError::CorpusInUse`]
/// when another process is writing it, and [`DataError::TooManyLabels`].
pub fn encode_corpus(
    sources: &[CorpusSource],
    tokenizer: &Tokenizer,
    folder: impl AsRef<Path>,
    options: &EncodeOptions,
    observer: &mut dyn FnMut(EncodeProgress),
) -> Result<EncodeOutcome, DataError> {
    let folder = &behind_links(folder.as_ref())?;
    if folder.file_name().is_none() {
        return Err(DataError::NotACorpus {
            path: folder.to_owned(),
        });
    }
    finish::check_replaceable(folder)?;
    let facts = SourceFacts::of(sources, tokenizer, options.max_counted, options.max_tokens)?;
    let is_there =
        describe(folder).is_ok_and(|description| description.source_sha256 == facts.sha256);
    // A damaged corpus is made again.
    if is_there && open(folder).is_ok() {
        return Ok(EncodeOutcome::UpToDate);
    }
    let partial = partial_folder(folder);
    finish::check_partial(&partial)?;
    fs::create_dir_all(&partial).map_err(|source| write_error(&partial, source))?;
    let lock = lock(&partial, folder)?;
    let mut encoder = Encoder::start(&partial, facts.sha256, options)?;
    if !encoder.complete {
        encoder.read(sources, tokenizer, facts.bytes, options, observer)?;
    }
    let draft = encoder.into_draft()?;
    finish::write(&partial, draft, tokenizer, options.max_tokens)?;
    drop(lock);
    let lock_path = partial.join(LOCK);
    fs::remove_file(&lock_path).map_err(|source| write_error(&lock_path, source))?;
    finish::install(&partial, folder)?;
    Ok(EncodeOutcome::Written)
}

/// The folder itself where its name is that of a link to it, which a folder could not take the place of.
fn behind_links(folder: &Path) -> Result<PathBuf, DataError> {
    // Without a slash at the end, behind which no link would be seen.
    let folder: PathBuf = folder.components().collect();
    if !folder.is_symlink() {
        return Ok(folder);
    }
    fs::canonicalize(&folder).map_err(|source| write_error(&folder, source))
}

/// `NAME.partial` beside `NAME`.
fn partial_folder(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    folder.with_file_name(name)
}

/// Keeps other processes away for as long as the file is open.
fn lock(partial: &Path, folder: &Path) -> Result<File, DataError> {
    let path = partial.join(LOCK);
    let file = File::create(&path).map_err(|source| write_error(&path, source))?;
    file.try_lock().map_err(|_| DataError::CorpusInUse {
        path: folder.to_owned(),
    })?;
    Ok(file)
}

/// A corpus under way.
struct Encoder {
    folder: PathBuf,
    source_sha256: String,
    complete: bool,
    documents: u64,
    tokens: u64,
    rounds: Vec<u64>,
    table: TokenTable,
    labels: LabelTable,
    draft: BufWriter<File>,
    ends: BufWriter<File>,
    label_file: BufWriter<File>,
}

/// A document whose tokens were looked up: provisional ids, and places in the list of those that
/// have none yet.
struct LookedUp {
    ids: Vec<u32>,
    new: Vec<String>,
}

/// Some documents, and how far they are into their sources.
struct Batch<'a> {
    documents: Vec<Document>,
    /// Of each document.
    sources: Vec<&'a CorpusSource>,
    bytes_read: u64,
}

impl Encoder {
    /// Starts anew, or goes on from a checkpoint of the same sources.
    fn start(
        folder: &Path,
        source_sha256: String,
        options: &EncodeOptions,
    ) -> Result<Self, DataError> {
        if let Some(checkpoint) = Checkpoint::load(folder, &source_sha256)
            && let Some(encoder) = Self::restore(folder, checkpoint, options)?
        {
            return Ok(encoder);
        }
        let open = |name: &str| {
            let path = folder.join(name);
            let file = File::create(&path).map_err(|source| write_error(&path, source))?;
            Ok(BufWriter::with_capacity(CHUNK_BYTES, file))
        };
        Ok(Self {
            folder: folder.to_owned(),
            source_sha256,
            complete: false,
            documents: 0,
            tokens: 0,
            rounds: Vec::new(),
            table: TokenTable::new(options.max_counted),
            labels: LabelTable::default(),
            draft: open(DRAFT)?,
            ends: open(ENDS)?,
            label_file: open(LABELS)?,
        })
    }

    /// `None` when the files are not as long as the checkpoint says.
    fn restore(
        folder: &Path,
        checkpoint: Checkpoint,
        options: &EncodeOptions,
    ) -> Result<Option<Self>, DataError> {
        let mut files = Vec::new();
        for (name, count, size) in [
            (DRAFT, checkpoint.tokens, 4),
            (ENDS, checkpoint.documents, 8),
            (LABELS, checkpoint.documents, 4),
        ] {
            let path = folder.join(name);
            let Ok(mut file) = OpenOptions::new().write(true).open(&path) else {
                return Ok(None);
            };
            let failed = |source| write_error(&path, source);
            let length = count.saturating_mul(size);
            if file.metadata().map_err(failed)?.len() < length {
                return Ok(None);
            }
            // What is behind was written after the checkpoint, and will be written again.
            file.set_len(length).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            files.push(BufWriter::with_capacity(CHUNK_BYTES, file));
        }
        let (Some(label_file), Some(ends), Some(draft)) = (files.pop(), files.pop(), files.pop())
        else {
            return Ok(None);
        };
        // Behind the check of the files, whose length bounds what a table can hold.
        let (bound, tokens) = (options.max_counted, checkpoint.tokens);
        let Some(table) = TokenTable::restore(checkpoint.table, bound, tokens) else {
            return Ok(None);
        };
        tracing::debug!(
            documents = checkpoint.documents,
            "going on with an encoded corpus"
        );
        Ok(Some(Self {
            folder: folder.to_owned(),
            source_sha256: checkpoint.source_sha256,
            complete: checkpoint.complete,
            documents: checkpoint.documents,
            tokens: checkpoint.tokens,
            rounds: checkpoint.rounds,
            table,
            labels: LabelTable::restore(checkpoint.labels),
            draft,
            ends,
            label_file,
        }))
    }

    /// Reads what is left of the sources.
    fn read(
        &mut self,
        sources: &[CorpusSource],
        tokenizer: &Tokenizer,
        bytes: u64,
        options: &EncodeOptions,
        observer: &mut dyn FnMut(EncodeProgress),
    ) -> Result<(), DataError> {
        let (sender, batches) = mpsc::sync_channel(BATCHES_AHEAD);
        let skip = self.documents;
        std::thread::scope(|scope| {
            scope.spawn(move || read_batches(sources, skip, &sender));
            let mut saved = Instant::now();
            // Owned by the loop: an error on the way out of it also ends the thread.
            for batch in batches {
                let batch = batch?;
                self.add(tokenizer, &batch)?;
                observer(EncodeProgress {
                    documents: self.documents,
                    tokens: self.tokens,
                    bytes_read: batch.bytes_read.min(bytes),
                    bytes,
                });
                if saved.elapsed() >= options.checkpoint_every {
                    self.save()?;
                    saved = Instant::now();
                }
            }
            Ok(())
        })?;
        self.complete = true;
        self.save()
    }

    /// Tokenizes a batch and appends it.
    fn add(&mut self, tokenizer: &Tokenizer, batch: &Batch<'_>) -> Result<(), DataError> {
        let table = &self.table;
        let looked_up: Vec<LookedUp> = batch
            .documents
            .par_iter()
            .map(|document| look_up(table, tokenizer.tokenize_fields(&document.fields)))
            .collect();
        let failed = |name: &str, source| write_error(&self.folder.join(name), source);
        let documents = batch.documents.iter().zip(&batch.sources);
        for ((document, source), LookedUp { ids, new }) in documents.zip(looked_up) {
            let new: Vec<u32> = new
                .into_iter()
                .map(|token| self.table.insert(token))
                .collect();
            self.tokens += ids.len() as u64;
            for id in ids {
                let id = match id.checked_sub(NEW) {
                    Some(place) => new[place as usize],
                    None => id,
                };
                self.table.count(id);
                self.draft
                    .write_all(&id.to_le_bytes())
                    .map_err(|source| failed(DRAFT, source))?;
            }
            self.ends
                .write_all(&self.tokens.to_le_bytes())
                .map_err(|source| failed(ENDS, source))?;
            let label = self.labels.number(document.label.as_deref(), source)?;
            self.label_file
                .write_all(&label.to_le_bytes())
                .map_err(|source| failed(LABELS, source))?;
        }
        self.documents += batch.documents.len() as u64;
        if self.table.drop_rare() {
            tracing::debug!(tokens = self.tokens, "dropped the rarest tokens");
            self.rounds.push(self.tokens);
        }
        Ok(())
    }

    /// Writes a checkpoint, behind everything that it is about.
    fn save(&mut self) -> Result<(), DataError> {
        self.flush()?;
        Checkpoint {
            source_sha256: self.source_sha256.clone(),
            complete: self.complete,
            documents: self.documents,
            tokens: self.tokens,
            rounds: self.rounds.clone(),
            labels: self.labels.names().to_vec(),
            table: self.table.state(),
        }
        .save(&self.folder)
    }

    fn flush(&mut self) -> Result<(), DataError> {
        for (name, file) in [
            (DRAFT, &mut self.draft),
            (ENDS, &mut self.ends),
            (LABELS, &mut self.label_file),
        ] {
            file.flush()
                .and_then(|()| file.get_ref().sync_data())
                .map_err(|source| write_error(&self.folder.join(name), source))?;
        }
        Ok(())
    }

    fn into_draft(mut self) -> Result<Draft, DataError> {
        self.flush()?;
        Ok(Draft {
            source_sha256: self.source_sha256,
            documents: self.documents,
            tokens: self.tokens,
            rounds: self.rounds,
            labels: self.labels.into_names(),
            table: self.table,
        })
    }
}

fn look_up(table: &TokenTable, tokens: Vec<String>) -> LookedUp {
    let mut new = Vec::new();
    let ids = tokens
        .into_iter()
        .map(|token| {
            table.get(&token).unwrap_or_else(|| {
                new.push(token);
                NEW + (new.len() as u32 - 1)
            })
        })
        .collect();
    LookedUp { ids, new }
}

/// Sends the documents of all sources in batches, but for the first `skip`.
fn read_batches<'a>(
    sources: &'a [CorpusSource],
    skip: u64,
    sender: &SyncSender<Result<Batch<'a>, DataError>>,
) {
    if let Err(error) = send_batches(sources, skip, sender) {
        // Nobody listens any more when the other side failed first.
        drop(sender.send(Err(error)));
    }
}

fn send_batches<'a>(
    sources: &'a [CorpusSource],
    mut skip: u64,
    sender: &SyncSender<Result<Batch<'a>, DataError>>,
) -> Result<(), DataError> {
    let mut documents = Vec::new();
    let mut sources_of = Vec::new();
    let mut size = PartSize::default();
    let mut bytes_before = 0;
    for source in sources {
        let mut reader = read_corpus(&source.path, &source.options)?;
        while let Some(document) = reader.next() {
            let document = document?;
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let is_full = size.add(&document);
            documents.push(document);
            sources_of.push(source);
            if is_full {
                let batch = Batch {
                    documents: std::mem::take(&mut documents),
                    sources: std::mem::take(&mut sources_of),
                    bytes_read: bytes_before + reader.bytes_read(),
                };
                if sender.send(Ok(batch)).is_err() {
                    return Ok(());
                }
            }
        }
        bytes_before += reader.bytes_read();
    }
    if !documents.is_empty() {
        let batch = Batch {
            documents,
            sources: sources_of,
            bytes_read: bytes_before,
        };
        // As above.
        drop(sender.send(Ok(batch)));
    }
    Ok(())
}
