//! The Large Movie Review Dataset (Maas et al. 2011), as a folder tree or as its archive.
//!
//! `aclImdb/{train,test}/{pos,neg}/*.txt` and `aclImdb/train/unsup/*.txt`; everything else in it is
//! passed over. But where nobody named the format, other texts beside the reviews are an error: what
//! looks like the movie reviews may be others, with a class more, or with other names.
//!
//! An archive is read without writing a file: its reviews of one split are held in memory (66 MB for the
//! largest, and no more than a bound) to come out in the order of their paths, as from a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::plain_text::text_files;
use super::reader::Documents;
use super::source::{MAX_ARCHIVED_DOCUMENT_BYTES, Meter, Source, read_error};
use super::tar_entries::TarFile;
use super::text::{decode, read_bytes, read_text};
use super::{CorpusFormat, CorpusOptions, Document};
use crate::error::DataError;

/// Most bytes of the reviews of an archive that are held in memory: 1 GiB, sixteen times the largest split.
const MOST_HELD_BYTES: u64 = 1 << 30;

/// The folders there are in `train` and `test`.
const FOLDERS: [&str; 3] = ["neg", "pos", "unsup"];

/// One part of the data: `train`, `test` or `unsup`.
#[derive(Clone, Copy)]
struct Split {
    folder: &'static str,
    classes: &'static [&'static str],
    /// Whether the format was told from the layout, so that other texts are an error.
    told: bool,
}

impl Split {
    fn find(path: &Path, options: &CorpusOptions) -> Result<Self, DataError> {
        let (folder, classes): (_, &[_]) = match options.split.as_deref() {
            None | Some("train") => ("train", &["neg", "pos"]),
            Some("test") => ("test", &["neg", "pos"]),
            Some("unsup") => ("train", &["unsup"]),
            Some(other) => {
                return Err(DataError::UnknownSplit {
                    path: path.to_owned(),
                    split: other.to_owned(),
                    choices: "train, test, unsup".to_owned(),
                });
            }
        };
        Ok(Self {
            folder,
            classes,
            told: options.format.is_none(),
        })
    }

    /// The class and the file name of an archived path, if it is one of this split's reviews.
    fn review(self, path: &Path) -> Option<(&'static str, String)> {
        let parts: Vec<&str> = path.iter().filter_map(std::ffi::OsStr::to_str).collect();
        let [.., folder, class, name] = parts.as_slice() else {
            return None;
        };
        let class = self.classes.iter().find(|known| *known == class)?;
        (*folder == self.folder && is_review(name.as_ref())).then(|| (*class, (*name).to_owned()))
    }

    /// What would be left out with an archived text that is in this split and none of its reviews, and the
    /// folder of the split.
    fn left_out(self, path: &Path) -> Option<(PathBuf, PathBuf)> {
        let parts: Vec<&str> = path.iter().filter_map(std::ffi::OsStr::to_str).collect();
        let place = parts.iter().rposition(|part| *part == self.folder)? + 1;
        let (class, within) = (parts.get(place)?, &parts[place + 1..]);
        let within: PathBuf = within.iter().collect();
        let left_out = if is_other(class) && is_text(&within) {
            parts[..=place].iter().collect()
        } else if self.classes.contains(class) && is_text(&within) && !is_review(&within) {
            path.to_owned()
        } else {
            return None;
        };
        Some((left_out, parts[..place].iter().collect()))
    }
}

/// Whether a folder beside those of the classes may be a class that the format does not have.
fn is_other(folder: &str) -> bool {
    !folder.starts_with('.') && !FOLDERS.contains(&folder)
}

/// Whether a path in the folder of a class is that of a review.
fn is_review(within: &Path) -> bool {
    is_text(within)
        && within.components().count() == 1
        && within.extension().is_some_and(|end| end == "txt")
}

/// Whether a path in the folder of a class is that of a text at all.
fn is_text(within: &Path) -> bool {
    CorpusFormat::of_member(within) == Some(CorpusFormat::PlainText)
}

