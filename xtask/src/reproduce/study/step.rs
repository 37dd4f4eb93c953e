//! A stage of a study, with the recipe that it is run with.

use anyhow::Context;
use serde::Deserialize;

use crate::atomic_file::write_atomically;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::stage::{RunFacts, Stage};
use crate::ulmfit::Ulmfit;

/// Tokens a second that a language model of the sizes of `wiki-small` trains on, on two cores.
pub(crate) const LANGUAGE_MODEL_SPEED: f64 = 7_000.0;
/// A classifier has no softmax over words.
const CLASSIFIER_SPEED: f64 = 1.3 * LANGUAGE_MODEL_SPEED;
/// A prediction has no backward pass.
pub(crate) const PREDICTION_SPEED: f64 = 4.0 * LANGUAGE_MODEL_SPEED;

/// A stage, and what is to be there before it runs.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) stage: Stage,
    pub(crate) recipe: Recipe,
    /// Documents that it reads in an epoch.
    pub(crate) documents: usize,
}

impl Step {
    /// Runs the stage, or goes on with it, unless it is done.
    pub(crate) fn complete(&self, ulmfit: &Ulmfit) -> anyhow::Result<RunFacts> {
        let Recipe { path, text, .. } = &self.recipe;
        if !fs_err::read_to_string(path).is_ok_and(|there| there == *text) {
            fs_err::create_dir_all(path.parent().context("a recipe lies in a folder")?)?;
            write_atomically(path, text)?;
        }
        self.stage.complete(ulmfit, true)
    }

    /// About how long the stage takes in seconds, as if all its layers always trained.
    pub(crate) fn seconds(&self, tokens_per_document: f64) -> anyhow::Result<f64> {
        let recipe: Epochs = toml::from_str(&self.recipe.text)?;
        let (training, speed) = match self.stage.plan.stage {
            "train" => (recipe.classifier.training, CLASSIFIER_SPEED),
            _ => (recipe.finetune.training, LANGUAGE_MODEL_SPEED),
        };
        let documents = training.epochs * self.documents;
        Ok(documents as f64 * tokens_per_document / speed)
    }
}

/// How often a recipe's stages read their documents.
#[derive(Deserialize)]
struct Epochs {
    finetune: Section,
    classifier: Section,
}

#[derive(Deserialize)]
struct Section {
    training: Training,
}

#[derive(Deserialize)]
struct Training {
    epochs: usize,
}
