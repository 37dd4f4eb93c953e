//! Recipes: every hyper-parameter of the three stages, in one typed TOML file.
//!
//! A recipe states each number, with its source in a comment, and an unknown or a missing field is an
//! error that names it. Only `[text]`, schedules and optimizers have defaults, which their types state.

mod stage;

use std::path::Path;

use serde::{Deserialize, Serialize};
use ulmfit_data::{TokenizerConfig, VocabConfig};
use ulmfit_model::{AwdLstmConfig, AwdLstmDropout};

pub use stage::{
    ClassWeights, ClassifierRecipe, Keep, LanguageModelRecipe, Softmax, TrainingRecipe,
};

use crate::digest;
use crate::error::TrainError;

/// A whole recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// How texts become tokens.
    pub text: TokenizerConfig,
    /// How a vocabulary is chosen.
    pub vocab: VocabRecipe,
    /// The encoder's sizes.
    pub model: ModelRecipe,
    /// Pretraining the language model on general text.
    pub pretrain: LanguageModelRecipe,
    /// Fine-tuning it on the task's text.
    pub finetune: LanguageModelRecipe,
    /// Training the classifier.
    pub classifier: ClassifierRecipe,
    /// Which part of a data set the profile uses; read by `cargo xtask reproduce`.
    pub data: DataRecipe,
}

/// How a vocabulary is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocabRecipe {
    /// A word must occur at least this often.
    pub min_freq: u64,
    /// Most tokens to keep, special tokens included, fillers not.
    pub max_size: usize,
    /// Fill up to a multiple of this; see [`VocabConfig::pad_to_multiple`].
    pub pad_to_multiple: usize,
    /// Whether fine-tuning keeps the words of the pretrained model that it does not find in the task's
    /// text, beyond `max_size`. Without them, which is what fastai does, a text to classify loses
    /// every word that the model knew and the task's text did not have often enough.
    pub keep_pretrained: bool,
}

impl VocabRecipe {
    /// What decides about the words of a text.
    pub fn config(&self) -> VocabConfig {
        VocabConfig {
            min_freq: self.min_freq,
            max_size: self.max_size,
            pad_to_multiple: self.pad_to_multiple,
        }
    }
}

/// The encoder's sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecipe {
    /// Features of the embedding.
    pub d_embedding: usize,
    /// Features of the layers before the last.
    pub d_hidden: usize,
    /// The number of LSTM layers.
    pub n_layers: usize,
}

/// Which part of a data set a profile uses; 0 documents means all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// Splits that pretraining reads, when no other text is given.
    pub pretrain_splits: Vec<String>,
    /// Documents of them.
    pub pretrain_documents: usize,
    /// Splits that fine-tuning reads.
    pub finetune_splits: Vec<String>,
    /// Documents of them.
    pub finetune_documents: usize,
    /// Labeled documents that the classifier is trained on.
    pub train_documents: usize,
    /// Test documents that it is measured on.
    pub test_documents: usize,
}

impl Recipe {
    /// Reads a recipe from a file.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] when it cannot be read; [`TrainError::Recipe`], with the line and the
    /// field, when it does not parse or a number is out of range.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let text = fs_err::read_to_string(path)?;
        let refuse = |message: String| TrainError::Recipe {
            path: path.to_owned(),
            message,
        };
        let recipe: Self = toml::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        recipe
            .validate()
            .map_err(|error| refuse(error.to_string()))?;
        Ok(recipe)
    }

    /// A digest of every field, so that a run is not resumed with another recipe.
    ///
    /// # Panics
    ///
    /// Never: a recipe always serializes.
    pub fn digest(&self) -> String {
        digest::of_text(&serde_json::to_string(self).expect("a recipe serializes"))
    }

    /// The encoder that the recipe describes, for a vocabulary of `vocab_size` words.
    pub fn encoder(&self, vocab_size: usize, dropout: AwdLstmDropout) -> AwdLstmConfig {
        AwdLstmConfig::new(vocab_size)
            .with_d_embedding(self.model.d_embedding)
            .with_d_hidden(self.model.d_hidden)
            .with_n_layers(self.model.n_layers)
            .with_dropout(dropout)
    }

    /// Checks what can be checked without data; the stages do so first.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`], [`TrainError::Optim`] or [`TrainError::Unusable`] name what is out of range
    /// or contradicts itself.
    pub fn validate(&self) -> Result<(), TrainError> {
        /// More fillers than words help no matrix product.
        const MOST_FILLERS: usize = 65_536;
        if self.vocab.pad_to_multiple > MOST_FILLERS {
            return Err(TrainError::Unusable(format!(
                "`pad_to_multiple` is {}, which is not from 0 to {MOST_FILLERS}",
                self.vocab.pad_to_multiple
            )));
        }
        for stage in [&self.pretrain, &self.finetune] {
            self.encoder(1, stage.dropout()).validate()?;
            stage.training.validate(self.model.n_layers + 1)?;
            if stage.softmax == Softmax::Sampled(0) {
                return Err(TrainError::Unusable(
                    "a sampled softmax draws at least 1 word".to_owned(),
                ));
            }
        }
        let encoder = self.encoder(1, self.classifier.dropout());
        self.classifier.config(encoder, 1).validate()?;
        self.classifier.training.validate(self.model.n_layers + 2)
    }
}
