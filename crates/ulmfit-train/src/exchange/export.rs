use std::borrow::Cow;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, View};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ulmfit_data::{Direction, Tokenizer, TokenizerConfig, Vocab, special};
use ulmfit_model::{
    AwdLstmConfig, FastaiPart, LanguageModelConfig, NamedTensor, TextClassifierConfig,
    named_weights, pickle_of_strings, to_fastai,
};

use crate::atomic_file;
use crate::error::TrainError;
use crate::model_file::{ModelFile, Provenance, Weights};
use crate::target::{Standardization, Target};

/// The whole model by fastai's names.
pub(super) const MODEL: &str = "model.safetensors";
/// The encoder alone.
const ENCODER: &str = "encoder.safetensors";
/// The tokens in the order of their ids, for programs and for fastai.
pub(super) const VOCAB: &str = "vocab.json";
const PICKLED_VOCAB: &str = "vocab.pkl";
/// For Hugging Face's `tokenizers`.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// What fastai has no place for.
pub(super) const DESCRIPTION: &str = "ulmfit.json";

/// A model without its weights and its vocabulary.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    pub(super) kind: Kind,
    pub(super) tokenizer: TokenizerConfig,
    pub(super) direction: Direction,
    pub(super) provenance: Provenance,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Kind {
    LanguageModel {
        config: LanguageModelConfig,
    },
    Classifier {
        config: TextClassifierConfig,
        labels: Vec<String>,
        #[serde(default, skip_serializing_if = "Target::is_single_label")]
        target: Target,
        #[serde(default, skip_serializing_if = "Standardization::is_none")]
        standardization: Standardization,
        /// How the model file stores weights; here they are floats in any case.
        precision: Weights,
        temperature: f32,
    },
}

impl Kind {
    pub(super) fn encoder(&self) -> AwdLstmConfig {
        match self {
            Self::LanguageModel { config } => config.encoder.clone(),
            Self::Classifier { config, .. } => config.encoder.clone(),
        }
    }

    /// Whether a checkpoint's head is the stated one.
    pub(super) fn is(&self, part: FastaiPart) -> bool {
        match self {
            Self::LanguageModel { .. } => part == FastaiPart::LanguageModel,
            Self::Classifier { config, .. } => {
                let (d_head, n_classes) = (config.d_head, config.n_classes);
                part == FastaiPart::Classifier { d_head, n_classes }
            }
        }
    }
}

/// A model as it is exported.
struct Exported<'a> {
    description: Description,
    tokenizer: &'a Tokenizer,
    vocab: &'a Vocab,
    weights: Vec<NamedTensor>,
}

/// Writes a model into a folder, by the names of fastai 2: the whole model and the encoder alone as
/// safetensors, the vocabulary, and a `tokenizer.json`. Members of an ensemble have folders of their
/// own in it. Returns the files.
///
/// # Errors
///
/// [`TrainError::Unusable`] when something is there that is no empty folder, [`TrainError::Io`] when it
/// cannot be written.
pub fn export_fastai(model: &ModelFile, folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let is_free = if folder.is_dir() {
        fs_err::read_dir(folder)?.next().is_none()
    } else {
        !folder.exists()
    };
    if !is_free {
        return Err(TrainError::Unusable(format!(
            "{} is there and is no empty folder; name another one",
            folder.display()
        )));
    }
    match model {
        ModelFile::LanguageModel(trained) => write(
            &Exported {
                description: Description {
                    kind: Kind::LanguageModel {
                        config: trained.config.clone(),
                    },
                    tokenizer: trained.tokenizer.config().clone(),
                    direction: trained.direction,
                    provenance: trained.provenance.clone(),
                },
                tokenizer: &trained.tokenizer,
                vocab: &trained.vocab,
                weights: named_weights(&trained.model),
            },
            folder,
        ),
        ModelFile::Classifier(members) => {
            let mut files = Vec::new();
            for (index, trained) in members.iter().enumerate() {
                let exported = Exported {
                    description: Description {
                        kind: Kind::Classifier {
                            config: trained.config.clone(),
                            labels: trained.labels.clone(),
                            target: trained.target.clone(),
                            standardization: trained.standardization,
                            precision: trained.precision.into(),
                            temperature: trained.temperature,
                        },
                        tokenizer: trained.tokenizer.config().clone(),
                        direction: trained.direction,
                        provenance: trained.provenance.clone(),
                    },
                    tokenizer: &trained.tokenizer,
                    vocab: &trained.vocab,
                    weights: named_weights(&trained.model),
                };
                let folder = match members.len() {
                    1 => folder.to_owned(),
                    _ => member_folder(folder, index),
                };
                files.extend(write(&exported, &folder)?);
            }
            Ok(files)
        }
    }
}

