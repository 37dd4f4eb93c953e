//! The facts about a data set, as `datasets/*.toml` states them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::checksum::{self, Expected};
use crate::reproduce::corpus::Repeated;
use crate::workspace;

/// One data set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) title: String,
    pub(crate) homepage: String,
    #[expect(dead_code, reason = "for people")]
    citation: String,
    #[expect(dead_code, reason = "for people")]
    license: String,
    /// What `ulmfit` calls its layout.
    pub(crate) format: String,
    /// What is published, to be downloaded.
    pub(crate) files: Vec<Published>,
    pub(crate) splits: BTreeMap<String, Split>,
    /// Test documents whose very text another split has too; left out where there are none, or not known.
    repeated_test_documents: Option<u64>,
    /// The part of it that is bundled, if any.
    #[serde(default)]
    pub(crate) sample: Vec<Bundled>,
}

/// A file at its publisher's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Not every publisher says.
    pub(crate) bytes: Option<u64>,
    pub(crate) checksum: Expected,
}

/// How many documents a split has, and of which class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Split {
    pub(crate) documents: u64,
    /// Empty for a split without labels.
    #[serde(default)]
    pub(crate) classes: BTreeMap<String, u64>,
}

/// A file of the bundled sample.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bundled {
    pub(crate) split: String,
    /// Beside the manifest.
    pub(crate) path: PathBuf,
    #[expect(dead_code, reason = "for people")]
    documents: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Manifest {
    /// Reads `datasets/NAME.toml`.
    pub(crate) fn load(name: &str) -> anyhow::Result<Self> {
        Self::read(&folder().join(name).with_extension("toml"))
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path)?;
        let read = || -> anyhow::Result<Self> {
            let manifest: Self = toml::from_str(&text)?;
            manifest.check()?;
            Ok(manifest)
        };
        read().with_context(|| format!("{} is not a manifest", workspace::shown(path)))
    }

    /// What the types do not say.
    fn check(&self) -> anyhow::Result<()> {
        for (name, split) in &self.splits {
            let sum: u64 = split.classes.values().sum();
            ensure!(
                split.classes.is_empty() || sum == split.documents,
                "the classes of {name} have {sum} documents together, not {}",
                split.documents
            );
        }
        for Published {
            name,
            url,
            checksum,
            ..
        } in &self.files
        {
            ensure!(
                url.starts_with("https://"),
                "{name} is not fetched over https: {url}"
            );
            let (hex, digits) = match checksum {
                Expected::Md5(hex) => (hex, 32),
                Expected::Sha256(hex) => (hex, 64),
            };
            let lowercase_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            ensure!(
                hex.len() == digits && hex.chars().all(lowercase_hex),
                "the checksum of {name} is not {digits} lowercase hexadecimal digits: {hex}"
            );
        }
        Ok(())
    }

    /// What a report has to say of the test documents.
    pub(crate) fn repeated(&self) -> Option<Repeated> {
        Some(Repeated {
            documents: self.repeated_test_documents?,
            of: self.splits.get("test")?.documents,
        })
    }

    /// Fails unless a copy of the data has the documents it should have.
    pub(crate) fn check_counts(&self, found: &BTreeMap<String, Split>) -> anyhow::Result<()> {
        for (name, wanted) in &self.splits {
            let found = found.get(name).cloned().unwrap_or_default();
            if found != *wanted {
                bail!("its {name} split has {found} instead of {wanted}");
            }
        }
        Ok(())
    }

    /// The files of the bundled sample by split, each checked.
    pub(crate) fn sample(&self) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let checked = |file: &Bundled| {
            let path = folder().join(&file.path);
            checksum::verify(
                &path,
                Some(file.bytes),
                &Expected::Sha256(file.sha256.clone()),
            )
            .context("restore the bundled sample from the repository")?;
            Ok((file.split.clone(), path))
        };
        self.sample.iter().map(checked).collect()
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} documents", self.documents)?;
        let classes: Vec<_> = self
            .classes
            .iter()
            .map(|(class, n)| format!("{n} {class}"))
            .collect();
        if classes.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", classes.join(", "))
        }
    }
}

/// Where the manifests are.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("datasets")
}

/// Reads every manifest and every bundled file; returns how many manifests there are.
pub(crate) fn validate_all() -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in fs_err::read_dir(folder())? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            Manifest::read(&path)?.sample()?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_is_read_and_every_bundled_file_is_what_it_says() {
        assert!(validate_all().expect("the manifests are sound") >= 4);
    }

    #[test]
    fn a_copy_with_a_review_too_few_is_named() {
        let manifest = Manifest::load("imdb").expect("datasets/imdb.toml");
        let mut found = manifest.splits.clone();
        assert!(manifest.check_counts(&found).is_ok());
        let train = found.get_mut("train").expect("a train split");
        train.documents -= 1;
        *train.classes.get_mut("neg").expect("negative reviews") -= 1;
        let error = manifest
            .check_counts(&found)
            .expect_err("a review is missing")
            .to_string();
        let expected = "its train split has 24999 documents (12499 neg, 12500 pos) instead of \
                        25000 documents (12500 neg, 12500 pos)";
        assert_eq!(error, expected);
    }
}
