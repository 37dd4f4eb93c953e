//! The `[data]` section of a recipe: which documents each stage gets.
//!
//! The other sections belong to `ulmfit`, which checks them.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use toml::Table;

use crate::{checksum, workspace};

/// Sections that are not every stage's.
const NOT_SHARED: [&str; 4] = ["pretrain", "finetune", "classifier", "data"];

/// A recipe file and what was read of it.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) sha256: String,
    pub(crate) data: DataPlan,
}

/// Splits are named as the data set names them; a number of documents of 0 means all of them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DataPlan {
    /// Of the task's own text, where no corpus for pretraining is given; may be empty.
    pub(crate) pretrain_splits: Vec<String>,
    pub(crate) pretrain_documents: usize,
    pub(crate) finetune_splits: Vec<String>,
    pub(crate) finetune_documents: usize,
    pub(crate) train_documents: usize,
    pub(crate) test_documents: usize,
}

#[derive(Deserialize)]
struct File {
    data: DataPlan,
}

impl Recipe {
    /// Reads `recipes/NAME.toml`.
    pub(crate) fn load(name: &str) -> anyhow::Result<Self> {
        Self::read(&folder().join(name).with_extension("toml"))
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path)?;
        let read = || -> anyhow::Result<DataPlan> {
            let data = toml::from_str::<File>(&text)?.data;
            let language_model_text = data.pretrain_splits.iter().chain(&data.finetune_splits);
            ensure!(
                language_model_text.clone().all(|split| split != "test"),
                "a recipe must not show the language model the test text; `cargo xtask reproduce \
                 --transductive` does"
            );
            ensure!(
                !data.finetune_splits.is_empty(),
                "finetune_splits names no split"
            );
            Ok(data)
        };
        let data =
            read().with_context(|| format!("the [data] section of {}", workspace::shown(path)))?;
        let sha256 = checksum::sha256(text.as_bytes());
        Ok(Self {
            path: path.to_owned(),
            text,
            sha256,
            data,
        })
    }

    /// The digest of what decides a stage's result: every value but those of the other stages, whose
    /// results a plan has by their own, and of `[data]`, of which it has what the stage reads. So a
    /// classifier's rate, or a comment, makes no language model anew.
    pub(crate) fn stage_sha256(&self, stage: &str) -> anyhow::Result<String> {
        let own = if stage == "train" {
            "classifier"
        } else {
            stage
        };
        let mut table: Table = toml::from_str(&self.text)?;
        table.retain(|section, _| section == own || !NOT_SHARED.contains(&section));
        Ok(checksum::sha256(toml::to_string(&table)?.as_bytes()))
    }

    /// Reads the `[data]` section of every recipe; returns how many there are.
    pub(crate) fn validate_all() -> anyhow::Result<usize> {
        let mut count = 0;
        for entry in fs_err::read_dir(folder())? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                Self::read(&path)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

fn folder() -> PathBuf {
    workspace::root().join("recipes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "
        [model]
        d_hidden = 10
        [data]
        pretrain_splits = ['unsup']
        pretrain_documents = 0
        finetune_splits = ['train', 'unsup']
        finetune_documents = 100
        train_documents = 0
        test_documents = 0
    ";

    fn read(text: &str) -> anyhow::Result<Recipe> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.toml");
        fs_err::write(&path, text).expect("a file");
        Recipe::read(&path)
    }

    #[test]
    fn only_the_data_section_is_read() {
        let recipe = read(DATA).expect("a recipe");
        assert_eq!(recipe.data.finetune_splits, ["train", "unsup"]);
        assert_eq!(recipe.data.finetune_documents, 100);
    }

    #[test]
    fn a_stage_is_made_anew_for_its_own_values_and_for_what_all_stages_share() {
        let text = format!("{DATA}[finetune]\nepochs = 1\n[classifier]\nepochs = 2\n");
        let digests = |text: &str| {
            let recipe = read(text).expect("a recipe");
            let digest = |stage| recipe.stage_sha256(stage).expect("TOML");
            ["pretrain", "finetune", "train"].map(digest)
        };
        let [pretrain, finetune, train] = digests(&text);
        for (old, new, expected) in [
            ("epochs = 2", "epochs = 3", [true, true, false]),
            ("epochs = 1", "epochs = 3", [true, false, true]),
            ("d_hidden = 10", "d_hidden = 20", [false, false, false]),
            ("epochs = 2", "epochs = 2 # twice", [true, true, true]),
            (
                "train_documents = 0",
                "train_documents = 9",
                [true, true, true],
            ),
        ] {
            let changed = digests(&text.replace(old, new));
            let same = [
                changed[0] == pretrain,
                changed[1] == finetune,
                changed[2] == train,
            ];
            assert_eq!(same, expected, "{new}");
        }
    }

    #[test]
    fn a_recipe_that_shows_the_test_text_is_refused() {
        let error = read(&DATA.replace("'train', 'unsup'", "'train', 'test'")).expect_err("test");
        assert!(format!("{error:#}").contains("must not show the language model the test text"));
    }

    #[test]
    fn a_missing_number_is_named_with_the_file() {
        let error = read(&DATA.replace("test_documents = 0", "")).expect_err("a missing number");
        let error = format!("{error:#}");
        assert!(
            error.contains("a.toml") && error.contains("missing field `test_documents`"),
            "{error}"
        );
    }
}
