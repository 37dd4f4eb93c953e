use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ulmfit_data::{Direction, Rules, Splitter, Subwords, Tokenizer, TokenizerConfig, Vocab};
use ulmfit_model::{
    AwdLstmConfig, AwdLstmDropout, FastaiModel, FastaiPart, FastaiVersion, InitRng,
    LanguageModelConfig, Precision, TextClassifierConfig, load_weights,
};

use super::export::{self, Description, Kind};
use super::vocabulary;
use crate::digest;
use crate::error::TrainError;
use crate::model_file::{
    ModelFile, Provenance, TrainedClassifier, TrainedLanguageModel, check_answers,
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
    let fastai =
        FastaiModel::from_bytes(&bytes).map_err(|error| refuse(path, error.to_string()))?;
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
        tokenizer: Tokenizer::from_parts(config, request.subwords.clone())?,
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
            parts.language_model(LanguageModelConfig::new(encoder), fastai, device)?
        }
        FastaiPart::Classifier { d_head, n_classes } => {
            let labels = request.labels.clone().or(read.labels);
            let labels =
                labels.unwrap_or_else(|| (0..n_classes).map(|class| class.to_string()).collect());
            if labels.len() != n_classes {
                return Err(refuse(
                    path,
                    format!(
                        "has {n_classes} classes, and {} labels are named",
                        labels.len()
                    ),
                ));
            }
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
            parts.classifier(config, answers, fastai, device)?
        }
    };
    Ok(Imported {
        model,
        version,
        part,
        vocab: vocab_path,
    })
}

/// Makes a model of the folder that [`export_fastai`](super::export_fastai) wrote: the very model that
/// was exported.
///
/// # Errors
///
/// As [`import_fastai`].
pub fn import_export(folder: &Path, device: &Device) -> Result<Imported, TrainError> {
    let path = |name: &str| folder.join(name);
    let refuse = |name: &str, message: String| TrainError::ModelFile {
        path: path(name),
        message,
    };
    let text = |name: &str| fs_err::read_to_string(path(name));
    let description = match text(export::DESCRIPTION) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(TrainError::ModelFile {
                path: folder.to_owned(),
                message: format!(
                    "is a folder without {}, so none that `ulmfit export` wrote; name the .pth file",
                    export::DESCRIPTION
                ),
            });
        }
        description => description?,
    };
    let description: Description = serde_json::from_str(&description)
        .map_err(|error| refuse(export::DESCRIPTION, format!("is damaged ({error})")))?;
    let Description {
        kind,
        tokenizer,
        direction,
        provenance,
    } = description;
    let vocab = vocabulary::read(&path(export::VOCAB))?;
    let vocab = Vocab::from_strings(vocab.tokens)
        .map_err(|error| refuse(export::VOCAB, error.to_string()))?;
    let subwords = match tokenizer.splitter.subword_kind() {
        Some(_) => Some(Subwords::from_json(&text(export::TOKENIZER)?)?),
        None => None,
    };
    let bytes = fs_err::read(path(export::MODEL))?;
    let fastai = FastaiModel::from_bytes(&bytes)
        .map_err(|error| refuse(export::MODEL, error.to_string()))?;
    let stated = kind.encoder();
    let sizes = |config: &AwdLstmConfig| {
        [
            config.vocab_size,
            config.d_embedding,
            config.d_hidden,
            config.n_layers,
        ]
    };
    // Compared before a model of the stated sizes is made.
    let one_layer = stated.n_layers == 1;
    let same = sizes(&stated)
        .iter()
        .zip(sizes(&fastai.encoder))
        .enumerate()
        .all(|(index, (stated, found))| *stated == found || (index == 2 && one_layer));
    if !same || vocab.len() != stated.vocab_size || !kind.is(fastai.part) {
        return Err(refuse(
            export::DESCRIPTION,
            format!(
                "states other sizes than {} and {} have; export the model again",
                export::MODEL,
                export::VOCAB
            ),
        ));
    }
    let parts = Parts {
        tokenizer: Tokenizer::from_parts(tokenizer, subwords)?,
        vocab,
        direction,
        provenance,
    };
    let (version, part) = (fastai.version, fastai.part);
    let model = match kind {
        Kind::LanguageModel { config } => parts.language_model(config, fastai, device)?,
        Kind::Classifier {
            config,
            labels,
            target,
            standardization,
            precision,
            temperature,
        } => {
            check_answers(&config, &labels, &target, &standardization, temperature)
                .map_err(|message| refuse(export::DESCRIPTION, message))?;
            let answers = Answers {
                labels,
                target,
                standardization,
                precision: precision.into(),
                temperature,
            };
            parts.classifier(config, answers, fastai, device)?
        }
    };
    Ok(Imported {
        model,
        version,
        part,
        vocab: path(export::VOCAB),
    })
}

/// What a classifier's scores are, and how they become probabilities.
struct Answers {
    labels: Vec<String>,
    target: Target,
    standardization: Standardization,
    precision: Precision,
    temperature: f32,
}

/// What every model has beside its weights and their configuration.
struct Parts {
    tokenizer: Tokenizer,
    vocab: Vocab,
    direction: Direction,
    provenance: Provenance,
}

impl Parts {
    fn language_model(
        self,
        config: LanguageModelConfig,
        fastai: FastaiModel,
        device: &Device,
    ) -> Result<ModelFile, TrainError> {
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

    fn classifier(
        self,
        config: TextClassifierConfig,
        answers: Answers,
        fastai: FastaiModel,
        device: &Device,
    ) -> Result<ModelFile, TrainError> {
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
