//! Counts the reviews in a copy of the Large Movie Review Dataset.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;

use crate::manifest::Split;

/// The documents of each split: in the published archive, or in the folder it unpacks to.
pub(crate) fn count(path: &Path) -> anyhow::Result<BTreeMap<String, Split>> {
    if path.is_dir() {
        count_folder(path)
    } else {
        count_archive(path)
    }
}

fn count_archive(path: &Path) -> anyhow::Result<BTreeMap<String, Split>> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let mut splits = BTreeMap::new();
    let read = || -> std::io::Result<()> {
        for entry in tar::Archive::new(GzDecoder::new(file)).entries()? {
            let entry = entry?;
            if entry.header().entry_type().is_file() {
                count_review(&entry.path()?, &mut splits);
            }
        }
        Ok(())
    };
    read().with_context(|| format!("{} is not a whole .tar.gz archive", path.display()))?;
    Ok(splits)
}

fn count_folder(path: &Path) -> anyhow::Result<BTreeMap<String, Split>> {
    let mut splits = BTreeMap::new();
    for part in [
        "train/neg",
        "train/pos",
        "train/unsup",
        "test/neg",
        "test/pos",
    ] {
        let folder = path.join(part);
        ensure!(
            folder.is_dir(),
            "{} has no folder {part}; name the folder that holds train and test",
            path.display()
        );
        for entry in fs_err::read_dir(folder)? {
            count_review(&entry?.path(), &mut splits);
        }
    }
    Ok(splits)
}

/// Counts `.../SPLIT/CLASS/NAME.txt`; everything else in the archive is derived or documentation.
fn count_review(path: &Path, splits: &mut BTreeMap<String, Split>) {
    let mut parts = path.iter().rev().map(|part| part.to_string_lossy());
    let (Some(name), Some(class), Some(part)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let is_review = path.extension().is_some_and(|e| e == "txt") && !name.starts_with('.');
    match (&*part, &*class) {
        ("train" | "test", "neg" | "pos") if is_review => {
            let split = splits.entry(part.into_owned()).or_default();
            split.documents += 1;
            *split.classes.entry(class.into_owned()).or_default() += 1;
        }
        ("train", "unsup") if is_review => {
            splits.entry("unsup".to_owned()).or_default().documents += 1;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const FILES: [&str; 7] = [
        "aclImdb/README",
        "aclImdb/train/labeledBow.feat",
        "aclImdb/train/urls_pos.txt",
        "aclImdb/train/pos/0_9.txt",
        "aclImdb/train/neg/0_1.txt",
        "aclImdb/train/unsup/0_0.txt",
        "aclImdb/test/pos/0_10.txt",
    ];

    fn expected() -> BTreeMap<String, Split> {
        let split = |classes: &[&str]| Split {
            documents: classes.len().max(1) as u64,
            classes: classes
                .iter()
                .map(|class| ((*class).to_owned(), 1))
                .collect(),
        };
        let splits = [
            ("train", split(&["neg", "pos"])),
            ("test", split(&["pos"])),
            ("unsup", split(&[])),
        ];
        splits.map(|(name, split)| (name.to_owned(), split)).into()
    }

    #[test]
    fn an_archive_and_the_folder_it_unpacks_to_count_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = folder.path().join("a.tar.gz");
        let mut tar = tar::Builder::new(GzEncoder::new(
            File::create(&archive).expect("a file"),
            Compression::fast(),
        ));
        fs_err::create_dir_all(folder.path().join("aclImdb/test/neg")).expect("a folder");
        for name in FILES {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs_err::write(&path, "text").expect("a file");
            tar.append_path_with_name(&path, name).expect("an entry");
        }
        tar.into_inner()
            .expect("a tar")
            .finish()
            .expect("an archive");
        assert_eq!(count(&archive).expect("counts"), expected());
        assert_eq!(
            count(&folder.path().join("aclImdb")).expect("counts"),
            expected()
        );

        let bytes = fs_err::read(&archive).expect("the archive");
        fs_err::write(&archive, &bytes[..bytes.len() / 2]).expect("half of it");
        let error = count(&archive).expect_err("half an archive").to_string();
        assert!(
            error.ends_with("a.tar.gz is not a whole .tar.gz archive"),
            "{error}"
        );
        let error = count(folder.path())
            .expect_err("the folder above")
            .to_string();
        assert!(
            error.contains("has no folder train/neg; name the folder"),
            "{error}"
        );
    }
}
