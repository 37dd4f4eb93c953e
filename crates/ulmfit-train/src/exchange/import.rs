use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ulmfit_data::{Direction, Rules, Splitter, Subwords, Tokenizer, TokenizerConfig, Vocab};
use ulmfit_model::{
    AwdLstmDropout, FastaiModel, FastaiPart, FastaiVersion, InitRng, LanguageModelConfig,
    ModelError, Precision, TextClassifierConfig, load_weights,
};

use super::vocabulary;
use crate::digest;
use crate::error::TrainError;
use crate::labels::check_names;
use crate::model_file::{
    ModelFile, Provenance, TrainedClassifier, TrainedLanguageModel, check_weights,
};
use crate::target::{Standardization, Target};

/// A checkpoint of fastai's, and what it does not say about itself.
#[derive(Clone, Debug)]
pub struct FastaiImport {
    /// What `learn.save` or `learn.save_encoder` wrote.
    pub checkpoint: PathBuf,
    /// The pickled vocabulary; without it, the one beside the checkpoint.
    pub vocab: Option<PathBuf>,
    /// The text rules; without them, as the vocabulary's special tokens tell.
    pub rules: Option<Rules>,
    /// What texts were cut in; subwords need their model.
    pub splitter: Splitter,
    /// The model of subwords.
    pub subwords: Option<Subwords>,
    /// The names of the classes; without them, those in the vocabulary's pickle, or numbers.
    pub labels: Option<Vec<String>>,
    /// Which way the model reads.
    pub direction: Direction,
}

/// A model that was imported, and what it was made of.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model, to be saved.
    pub model: ModelFile,
    /// The version of fastai that named the tensors.
    pub version: FastaiVersion,
    /// What the checkpoint was a part of.
    pub part: FastaiPart,
    /// The vocabulary's file.
    pub vocab: PathBuf,
}

/// Makes a model of a checkpoint of fastai's; see [`FastaiModel`] for what is read. An encoder alone
/// becomes a language model whose decoder has no bias.
///
/// # Errors
///
/// [`TrainError::Io`] when a file cannot be read, [`TrainError::ModelFile`] names the file that
/// cannot be used, with a table of the tensors where they are the reason.
pub fn import_fastai(request: &FastaiImport, device: &Device) -> Result<Imported, TrainError> {
    let path = &request.checkpoint;
    let refuse = |path: &Path, message: String| TrainError::ModelFile {
        path: path.to_owned(),
        message,
    };
    let bytes = fs_err::read(path)?;
    let fastai = weights_of(&bytes).map_err(|message| refuse(path, message))?;
    let vocab_path = match &request.vocab {
        Some(vocab) => vocab.clone(),
        None => vocabulary::beside(path)?,
    };
    let read = vocabulary::read(&vocab_path)?;
    let n_tokens = read.tokens.len();
    if n_tokens != fastai.encoder.vocab_size {
        return Err(refuse(
            &vocab_path,
            format!(
                "has {n_tokens} tokens, and {} has embeddings of {}; name the vocabulary that it was \
                 trained with",
                path.display(),
                fastai.encoder.vocab_size
            ),
        ));
    }
    let tokens = vocabulary::with_new_names(read.tokens);
    let rules = request
        .rules
        .unwrap_or_else(|| vocabulary::rules(&tokens, fastai.version));
    let vocab =
        Vocab::from_strings(tokens).map_err(|error| refuse(&vocab_path, error.to_string()))?;
    let splitter = request.splitter;
    let config = TokenizerConfig { rules, splitter };
    let parts = Parts {
        tokenizer: Tokenizer::from_parts(config, request.subwords.clone())
            .map_err(|error| refuse(path, error.to_string()))?,
        vocab,
        direction: request.direction,
        provenance: Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stage: "import".to_owned(),
            data_digest: digest::of_bytes(&bytes),
            ..Provenance::default()
        },
    };
    let encoder = fastai.encoder.clone();
    let (version, part) = (fastai.version, fastai.part);
    let model = match part {
        FastaiPart::Encoder | FastaiPart::LanguageModel => {
            if request.labels.is_some() {
                return Err(refuse(
                    path,
                    "is no classifier, and has no classes to name; leave out the labels".to_owned(),
                ));
            }
            let encoder = encoder.with_dropout(AwdLstmDropout::LANGUAGE_MODEL);
            parts.language_model(LanguageModelConfig::new(encoder), fastai, device)
        }
        FastaiPart::Classifier { d_head, n_classes } => {
            let labels = request.labels.clone().or(read.labels);
            let labels = class_names(labels, n_classes);
            if labels.len() != n_classes {
                return Err(refuse(
                    path,
                    format!(
                        "has {n_classes} classes, and {} labels are named",
                        labels.len()
                    ),
                ));
            }
            check_names(&labels).map_err(|reason| {
                refuse(
                    path,
                    format!("{reason}; give each a name of its own with --labels"),
                )
            })?;
            // What fastai reads at once, and how much of a document it pools.
            let bptt = if version == FastaiVersion::V2 { 72 } else { 70 };
            let encoder = encoder.with_dropout(AwdLstmDropout::CLASSIFIER);
            let config = TextClassifierConfig::new(encoder, n_classes)
                .with_d_head(d_head)
                .with_bptt(bptt)
                .with_max_len(Some(20 * bptt));
            let answers = Answers {
                labels,
                target: Target::SingleLabel,
                standardization: Standardization::default(),
                precision: Precision::Float32,
                temperature: 1.0,
            };
            parts.classifier(config, answers, fastai, device)
        }
    };
    Ok(Imported {
        model: model.map_err(|error| refuse(path, error.to_string()))?,
        version,
        part,
        vocab: vocab_path,
    })
}

