use burn::module::Module;
use burn::tensor::Device;
use ulmfit_data::{Direction, TokenizedCorpus, Vocab};
use ulmfit_model::{InitRng, LanguageModel, LanguageModelConfig, transfer_vocabulary};

use super::language_model;
use super::run::{Run, Subject};
use crate::digest;
use crate::error::TrainError;
use crate::event::Observer;
use crate::model_file::{ModelFile, TrainedLanguageModel};
use crate::options::RunOptions;
use crate::prepare::{LanguageModelData, check_language_model, language_model_data};
use crate::recipe::Recipe;

/// Fine-tunes a language model on the task's text (Howard and Ruder 2018, section 3.2), and writes
/// `model.safetensors` into the run's folder.
///
/// The vocabulary is chosen anew from the task's text, and the words of `pretrained` stay behind it if
/// the recipe says so; words that `pretrained` knows keep their embeddings, others start from the
/// mean of all. Subwords must be those of `pretrained`. Without
/// `pretrained` the model starts from scratch.
///
/// # Errors
///
/// Any [`TrainError`]; a run that ends in one can be resumed from its last checkpoint.
pub fn finetune(
    corpus: &TokenizedCorpus,
    pretrained: Option<TrainedLanguageModel>,
    recipe: &Recipe,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<TrainedLanguageModel, TrainError> {
    recipe.validate()?;
    let stage = &recipe.finetune;
    if let Some(pretrained) = &pretrained {
        check_fits(pretrained, corpus, recipe, options.direction)?;
    }
    let known = pretrained.as_ref().map(|trained| &trained.vocab);
    let LanguageModelData {
        tokenizer,
        vocab,
        corpora,
    } = language_model_data(
        corpus,
        known,
        recipe,
        stage.training.validation,
        options.seed,
    )?;
    let pretrained_digest = pretrained.as_ref().map(digest::of_language_model);
    let (config, model) = start(pretrained, &vocab, recipe, options.seed, &options.device);
    let mut run = Run::open(
        Subject {
            stage: "finetune",
            recipe,
            train: &*corpora[0],
            valid: &*corpora[1],
            data_digest: digest::of_corpora(&corpora, &vocab)?,
            pretrained_digest,
            vocab_size: vocab.len(),
            parameters: model.num_params(),
        },
        options,
    )?;
    if run.finished {
        return ModelFile::open_language_model(&run.dir.model(), &options.device);
    }
    let model = language_model::train(&mut run, model, corpora, stage, options, observer)?;
    let trained = TrainedLanguageModel {
        config,
        tokenizer,
        vocab,
        direction: options.direction,
        provenance: run.provenance(),
        model,
    };
    language_model::conclude(&mut run, trained, observer)
}

/// The language model before its first step: `pretrained` with another vocabulary, or from scratch.
pub(super) fn start(
    pretrained: Option<TrainedLanguageModel>,
    vocab: &Vocab,
    recipe: &Recipe,
    seed: u64,
    device: &Device,
) -> (LanguageModelConfig, LanguageModel) {
    let stage = &recipe.finetune;
    let mut encoder = recipe.encoder(vocab.len(), stage.dropout());
    if let Some(pretrained) = &pretrained {
        encoder.d_embedding = pretrained.config.encoder.d_embedding;
        encoder.d_hidden = pretrained.config.encoder.d_hidden;
        encoder.n_layers = pretrained.config.encoder.n_layers;
    }
    let config = LanguageModelConfig::new(encoder)
        .with_alpha(stage.alpha)
        .with_beta(stage.beta);
    let model = match pretrained {
        Some(pretrained) => {
            let known = |word: &String| pretrained.vocab.id(word);
            let sources = vocab.strings().iter().map(known).collect::<Vec<_>>();
            let mut model = transfer_vocabulary(pretrained.model, &sources);
            model.encoder = model.encoder.with_dropout(&config.encoder.dropout);
            model.output_dropout.prob = config.encoder.dropout.output;
            model.alpha = config.alpha;
            model.beta = config.beta;
            model.train()
        }
        None => config.init(&mut InitRng::new(seed), &device.clone().autodiff()),
    };
    (config, model)
}

pub(super) fn check_fits(
    pretrained: &TrainedLanguageModel,
    corpus: &TokenizedCorpus,
    recipe: &Recipe,
    direction: Direction,
) -> Result<(), TrainError> {
    if *pretrained.tokenizer.config() != recipe.text {
        return Err(TrainError::OtherTokenizer);
    }
    check_language_model(pretrained, corpus, direction, "the pretrained model")
}