/// The folder of an ensemble's member in that of the ensemble.
pub(super) fn member_folder(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("member-{}", index + 1))
}

fn write(exported: &Exported<'_>, folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    fs_err::create_dir_all(folder)?;
    let weights = exported.weights.clone();
    let (encoder, model) = match &exported.description.kind {
        Kind::LanguageModel { .. } => (encoder(&weights), to_fastai(weights, "0.")),
        Kind::Classifier { .. } => (encoder(&weights), to_fastai(weights, "0.module.")),
    };
    let strings = exported.vocab.strings();
    let pretty = |value: &serde_json::Value| format!("{value:#}\n").into_bytes();
    let description = json!(exported.description);
    let files = [
        (ENCODER, safetensors(encoder, &[])?),
        (
            MODEL,
            safetensors(model, &batch_counts(&exported.description.kind))?,
        ),
        (VOCAB, pretty(&json!(strings))),
        (PICKLED_VOCAB, pickle_of_strings(strings)),
        (
            TOKENIZER,
            tokenizer(exported.tokenizer, exported.vocab).into_bytes(),
        ),
        (DESCRIPTION, pretty(&description)),
    ];
    let mut written = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        let path = folder.join(name);
        atomic_file::write(&path, &bytes)?;
        written.push(path);
    }
    Ok(written)
}

/// The encoder's weights by the names that `save_encoder` gives them.
fn encoder(weights: &[NamedTensor]) -> Vec<NamedTensor> {
    let encoder = weights
        .iter()
        .filter(|tensor| tensor.name.starts_with("encoder."));
    to_fastai(encoder.cloned().collect(), "")
}

/// What `PyTorch` counts beside a batch norm's statistics, and nobody reads.
fn batch_counts(kind: &Kind) -> Vec<String> {
    let blocks = match kind {
        Kind::LanguageModel { .. } => 0..0,
        Kind::Classifier { .. } => 0..2,
    };
    blocks
        .map(|block| format!("1.layers.{block}.0.num_batches_tracked"))
        .collect()
}

/// A safetensors file of floats, and of whole numbers that are zero.
fn safetensors(tensors: Vec<NamedTensor>, zeros: &[String]) -> Result<Vec<u8>, TrainError> {
    let floats = tensors.into_iter().map(|tensor| {
        let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes());
        let stored = Stored {
            dtype: Dtype::F32,
            shape: tensor.shape,
            bytes: bytes.collect(),
        };
        (tensor.name, stored)
    });
    let zeros = zeros.iter().map(|name| {
        let stored = Stored {
            dtype: Dtype::I64,
            shape: Vec::new(),
            bytes: vec![0; 8],
        };
        (name.clone(), stored)
    });
    safetensors::serialize(floats.chain(zeros), None)
        .map_err(|error| TrainError::Unusable(format!("cannot write the weights: {error}")))
}

/// Whose text is the tokenizer: of subwords, the whole of it. Words are cut by rules that no
/// `tokenizer.json` can state, so there it is the table of ids, for texts that were cut already.
fn tokenizer(tokenizer: &Tokenizer, vocab: &Vocab) -> String {
    if let Some(subwords) = tokenizer.subwords() {
        return subwords.to_json().to_owned();
    }
    let ids = vocab.strings().iter().enumerate();
    let ids = ids.filter(|(_, token)| *token != special::FILLER);
    let ids: serde_json::Map<_, _> = ids.map(|(id, token)| (token.clone(), json!(id))).collect();
    let value = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": { "String": " " },
            "behavior": "Removed",
            "invert": false,
        },
        "post_processor": null,
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": ids, "unk_token": special::UNK },
    });
    format!("{value:#}\n")
}

/// A tensor as it is written.
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