/// What the bytes of a checkpoint hold, in weights that can be used.
pub(super) fn weights_of(bytes: &[u8]) -> Result<FastaiModel, String> {
    let fastai = FastaiModel::from_bytes(bytes).map_err(|error| error.to_string())?;
    check_weights(&fastai.weights)?;
    Ok(fastai)
}

/// The names of the classes, or their numbers where there are none.
fn class_names(names: Option<Vec<String>>, n_classes: usize) -> Vec<String> {
    match names {
        // As the labels of documents are read.
        Some(names) => names.iter().map(|name| name.trim().to_owned()).collect(),
        None => (0..n_classes).map(|class| class.to_string()).collect(),
    }
}

/// What a classifier's scores are, and how they become probabilities.
pub(super) struct Answers {
    pub(super) labels: Vec<String>,
    pub(super) target: Target,
    pub(super) standardization: Standardization,
    pub(super) precision: Precision,
    pub(super) temperature: f32,
}

/// What every model has beside its weights and their configuration.
pub(super) struct Parts {
    pub(super) tokenizer: Tokenizer,
    pub(super) vocab: Vocab,
    pub(super) direction: Direction,
    pub(super) provenance: Provenance,
}

impl Parts {
    pub(super) fn language_model(
        self,
        config: LanguageModelConfig,
        fastai: FastaiModel,
        device: &Device,
    ) -> Result<ModelFile, ModelError> {
        config.encoder.validate()?;
        let model = config.init(&mut InitRng::zeros(), device);
        let model = load_weights(model, fastai.weights)?;
        Ok(ModelFile::LanguageModel(Box::new(TrainedLanguageModel {
            config,
            tokenizer: self.tokenizer,
            vocab: self.vocab,
            direction: self.direction,
            provenance: self.provenance,
            model,
        })))
    }

    pub(super) fn classifier(
        self,
        config: TextClassifierConfig,
        answers: Answers,
        fastai: FastaiModel,
        device: &Device,
    ) -> Result<ModelFile, ModelError> {
        config.validate()?;
        let model = config.init(&mut InitRng::zeros(), device);
        let model = load_weights(model, fastai.weights)?;
        Ok(ModelFile::Classifier(vec![TrainedClassifier {
            config,
            tokenizer: self.tokenizer,
            vocab: self.vocab,
            labels: answers.labels,
            target: answers.target,
            standardization: answers.standardization,
            direction: self.direction,
            provenance: self.provenance,
            precision: answers.precision,
            temperature: answers.temperature,
            model,
        }]))
    }
}
