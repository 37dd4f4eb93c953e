//! The two files of AG News, of which the one to train on may be a part of what was published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::workspace;

/// The file of each split in a folder: the ones whose names have `train` and `test` in them.
pub(crate) fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let split = ["train", "test"]
            .into_iter()
            .find(|split| name.contains(split));
        let Some(split) = split.filter(|_| name.ends_with(".csv")) else {
            continue;
        };
        let other = files.insert(split.to_owned(), path.clone());
        ensure!(
            other.is_none(),
            "{} has several files to {split}; leave one",
            workspace::shown(folder)
        );
    }
    for split in ["train", "test"] {
        files
            .get(split)
            .with_context(|| format!("{} has no {split}*.csv", workspace::shown(folder)))?;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_file_a_split() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| fs_err::write(folder.path().join(name), "").expect("a file");
        write("train_subset.csv");
        write("SOURCE.md");
        let error = files(folder.path()).expect_err("no test").to_string();
        assert!(error.ends_with("has no test*.csv"), "{error}");
        write("test.csv");
        let found = files(folder.path()).expect("both files");
        assert!(found["train"].ends_with("train_subset.csv"));
        write("train.csv");
        let error = files(folder.path()).expect_err("two files").to_string();
        assert!(error.contains("several files to train"), "{error}");
    }
}
