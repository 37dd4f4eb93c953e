//! One file for a model: weights, and in the metadata all that is needed to use them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use ulmfit_data::{Direction, Tokenizer, TokenizerConfig, Vocab};
use ulmfit_model::{
    InitRng, LanguageModel, LanguageModelConfig, NamedTensor, TextClassifier, TextClassifierConfig,
    load_weights, named_weights,
};

use crate::error::TrainError;
use crate::tensor_file::{self, TensorFile};

const KEY: &str = "ulmfit";
const FORMAT_VERSION: u32 = 1;

/// What a model file holds.
#[derive(Clone, Debug)]
pub enum ModelFile {
    /// A language model.
    LanguageModel(Box<TrainedLanguageModel>),
    /// A classifier, or several whose probabilities are averaged.
    Classifier(Vec<TrainedClassifier>),
}

/// A language model with what its ids mean.
#[derive(Clone, Debug)]
pub struct TrainedLanguageModel {
    /// Sizes and probabilities.
    pub config: LanguageModelConfig,
    /// Text to tokens.
    pub tokenizer: Tokenizer,
    /// Tokens to ids.
    pub vocab: Vocab,
    /// Which way it reads.
    pub direction: Direction,
    /// What made it.
    pub provenance: Provenance,
    /// The weights.
    pub model: LanguageModel,
}

/// A classifier with what its ids and its classes mean.
#[derive(Clone, Debug)]
pub struct TrainedClassifier {
    /// Sizes and probabilities.
    pub config: TextClassifierConfig,
    /// Text to tokens.
    pub tokenizer: Tokenizer,
    /// Tokens to ids.
    pub vocab: Vocab,
    /// The classes' names, in the order of the scores.
    pub labels: Vec<String>,
    /// Which way it reads.
    pub direction: Direction,
    /// What made it.
    pub provenance: Provenance,
    /// The weights.
    pub model: TextClassifier,
}

/// What made a model. It holds no time and no path, so that equal runs make equal files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of this crate.
    pub version: String,
    /// The stage that ended with this model.
    pub stage: String,
    /// The seed of every draw.
    pub seed: u64,
    /// The digest of the recipe.
    pub recipe_digest: String,
    /// The digest of documents, labels and vocabulary.
    pub data_digest: String,
    /// Training steps of the stage.
    pub steps: u64,
    /// The final validation, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// The metadata of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format_version: u32,
    members: Vec<Member>,
}

/// The version alone, to be read before anything else is.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    kind: Kind,
    tokenizer: TokenizerConfig,
    vocab: Vocab,
    direction: Direction,
    provenance: Provenance,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Kind {
    LanguageModel {
        config: LanguageModelConfig,
    },
    Classifier {
        config: TextClassifierConfig,
        labels: Vec<String>,
    },
}

impl ModelFile {
    /// Reads a model file and puts its weights on `device`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] when it cannot be read, [`TrainError::ModelFile`] when it is truncated,
    /// of another version, or contradicts itself; nothing is allocated for a model before its
    /// sizes were found to agree with the file's.
    pub fn open(path: &Path, device: &Device) -> Result<Self, TrainError> {
        let refuse = |message: String| TrainError::ModelFile {
            path: path.to_owned(),
            message,
        };
        let file = TensorFile::open(path)?;
        let members = members(&file).map_err(refuse)?;
        let mut classifiers = Vec::with_capacity(members.len());
        let count = members.len();
        for (index, member) in members.into_iter().enumerate() {
            let prefix = format!("{index}.");
            let Member {
                kind,
                tokenizer,
                vocab,
                direction,
                provenance,
            } = member;
            let tokenizer = Tokenizer::new(tokenizer);
            match kind {
                Kind::LanguageModel { config } => {
                    if count > 1 {
                        return Err(refuse(
                            "an ensemble of language models is not a model".into(),
                        ));
                    }
                    config
                        .encoder
                        .validate()
                        .map_err(|error| refuse(error.to_string()))?;
                    check_vocab(&vocab, config.encoder.vocab_size).map_err(refuse)?;
                    check_shapes(&file, &prefix, &config.weight_shapes()).map_err(refuse)?;
                    let weights = file.tensors(&prefix).map_err(refuse)?;
                    let model = config.init(&mut InitRng::new(0), device);
                    let model = load_weights(model, weights)?;
                    return Ok(Self::LanguageModel(Box::new(TrainedLanguageModel {
                        config,
                        tokenizer,
                        vocab,
                        direction,
                        provenance,
                        model,
                    })));
                }
                Kind::Classifier { config, labels } => {
                    config
                        .validate()
                        .map_err(|error| refuse(error.to_string()))?;
                    check_vocab(&vocab, config.encoder.vocab_size).map_err(refuse)?;
                    if labels.len() != config.n_classes {
                        return Err(refuse(format!(
                            "states {} classes and names {} labels; the file is damaged",
                            config.n_classes,
                            labels.len()
                        )));
                    }
                    check_shapes(&file, &prefix, &config.weight_shapes()).map_err(refuse)?;
                    let weights = file.tensors(&prefix).map_err(refuse)?;
                    let model = config.init(&mut InitRng::new(0), device);
                    let model = load_weights(model, weights)?;
                    classifiers.push(TrainedClassifier {
                        config,
                        tokenizer,
                        vocab,
                        labels,
                        direction,
                        provenance,
                        model,
                    });
                }
            }
        }
        if classifiers
            .windows(2)
            .any(|pair| pair[0].labels != pair[1].labels)
        {
            return Err(refuse(
                "the members of the ensemble have different labels".into(),
            ));
        }
        Ok(Self::Classifier(classifiers))
    }

