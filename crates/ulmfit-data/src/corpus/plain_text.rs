//! Plain text: a document a line, or a document a file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::label::Place;
use super::lines::Lines;
use super::reader::Documents;
use super::source::{MAX_RECORD_BYTES, Meter, Source};
use super::text::read_text;
use super::{CorpusFormat, CorpusOptions, Document};
use crate::error::DataError;

/// Reads a folder: a document a `.txt` or `.text` file that is not hidden, packed or not, in the order of
/// their paths. Its id is its path within the folder, and its label the first folder on that path, if
/// there is one that is no split.
pub(super) fn files(
    folder: &Path,
    options: &CorpusOptions,
    meter: &Meter,
) -> Result<Documents, DataError> {
    let files = text_files(folder)?;
    let (folder, meter) = (folder.to_owned(), Meter::clone(meter));
    let options = options.clone();
    Ok(Box::new(files.into_iter().map(move |file| {
        let text = read_text(&file, MAX_RECORD_BYTES, &meter)?;
        let inner = file.strip_prefix(&folder).unwrap_or(&file);
        Ok(Document {
            label: class_label(inner, &options, &file)?,
            id: Some(file_id(inner)),
            ..Document::new(text)
        })
    })))
}

/// The label of a text file by its path in a folder or an archive; messages call it by `name`.
pub(super) fn class_label(
    inner: &Path,
    options: &CorpusOptions,
    name: &Path,
) -> Result<Option<String>, DataError> {
    let class = class_folder(inner).filter(|_| !options.ignore_labels);
    options.labels.read(class, name, Place::File)
}

/// Folders that hold folders of classes, and are none themselves.
const SPLITS: [&str; 6] = ["train", "test", "valid", "validation", "val", "dev"];

/// The folder that stands for a class: the first on the path of a file.
fn class_folder(inner: &Path) -> Option<String> {
    let first = inner.iter().next()?.to_string_lossy();
    let depth = inner.iter().count() - 1;
    let is_split = depth > 1 && SPLITS.contains(&&*first);
    (depth > 0 && !is_split).then(|| first.into_owned())
}

/// How a file is called in answers: its path, with `/` on every system.
pub(super) fn file_id(inner: &Path) -> Value {
    let parts: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/").into()
}

/// Reads a document a line. Blank lines are left out unless they are to be kept.
pub(super) fn lines(source: Source, keep_blank: bool) -> Documents {
    Box::new(Lines::new(source).filter_map(move |line| match line {
        Ok(line) if !keep_blank && line.trim().is_empty() => None,
        line => Some(line.map(Document::new)),
    }))
}

/// All text files under a folder, sorted. Links to folders are not followed: they could go in circles.
pub(crate) fn text_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let read = |source| DataError::Read {
            path: folder.clone(),
            source,
        };
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.file_name();
            if entry.file_type().map_err(read)?.is_dir() {
                // What programs put beside the texts for themselves.
                if !name.as_encoded_bytes().starts_with(b".") {
                    folders.push(entry.path());
                }
            } else if CorpusFormat::of_member(name.as_ref()) == Some(CorpusFormat::PlainText) {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_is_the_class_unless_it_is_a_split() {
        for (path, class) in [
            ("a.txt", None),
            ("spam/a.txt", Some("spam")),
            ("spam/2024/a.txt", Some("spam")),
            ("train/a.txt", Some("train")),
            ("train/spam/a.txt", None),
        ] {
            assert_eq!(class_folder(Path::new(path)).as_deref(), class, "{path}");
        }
    }
}
