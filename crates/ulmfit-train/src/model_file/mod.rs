//! One file for a model: weights, and in the metadata all that is needed to use them.

mod check;
mod description;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use ulmfit_data::{Direction, Tokenizer, Vocab};
use ulmfit_model::{
    InitRng, Int8Rows, LanguageModel, LanguageModelConfig, NamedTensor, Precision, TextClassifier,
    TextClassifierConfig, load_weights, named_weights,
};

use crate::error::TrainError;
use crate::target::{Standardization, Target};
use crate::tensor_file::{self, Storage, TensorFile};
use check::{check_tensors, check_vocab};
use description::{Description, KEY, Kind, Member, format_version, members};

pub(crate) use check::{check_answers, check_weights};
pub(crate) use description::Weights;

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
    /// The classes' names, in the order of the scores; none where the target is a number.
    pub labels: Vec<String>,
    /// What the scores mean.
    pub target: Target,
    /// What a score is in the unit of the numbers that were learned; that of no change for labels.
    pub standardization: Standardization,
    /// Which way it reads.
    pub direction: Direction,
    /// What made it.
    pub provenance: Provenance,
    /// How the encoder's weights are stored and read: see [`quantized`](Self::quantized).
    pub precision: Precision,
    /// What the scores are divided by before they become probabilities; 1 unless it was fitted on
    /// documents that were held out (Guo et al. 2017). Numbers have none.
    pub temperature: f32,
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

impl ModelFile {
    /// Reads a model file and puts its weights on `device`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] when it cannot be read, [`TrainError::ModelFile`] when it is truncated,
    /// of another version, has a weight that is not finite, or contradicts itself; nothing is allocated for a model before its
    /// sizes were found to agree with the file's.
    pub fn open(path: &Path, device: &Device) -> Result<Self, TrainError> {
        Self::from_tensors(&TensorFile::open(path)?, path, device)
    }

    /// Takes the bytes of a model file, which messages call by `name`, and puts its weights on
    /// `device`: for a model that is part of a program.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::open`].
    pub fn from_bytes(
        bytes: Vec<u8>,
        name: impl AsRef<Path>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let name = name.as_ref();
        Self::from_tensors(&TensorFile::read(bytes, name)?, name, device)
    }