fn document(text: String, class: &str, file: &str) -> Document {
    Document {
        fields: vec![text],
        label: (class != "unsup").then(|| class.to_owned()),
        id: Some(format!("{class}/{file}").into()),
    }
}

pub(super) fn open(
    path: &Path,
    options: &CorpusOptions,
    meter: &Meter,
) -> Result<Documents, DataError> {
    let split = Split::find(path, options)?;
    if path.is_dir() {
        open_folder(path, split, meter)
    } else {
        open_archive(path, split, MOST_HELD_BYTES, meter)
    }
}

fn open_folder(path: &Path, split: Split, meter: &Meter) -> Result<Documents, DataError> {
    let nested = path.join("aclImdb");
    let root = if nested.is_dir() {
        nested
    } else {
        path.to_owned()
    };
    let beside = root.join(split.folder);
    let left_out = |left_out| DataError::LeftOut {
        path: path.to_owned(),
        left_out,
        split: beside.clone(),
        archived: false,
    };
    if split.told
        && let Some(folder) = other_folder(&beside)
    {
        return Err(left_out(folder));
    }
    let mut reviews: Vec<(&'static str, PathBuf)> = Vec::new();
    for class in split.classes {
        let folder = beside.join(class);
        // In the order of their names.
        for file in text_files(&folder)? {
            if file.strip_prefix(&folder).is_ok_and(is_review) {
                reviews.push((class, file));
            } else if split.told {
                return Err(left_out(file));
            }
        }
    }
    let meter = Meter::clone(meter);
    Ok(Box::new(reviews.into_iter().map(move |(class, file)| {
        let text = read_text(&file, MAX_ARCHIVED_DOCUMENT_BYTES, &meter)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(document(text, class, &name))
    })))
}

/// The first of the folders in this one that are of no class. A folder that cannot be read has none.
fn other_folder(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let others = entries.filter(|entry| is_other(&entry.file_name().to_string_lossy()));
    others
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .min()
}

fn open_archive(
    path: &Path,
    split: Split,
    limit: u64,
    meter: &Meter,
) -> Result<Documents, DataError> {
    let damaged = |source| read_error(path, source);
    let mut archive = TarFile::new(Source::open(path, meter)?.bytes);
    let mut reviews: Vec<(&'static str, String, String)> = Vec::new();
    let mut held = 0;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        if split.told
            && let Some((left_out, folder)) = split.left_out(&name)
        {
            return Err(DataError::LeftOut {
                path: path.to_owned(),
                left_out: path.join(left_out),
                split: folder,
                archived: true,
            });
        }
        let Some((class, file)) = split.review(&name) else {
            continue;
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let size = entry.size();
        let bytes = read_bytes(&mut entry, path, MAX_ARCHIVED_DOCUMENT_BYTES)?;
        // The archive's own reader takes a missing end for the end of the file.
        if bytes.len() as u64 != size {
            return Err(damaged(std::io::ErrorKind::UnexpectedEof.into()));
        }
        held += size;
        if held > limit {
            let path = path.to_owned();
            return Err(DataError::UnpacksTooLarge { path, limit });
        }
        let text = decode(bytes, &path.join(&name))?;
        reviews.push((class, file, text));
    }
    archive.finish().map_err(damaged)?;
    reviews.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(Box::new(reviews.into_iter().map(|(class, file, text)| {
        Ok(document(text, class, &file))
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_an_archive_is_held_than_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reviews.tar");
        let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
        for name in ["train/neg/0.txt", "train/pos/0.txt", "test/pos/0.txt"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(4);
            let text = &b"fine"[..];
            archive.append_data(&mut header, name, text).unwrap();
        }
        archive.finish().unwrap();
        let split = Split::find(&path, &CorpusOptions::default()).unwrap();
        let open = |limit| open_archive(&path, split, limit, &Meter::default());
        assert_eq!(open(8).unwrap().count(), 2);
        let error = open(7).err().unwrap();
        assert!(matches!(error, DataError::UnpacksTooLarge { limit: 7, .. }));
    }
}