    /// Writes a model file aside and renames it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let (members, tensors) = match self {
            Self::LanguageModel(trained) => (
                vec![trained.member()],
                prefixed(0, named_weights(&trained.model)),
            ),
            Self::Classifier(classifiers) => (
                classifiers.iter().map(TrainedClassifier::member).collect(),
                classifiers
                    .iter()
                    .enumerate()
                    .flat_map(|(index, trained)| prefixed(index, named_weights(&trained.model)))
                    .collect(),
            ),
        };
        let description = Description {
            format_version: FORMAT_VERSION,
            members,
        };
        tensor_file::write(path, KEY, &description, &tensors)
    }

    /// The language model in the file at `path`.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::open`], and [`TrainError::ModelFile`] when it holds something else.
    pub fn open_language_model(
        path: &Path,
        device: &Device,
    ) -> Result<TrainedLanguageModel, TrainError> {
        match Self::open(path, device)? {
            Self::LanguageModel(trained) => Ok(*trained),
            Self::Classifier(_) => Err(TrainError::ModelFile {
                path: path.to_owned(),
                message: "holds a classifier where a language model is needed; \
                          name the model.safetensors of a `pretrain` or `finetune` run"
                    .to_owned(),
            }),
        }
    }

    /// The classifiers in the file at `path`, whose probabilities are to be averaged.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::open`], and [`TrainError::ModelFile`] when it holds something else.
    pub fn open_classifiers(
        path: &Path,
        device: &Device,
    ) -> Result<Vec<TrainedClassifier>, TrainError> {
        match Self::open(path, device)? {
            Self::Classifier(classifiers) => Ok(classifiers),
            Self::LanguageModel(_) => Err(TrainError::ModelFile {
                path: path.to_owned(),
                message: "holds a language model where a classifier is needed; \
                          train one from it with `ulmfit train --language-model`"
                    .to_owned(),
            }),
        }
    }
}

impl TrainedLanguageModel {
    fn member(&self) -> Member {
        Member {
            kind: Kind::LanguageModel {
                config: self.config.clone(),
            },
            tokenizer: self.tokenizer.config().clone(),
            vocab: self.vocab.clone(),
            direction: self.direction,
            provenance: self.provenance.clone(),
        }
    }
}

impl TrainedClassifier {
    fn member(&self) -> Member {
        Member {
            kind: Kind::Classifier {
                config: self.config.clone(),
                labels: self.labels.clone(),
            },
            tokenizer: self.tokenizer.config().clone(),
            vocab: self.vocab.clone(),
            direction: self.direction,
            provenance: self.provenance.clone(),
        }
    }
}

fn members(file: &TensorFile) -> Result<Vec<Member>, String> {
    const NOT_OURS: &str = "not a model of ulmfit: its metadata has no \"ulmfit\" entry";
    let version = file.description::<Version>(KEY).ok_or(NOT_OURS)?;
    let damaged = |error: serde_json::Error| format!("its description is damaged ({error})");
    let Version { format_version } = version.map_err(damaged)?;
    if format_version != FORMAT_VERSION {
        return Err(format!(
            "of format version {format_version}, and this ulmfit reads version {FORMAT_VERSION}; \
             use the ulmfit that made it"
        ));
    }
    let Description { members, .. } = file
        .description::<Description>(KEY)
        .ok_or(NOT_OURS)?
        .map_err(damaged)?;
    if members.is_empty() {
        Err("holds no model".to_owned())
    } else {
        Ok(members)
    }
}

fn check_vocab(vocab: &Vocab, vocab_size: usize) -> Result<(), String> {
    if vocab.len() == vocab_size {
        return Ok(());
    }
    Err(format!(
        "states {vocab_size} words and names {}; the file is damaged",
        vocab.len()
    ))
}

/// Compares what the configuration calls for with the file's header.
fn check_shapes(
    file: &TensorFile,
    prefix: &str,
    expected: &[(String, Vec<usize>)],
) -> Result<(), String> {
    let infos = file.infos();
    for (name, shape) in expected {
        match infos.get(&format!("{prefix}{name}")) {
            None => return Err(format!("tensor {name} is missing; the file is damaged")),
            Some(info) if info.shape != *shape => {
                return Err(format!(
                    "tensor {name} has the shape {:?} where the configuration calls for {shape:?}; \
                     the file is damaged",
                    info.shape
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn prefixed(index: usize, mut tensors: Vec<NamedTensor>) -> Vec<NamedTensor> {
    for tensor in &mut tensors {
        tensor.name.insert_str(0, &format!("{index}."));
    }
    tensors
}
