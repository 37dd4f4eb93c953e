use burn::module::Module;
use ulmfit_data::TokenizedCorpus;
use ulmfit_model::{InitRng, LanguageModelConfig};

use super::language_model;
use super::run::{Run, Subject};
use crate::digest;
use crate::error::TrainError;
use crate::event::Observer;
use crate::model_file::{ModelFile, TrainedLanguageModel};
use crate::options::RunOptions;
use crate::prepare::{LanguageModelData, language_model_data};
use crate::recipe::Recipe;

/// Pretrains a language model on general text (Howard and Ruder 2018, section 3.1), and writes
/// `model.safetensors` into the run's folder.
///
/// # Errors
///
/// Any [`TrainError`]; a run that ends in one can be resumed from its last checkpoint.
pub fn pretrain(
    corpus: &TokenizedCorpus,
    recipe: &Recipe,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<TrainedLanguageModel, TrainError> {
    recipe.validate()?;
    let stage = &recipe.pretrain;
    let LanguageModelData {
        tokenizer,
        vocab,
        corpora,
    } = language_model_data(
        corpus,
        None,
        recipe,
        stage.training.validation,
        options.seed,
    )?;
    let config = LanguageModelConfig::new(recipe.encoder(vocab.len(), stage.dropout()))
        .with_alpha(stage.alpha)
        .with_beta(stage.beta);
    let device = options.device.clone().autodiff();
    let model = config.init(&mut InitRng::new(options.seed), &device);
    let mut run = Run::open(
        Subject {
            stage: "pretrain",
            recipe,
            train: &*corpora[0],
            valid: &*corpora[1],
            data_digest: digest::of_corpora(&corpora, &vocab)?,
            pretrained_digest: None,
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
