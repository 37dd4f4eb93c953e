//! Archives, as folders that nobody unpacks: every member with a known ending is read in its format.
//!
//! Nothing in an archive is ever written anywhere, so that its paths, whatever they are, serve for
//! nothing but messages and to tell the format. Members are read as they come; a thread unpacks them
//! in pieces, so that memory stays flat.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use zip::ZipArchive;

use super::format::archive_stem;
use super::packed::Bounded;
use super::plain_text::{class_label, file_id};
use super::reader::{Documents, open};
use super::source::{MAX_ARCHIVED_DOCUMENT_BYTES, MAX_UNPACKED_BYTES, Meter, Source, read_error};
use super::tar_entries::TarFile;
use super::text::{decode, read_bytes};
use super::{CorpusFormat, CorpusOptions, Document};
use crate::error::DataError;

/// What a zip file begins with: a member, the end of an empty one, or the mark of one in several parts.
const ZIP_MAGICS: [&[u8; 4]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"];
/// Bytes that are handed from thread to thread at a time, and how many times ahead.
const PIECE_BYTES: usize = 1 << 17;
const PIECES_AHEAD: usize = 8;
/// Entries of an archive that are looked at to tell whether it is the movie reviews.
const ENTRIES_TO_TELL: usize = 1000;

/// What the unpacking thread hands over.
enum Piece {
    /// A member begins.
    Member(PathBuf),
    /// Some of its bytes.
    Bytes(Vec<u8>),
    /// There is no way on.
    Failed(io::Error),
}

/// Reads the members of an archive, each in its format, or those that are called like files of the format that
/// the options name, in that one.
pub(super) fn members(
    path: &Path,
    options: &CorpusOptions,
    meter: &Meter,
) -> Result<Documents, DataError> {
    let (sender, receiver) = sync_channel(PIECES_AHEAD);
    let walk = if is_zip(path)? {
        let file = File::open(path).map_err(|source| read_error(path, source))?;
        let archive = ZipArchive::new(file).map_err(|error| read_error(path, error.into()))?;
        Walk::Zip(Box::new(archive))
    } else {
        Walk::Tar(Source::open(path, meter)?)
    };
    // An archive is not the format of its members.
    let named = options.format.filter(|it| *it != CorpusFormat::Archive);
    std::thread::spawn(move || walk.run(named, &sender));
    let pieces = Pieces {
        receiver,
        ahead: None,
        piece: io::Cursor::default(),
    };
    Ok(Box::new(Members {
        path: path.to_owned(),
        options: CorpusOptions {
            format: named,
            ..options.clone()
        },
        pieces: Arc::new(Mutex::new(pieces)),
        member: None,
        failed: false,
    }))
}

/// Whether a tar archive holds the reviews of aclImdb, to judge by its first entries.
pub(super) fn is_aclimdb(path: &Path) -> Result<bool, DataError> {
    let damaged = |source| read_error(path, source);
    let mut archive = TarFile::new(Source::open(path, &Meter::default())?.bytes);
    for entry in archive.entries().map_err(damaged)?.take(ENTRIES_TO_TELL) {
        let entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        let parts: Vec<_> = name.iter().filter_map(std::ffi::OsStr::to_str).collect();
        let is_class = |pair: &[&str]| {
            ["train", "test"].contains(&pair[0]) && ["pos", "neg", "unsup"].contains(&pair[1])
        };
        if parts.contains(&"aclImdb") || parts.windows(2).any(is_class) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_zip(path: &Path) -> Result<bool, DataError> {
    let failed = |source| read_error(path, source);
    let file = File::open(path).map_err(failed)?;
    let mut beginning = Vec::new();
    file.take(4).read_to_end(&mut beginning).map_err(failed)?;
    Ok(ZIP_MAGICS.iter().any(|magic| beginning == **magic))
}

/// An archive to be walked through by a thread.
enum Walk {
    Zip(Box<ZipArchive<File>>),
    Tar(Source),
}

impl Walk {
    /// Hands over every file, until the end, a failure, or nobody listens.
    fn run(self, named: Option<CorpusFormat>, sender: &SyncSender<Piece>) {
        let walked = match self {
            Self::Zip(archive) => walk_zip(*archive, named, sender),
            Self::Tar(source) => walk_tar(source, named, sender),
        };
        if let Err(error) = walked {
            // Nobody listens when the documents that were wanted are read.
            drop(sender.send(Piece::Failed(error)));
        }
    }
}

fn walk_zip(
    mut archive: ZipArchive<File>,
    named: Option<CorpusFormat>,
    sender: &SyncSender<Piece>,
) -> io::Result<()> {
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index)?;
        if !member.is_file() {
            continue;
        }
        let name = PathBuf::from(member.name()?.into_owned());
        if format_of(&name, named).is_none() {
            continue;
        }
        if !send_member(name, &mut member, &mut left, sender)? {
            return Ok(());
        }
    }
    Ok(())
}

fn walk_tar(
    source: Source,
    named: Option<CorpusFormat>,
    sender: &SyncSender<Piece>,
) -> io::Result<()> {
    let mut left = MAX_UNPACKED_BYTES;
    let mut archive = TarFile::new(source.bytes);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path()?.into_owned();
        if format_of(&name, named).is_none() {
            continue;
        }
        let (size, before) = (entry.size(), left);
        if !send_member(name, &mut entry, &mut left, sender)? {
            return Ok(());
        }
        // The archive's own reader takes a missing end for the end of the file.
        if before - left != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    archive.finish()
}

/// The format that a member is read in: the one that its name tells, or the one that is named for the archive
/// if the member is called like files of it.
fn format_of(member: &Path, named: Option<CorpusFormat>) -> Option<CorpusFormat> {
    let told = CorpusFormat::of_member(member)?;
    let format = named.unwrap_or(told);
    (format.told_by_names() == told).then_some(format)
}

/// The path of a member in the folder that was archived: without steps that lead elsewhere, and without the
/// folder itself where it is called as the archive is.
fn inner_path(member: &Path, archive: &Path) -> PathBuf {
    let parts = member.components();
    let mut parts = parts
        .filter(|part| matches!(part, Component::Normal(_)))
        .peekable();
    let folder = archive_stem(archive).unwrap_or_default();
    parts.next_if(|part| part.as_os_str().eq_ignore_ascii_case(&folder));
    parts.collect()
}

/// Hands over a member. Returns whether anybody listens.
fn send_member(
    name: PathBuf,
    bytes: &mut impl Read,
    left: &mut u64,
    sender: &SyncSender<Piece>,
) -> io::Result<bool> {
    if sender.send(Piece::Member(name)).is_err() {
        return Ok(false);
    }
    let mut bounded = Bounded::new(bytes, *left);
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        (&mut bounded)
            .take(PIECE_BYTES as u64)
            .read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(true);
        }
        *left -= piece.len() as u64;
        if sender.send(Piece::Bytes(piece)).is_err() {
            return Ok(false);
        }
    }
}

