//! The two files of the TREC questions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::manifest::Split;

/// Split and file name, as published.
const FILES: [(&str, &str); 2] = [("train", "train_5500.label"), ("test", "TREC_10.label")];

/// The file of each split in a folder.
pub(crate) fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let file = |(split, name): (&str, &str)| {
        let path = folder.join(name);
        ensure!(path.is_file(), "{} has no file {name}", folder.display());
        Ok((split.to_owned(), path))
    };
    FILES.into_iter().map(file).collect()
}

/// The questions of each split by their coarse class.
pub(crate) fn count(files: &BTreeMap<String, PathBuf>) -> anyhow::Result<BTreeMap<String, Split>> {
    let split = |(name, path): (&String, &PathBuf)| Ok((name.clone(), count_file(path)?));
    files.iter().map(split).collect()
}

/// A line is `COARSE:fine question`. The text is Latin-1, so it is taken as bytes.
fn count_file(path: &Path) -> anyhow::Result<Split> {
    let mut split = Split::default();
    let bytes = fs_err::read(path)?;
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .with_context(|| {
                format!(
                    "line {} of {} has no `COARSE:fine` label",
                    index + 1,
                    path.display()
                )
            })?;
        split.documents += 1;
        let class = String::from_utf8_lossy(&line[..colon]).into_owned();
        *split.classes.entry(class).or_default() += 1;
    }
    Ok(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_counted_by_coarse_class() {
        let folder = tempfile::tempdir().expect("a folder");
        let train = b"DESC:def What is an atom ?\nHUM:ind Who was \xf0 ?\nDESC:manner How ?\n\n";
        fs_err::write(folder.path().join("train_5500.label"), train).expect("a file");
        let error = files(folder.path()).expect_err("no test file").to_string();
        assert!(error.ends_with("has no file TREC_10.label"), "{error}");

        fs_err::write(folder.path().join("TREC_10.label"), "no label\n").expect("a file");
        let files = files(folder.path()).expect("both are there");
        let counted = count_file(&files["train"]).expect("three questions");
        let classes = [("DESC".to_owned(), 2), ("HUM".to_owned(), 1)].into();
        assert_eq!(
            counted,
            Split {
                documents: 3,
                classes
            }
        );
        let error = count(&files)
            .expect_err("a line without a label")
            .to_string();
        assert!(error.starts_with("line 1 of "), "{error}");
    }
}