    fn from_tensors(file: &TensorFile, path: &Path, device: &Device) -> Result<Self, TrainError> {
        let refuse = |message: String| TrainError::ModelFile {
            path: path.to_owned(),
            message,
        };
        let members = members(file).map_err(refuse)?;
        let mut classifiers = Vec::with_capacity(members.len());
        let count = members.len();
        for (index, member) in members.into_iter().enumerate() {
            let prefix = format!("{index}.");
            let Member {
                kind,
                tokenizer,
                subwords,
                vocab,
                direction,
                provenance,
                weights,
            } = member;
            let tokenizer = Tokenizer::from_parts(tokenizer, subwords)
                .map_err(|error| refuse(error.to_string()))?;
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
                    check_tensors(file, &prefix, &config.weight_shapes(), weights)
                        .map_err(refuse)?;
                    let weights = file.tensors(&prefix).map_err(refuse)?;
                    check_weights(&weights).map_err(refuse)?;
                    let model = config.init(&mut InitRng::zeros(), device);
                    let model =
                        load_weights(model, weights).map_err(|error| refuse(error.to_string()))?;
                    return Ok(Self::LanguageModel(Box::new(TrainedLanguageModel {
                        config,
                        tokenizer,
                        vocab,
                        direction,
                        provenance,
                        model,
                    })));
                }
                Kind::Classifier {
                    config,
                    labels,
                    target,
                    standardization,
                    temperature,
                } => {
                    config
                        .validate()
                        .map_err(|error| refuse(error.to_string()))?;
                    check_vocab(&vocab, config.encoder.vocab_size).map_err(refuse)?;
                    check_answers(&config, &labels, &target, &standardization, temperature)
                        .map_err(refuse)?;
                    check_tensors(file, &prefix, &config.weight_shapes(), weights)
                        .map_err(refuse)?;
                    let precision = weights.into();
                    let weights = file.tensors(&prefix).map_err(refuse)?;
                    check_weights(&weights).map_err(refuse)?;
                    let model = config.init(&mut InitRng::zeros(), device);
                    let model =
                        load_weights(model, weights).map_err(|error| refuse(error.to_string()))?;
                    classifiers.push(TrainedClassifier {
                        config,
                        tokenizer,
                        vocab,
                        labels,
                        target,
                        standardization,
                        direction,
                        provenance,
                        precision,
                        temperature,
                        model,
                    });
                }
            }
        }
        if !TrainedClassifier::agree(&classifiers) {
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
        self.save_as(path, |weights| weights)
    }

    /// Writes a model file of half the size: the encoder's matrices in half precision, to which
    /// they are rounded, unless they have eight bits already.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save), and [`TrainError::ModelFile`] when a weight is too large for half precision.
    pub fn save_half(&self, path: &Path) -> Result<(), TrainError> {
        self.save_as(path, |weights| match weights {
            Weights::Int8 => Weights::Int8,
            Weights::Float32 | Weights::Float16 => Weights::Float16,
        })
    }

    fn save_as(&self, path: &Path, stored: impl Fn(Weights) -> Weights) -> Result<(), TrainError> {
        let (mut members, tensors) = match self {
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
        for member in &mut members {
            member.weights = stored(member.weights);
        }
        let weights: Vec<Weights> = members.iter().map(|member| member.weights).collect();
        let description = Description {
            format_version: format_version(&members),
            members,
        };
        tensor_file::write_as(path, KEY, &description, &tensors, |tensor| {
            let (index, name) = tensor.name.split_once('.').unwrap_or_default();
            let weights = index
                .parse()
                .ok()
                .and_then(|index: usize| weights.get(index));
            weights.map_or(Storage::Exact, |weights| {
                weights.storage(name, &tensor.shape)
            })
        })
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
        Self::open(path, device)?.language_model(path)
    }

    /// The language model in the bytes of a file that messages call by `name`: one that is part of a
    /// program.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::from_bytes`], and [`TrainError::ModelFile`] when they hold something else.
    pub fn language_model_from_bytes(
        bytes: Vec<u8>,
        name: impl AsRef<Path>,
        device: &Device,
    ) -> Result<TrainedLanguageModel, TrainError> {
        let name = name.as_ref();
        Self::from_bytes(bytes, name, device)?.language_model(name)
    }

    fn language_model(self, path: &Path) -> Result<TrainedLanguageModel, TrainError> {
        match self {
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
            subwords: self.tokenizer.subwords().cloned(),
            vocab: self.vocab.clone(),
            direction: self.direction,
            provenance: self.provenance.clone(),
            weights: Weights::Float32,
        }
    }
}

impl TrainedClassifier {
    /// Whether the answers of both have the same meaning, by labels and target, as those of an ensemble's
    /// members must.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.labels == other.labels && self.target == other.target
    }

    /// Whether the answers of all these have the same meaning.
    pub(crate) fn agree(members: &[Self]) -> bool {
        members.windows(2).all(|pair| pair[0].agrees_with(&pair[1]))
    }

    /// The same classifier with the encoder's weights in eight bits, a scale for each row: a model
    /// file of a quarter of the size, faster predictions, and nearly the same answers.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unusable`] when a weight is not finite.
    pub fn quantized(mut self) -> Result<Self, TrainError> {
        let mut weights = named_weights(&self.model);
        for tensor in &mut weights {
            if Weights::Int8.storage(&tensor.name, &tensor.shape) != Storage::Int8 {
                continue;
            }
            let rounded = Int8Rows::new(&tensor.values, tensor.shape[1]);
            if rounded.scales.iter().any(|scale| !scale.is_finite()) {
                return Err(TrainError::Unusable(format!(
                    "{} has a weight that is not finite; train the classifier again",
                    tensor.name
                )));
            }
            tensor.values = rounded.to_floats();
        }
        self.model = load_weights(self.model, weights)?;
        self.precision = Precision::Int8;
        Ok(self)
    }

    fn member(&self) -> Member {
        Member {
            kind: Kind::Classifier {
                config: self.config.clone(),
                labels: self.labels.clone(),
                target: self.target.clone(),
                standardization: self.standardization,
                temperature: self.temperature,
            },
            tokenizer: self.tokenizer.config().clone(),
            subwords: self.tokenizer.subwords().cloned(),
            vocab: self.vocab.clone(),
            direction: self.direction,
            provenance: self.provenance.clone(),
            weights: self.precision.into(),
        }
    }
}

fn prefixed(index: usize, mut tensors: Vec<NamedTensor>) -> Vec<NamedTensor> {
    for tensor in &mut tensors {
        tensor.name.insert_str(0, &format!("{index}."));
    }
    tensors
}
