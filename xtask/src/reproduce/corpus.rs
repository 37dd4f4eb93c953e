//! Where the documents are, and how `ulmfit` is told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::reproduce::aclimdb;
use crate::{checksum, workspace};

/// A labeled data set with named splits.
#[derive(Debug, Clone)]
pub(crate) struct Corpus {
    /// What `ulmfit --format` calls its layout.
    pub(crate) format: String,
    pub(crate) place: Place,
    /// Nothing where no test document is known to be in another split too.
    pub(crate) repeated: Option<Repeated>,
}

/// How many test documents another split of the data set has too, by their very text: a language model that
/// was not given the test documents has read those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Repeated {
    pub(crate) documents: u64,
    /// Of so many that are published, whatever part of them is tested on.
    pub(crate) of: u64,
}

impl std::fmt::Display for Repeated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { documents, of } = self;
        write!(
            f,
            "the texts of {documents} of the data set's {of} test documents are in its other splits too, as in \
             every published figure"
        )
    }
}

/// One path that holds every split, which the reviews come in, or a file a split.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Whole(PathBuf),
    Files(BTreeMap<String, PathBuf>),
}

impl Corpus {
    /// The arguments that name some splits: the paths, the format, `--split`.
    pub(crate) fn arguments(&self, splits: &[String]) -> anyhow::Result<Vec<OsString>> {
        let mut arguments = self.paths(splits)?;
        arguments.extend(["--format".into(), self.format.clone().into()]);
        if self.has_split_option() {
            arguments.extend(["--split".into(), splits.join(",").into()]);
        }
        Ok(arguments)
    }

    /// Whether splits are chosen by an option rather than by their paths.
    pub(crate) fn has_split_option(&self) -> bool {
        matches!(self.place, Place::Whole(_))
    }

    /// The paths of some splits.
    pub(crate) fn paths(&self, splits: &[String]) -> anyhow::Result<Vec<OsString>> {
        let files = match &self.place {
            Place::Whole(path) => return Ok(vec![path.into()]),
            Place::Files(files) => files,
        };
        let file = |split: &String| {
            let there = || {
                files
                    .keys()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let path = files.get(split);
            let path =
                path.with_context(|| format!("no split {split:?}; there are {}", there()))?;
            Ok(path.into())
        };
        splits.iter().map(file).collect()
    }

    /// What identifies the data.
    pub(crate) fn facts(&self) -> anyhow::Result<Vec<DataFacts>> {
        match &self.place {
            Place::Whole(path) => Ok(vec![aclimdb::read(path)?.facts]),
            Place::Files(files) => files.values().map(|path| DataFacts::of(path)).collect(),
        }
    }
}

/// Documents of a split: how many, 0 for all of them, and the seed that draws them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) documents: usize,
    pub(crate) seed: u64,
}

impl Draw {
    /// Nothing where all documents are taken.
    pub(crate) fn arguments(self, limit_option: &str, seed_option: &str) -> Vec<OsString> {
        let mut arguments = limit(limit_option, self.documents);
        if !arguments.is_empty() {
            arguments.extend([seed_option.into(), self.seed.to_string().into()]);
        }
        arguments
    }
}

/// An option that is left out where 0 stands for all documents.
pub(crate) fn limit(option: &str, documents: usize) -> Vec<OsString> {
    if documents == 0 {
        vec![]
    } else {
        vec![option.into(), documents.to_string().into()]
    }
}

/// What identifies data, wherever it lies: a file, a folder, or the reviews, however they are packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DataFacts {
    /// The last part of its path.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// Of a file, or of all reviews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// In a folder, or reviews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<u64>,
}

impl DataFacts {
    pub(crate) fn of(path: &Path) -> anyhow::Result<Self> {
        let name = workspace::file_name(path);
        if path.is_dir() {
            let (files, bytes) = size_of_folder(path)?;
            return Ok(Self {
                name,
                bytes,
                sha256: None,
                files: Some(files),
            });
        }
        let sha256 = Some(checksum::sha256_of_file(path)?);
        Ok(Self {
            name,
            bytes: fs_err::metadata(path)?.len(),
            sha256,
            files: None,
        })
    }
}

fn size_of_folder(path: &Path) -> anyhow::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs_err::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let (more_files, more_bytes) = size_of_folder(&entry.path())?;
            files += more_files;
            bytes += more_bytes;
        } else {
            files += 1;
            bytes += entry.metadata()?.len();
        }
    }
    Ok((files, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splits(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn splits_are_an_option_of_one_path_or_paths_of_their_own() {
        let place = Place::Whole("a.tar.gz".into());
        let whole = Corpus {
            format: "aclimdb".into(),
            place,
            repeated: None,
        };
        let arguments = whole
            .arguments(&splits(&["train", "unsup"]))
            .expect("arguments");
        assert_eq!(
            arguments,
            ["a.tar.gz", "--format", "aclimdb", "--split", "train,unsup"]
        );

        let files = ["train", "unsup"].map(|name| (name.to_owned(), format!("{name}.csv").into()));
        let files = Corpus {
            format: "csv".into(),
            place: Place::Files(files.into()),
            repeated: None,
        };
        let arguments = files
            .arguments(&splits(&["unsup", "train"]))
            .expect("arguments");
        assert_eq!(arguments, ["unsup.csv", "train.csv", "--format", "csv"]);
        let error = files
            .arguments(&splits(&["valid"]))
            .expect_err("no such split")
            .to_string();
        assert_eq!(error, "no split \"valid\"; there are train, unsup");
    }
}
