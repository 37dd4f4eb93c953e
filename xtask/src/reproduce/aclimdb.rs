//! The reviews in a copy of the Large Movie Review Dataset: how many, and which.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::MultiGzDecoder;

use crate::checksum;
use crate::manifest::Split;
use crate::reproduce::corpus::DataFacts;

/// All reviews of a copy.
#[derive(Debug)]
pub(crate) struct Reviews {
    /// The documents of each split.
    pub(crate) splits: BTreeMap<String, Split>,
    /// The same for every copy of the same reviews: the SHA-256 is that of what `sha256sum` prints of them in
    /// their folder, in the order of their paths.
    pub(crate) facts: DataFacts,
}

/// Reads the published archive, another one with the same reviews, or the folder that they unpack to.
pub(crate) fn read(path: &Path) -> anyhow::Result<Reviews> {
    let mut found = Found::default();
    if path.is_dir() {
        read_folder(path, &mut found)?;
    } else {
        read_archive(path, &mut found)?;
    }
    Ok(found.finish())
}

fn read_archive(path: &Path, found: &mut Found) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let read = || -> io::Result<()> {
        for entry in tar::Archive::new(MultiGzDecoder::new(file)).entries()? {
            let entry = entry?;
            if entry.header().entry_type().is_file() {
                let path = entry.path()?.into_owned();
                found.add(&path, || Ok(entry))?;
            }
        }
        Ok(())
    };
    read().with_context(|| format!("{} is not a whole .tar.gz archive", path.display()))
}

fn read_folder(path: &Path, found: &mut Found) -> anyhow::Result<()> {
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
            let path = entry?.path();
            found.add(&path, || fs_err::File::open(&path))?;
        }
    }
    Ok(())
}

/// The reviews so far.
#[derive(Default)]
struct Found {
    splits: BTreeMap<String, Split>,
    bytes: u64,
    /// Path and SHA-256 of each.
    digests: Vec<(String, String)>,
}

impl Found {
    /// Takes in `.../SPLIT/CLASS/NAME.txt`; everything else in a copy is derived or documentation.
    fn add<R: Read>(
        &mut self,
        path: &Path,
        open: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<()> {
        let mut parts = path.iter().rev().map(|part| part.to_string_lossy());
        let (Some(name), Some(class), Some(part)) = (parts.next(), parts.next(), parts.next())
        else {
            return Ok(());
        };
        if path.extension().is_none_or(|end| end != "txt") || name.starts_with('.') {
            return Ok(());
        }
        let split = match (&*part, &*class) {
            ("train" | "test", "neg" | "pos") => {
                let split = self.splits.entry(part.to_string()).or_default();
                *split.classes.entry(class.to_string()).or_default() += 1;
                split
            }
            ("train", "unsup") => self.splits.entry("unsup".to_owned()).or_default(),
            _ => return Ok(()),
        };
        split.documents += 1;
        let mut text = vec![];
        open()?.read_to_end(&mut text)?;
        self.bytes += text.len() as u64;
        let path = format!("{part}/{class}/{name}");
        self.digests.push((path, checksum::sha256(&text)));
        Ok(())
    }

    fn finish(mut self) -> Reviews {
        self.digests.sort_unstable();
        let lines = self.digests.iter();
        let lines: Vec<_> = lines
            .map(|(path, sha256)| format!("{sha256}  {path}\n"))
            .collect();
        let facts = DataFacts {
            name: "aclImdb".to_owned(),
            bytes: self.bytes,
            sha256: Some(checksum::sha256(lines.concat().as_bytes())),
            files: Some(self.digests.len() as u64),
        };
        Reviews {
            splits: self.splits,
            facts,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

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

    /// An archive of these files of a folder, in this order.
    fn pack<'a>(folder: &Path, names: impl IntoIterator<Item = &'a str>) -> PathBuf {
        let archive = folder.join("a.tar.gz");
        let file = File::create(&archive).expect("a file");
        let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
        for name in names {
            tar.append_path_with_name(folder.join(name), name)
                .expect("an entry");
        }
        tar.into_inner()
            .expect("a tar")
            .finish()
            .expect("an archive");
        archive
    }

    #[test]
    fn an_archive_and_the_folder_it_unpacks_to_are_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        fs_err::create_dir_all(folder.path().join("aclImdb/test/neg")).expect("a folder");
        for name in FILES {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs_err::write(&path, name).expect("a file");
        }
        let archive = pack(folder.path(), FILES);
        let of_archive = read(&archive).expect("reviews");
        assert_eq!(of_archive.splits, expected());
        let unpacked = folder.path().join("aclImdb");
        let of_folder = read(&unpacked).expect("reviews");
        assert_eq!(of_folder.splits, expected());
        assert_eq!(of_folder.facts, of_archive.facts);
        assert_eq!(of_folder.facts.files, Some(4));

        // In another order, and without what is no review.
        pack(folder.path(), FILES[3..].iter().rev().copied());
        assert_eq!(read(&archive).expect("reviews").facts, of_folder.facts);
        // As programs pack it that compress on all cores: a member after the other.
        let mut tar = Vec::new();
        MultiGzDecoder::new(File::open(&archive).expect("a file"))
            .read_to_end(&mut tar)
            .expect("a tar");
        let members = tar.chunks(tar.len() / 2 + 1).map(|part| {
            let mut member = GzEncoder::new(Vec::new(), Compression::fast());
            member.write_all(part).expect("a Vec takes every write");
            member.finish().expect("a Vec takes every write")
        });
        let members: Vec<_> = members.collect();
        fs_err::write(&archive, members.concat()).expect("the archive");
        assert_eq!(read(&archive).expect("reviews").facts, of_folder.facts);
        fs_err::write(unpacked.join("test/pos/0_10.txt"), "another").expect("a file");
        assert_ne!(read(&unpacked).expect("reviews").facts, of_folder.facts);

        let bytes = fs_err::read(&archive).expect("the archive");
        fs_err::write(&archive, &bytes[..bytes.len() / 2]).expect("half of it");
        let error = read(&archive).expect_err("half an archive").to_string();
        assert!(
            error.ends_with("a.tar.gz is not a whole .tar.gz archive"),
            "{error}"
        );
        let error = read(folder.path())
            .expect_err("the folder above")
            .to_string();
        assert!(
            error.contains("has no folder train/neg; name the folder"),
            "{error}"
        );
    }
}