/// The receiving end.
struct Pieces {
    receiver: Receiver<Piece>,
    /// What was received too early: a member that ends the one before, or a failure.
    ahead: Option<Piece>,
    piece: io::Cursor<Vec<u8>>,
}

impl Pieces {
    fn receive(&mut self) -> Option<Piece> {
        self.ahead.take().or_else(|| self.receiver.recv().ok())
    }

    /// Bytes of the member at hand; 0 at its end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.receive() {
                Some(Piece::Bytes(bytes)) => self.piece = io::Cursor::new(bytes),
                Some(Piece::Failed(error)) => return Err(error),
                member => {
                    self.ahead = member;
                    return Ok(0);
                }
            }
        }
    }

    /// Goes on to the next member, past what nobody read of the one at hand.
    fn next_member(&mut self) -> io::Result<Option<PathBuf>> {
        self.piece = io::Cursor::default();
        loop {
            match self.receive() {
                Some(Piece::Bytes(_)) => {}
                Some(Piece::Member(name)) => return Ok(Some(name)),
                Some(Piece::Failed(error)) => return Err(error),
                None => return Ok(None),
            }
        }
    }
}

/// The bytes of the member at hand, as a stream of its own.
struct MemberBytes(Arc<Mutex<Pieces>>);

impl Read for MemberBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Pieces are whole whatever happened while they were held.
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(buffer)
    }
}

/// The documents of one member after the other.
struct Members {
    path: PathBuf,
    options: CorpusOptions,
    pieces: Arc<Mutex<Pieces>>,
    member: Option<Documents>,
    failed: bool,
}

impl Members {
    fn next_member(&mut self) -> Option<Result<Documents, DataError>> {
        let name = {
            let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
            pieces.next_member()
        };
        let name = match name {
            Ok(name) => name?,
            Err(error) => return Some(Err(read_error(&self.path, error))),
        };
        Some(self.open(&name))
    }

    fn open(&self, name: &Path) -> Result<Documents, DataError> {
        let stream = MemberBytes(Arc::clone(&self.pieces));
        let source = Source::new(stream, self.path.join(name))?;
        match format_of(name, self.options.format) {
            // As in a folder, a text file is a document, of the class that its folder names.
            None | Some(CorpusFormat::PlainText) => {
                let path = source.name;
                let bytes = read_bytes(source.bytes, &path, MAX_ARCHIVED_DOCUMENT_BYTES)?;
                let text = decode(bytes, &path)?;
                let inner = inner_path(name, &self.path);
                Ok(Box::new(std::iter::once(Ok(Document {
                    label: class_label(&inner, &self.options, &path)?,
                    id: Some(file_id(name)),
                    ..Document::new(text)
                }))))
            }
            Some(CorpusFormat::Parquet) => Err(DataError::PackedParquet { path: source.name }),
            Some(format) => open(source, format, &self.options),
        }
    }
}

impl Iterator for Members {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            if let Some(document) = self.member.as_mut().and_then(Iterator::next) {
                self.failed = document.is_err();
                return Some(document);
            }
            match self.next_member()? {
                Ok(documents) => self.member = Some(documents),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
