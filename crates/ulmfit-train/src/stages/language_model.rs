//! The loop that trains a language model: pretraining and fine-tuning are the same loop on
//! different text, from different weights.

use std::sync::Arc;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ulmfit_data::{
    BpttBatches, CandidateSampler, Candidates, LmBatch, LmStream, LmStreamConfig, TokenIds,
};
use ulmfit_model::{
    AwdLstmState, DropoutRng, LanguageModel, LanguageModelLoss, SampledTargets, named_weights,
};
use ulmfit_optim::{LayerGroups, Optimizer, StepRates, clip_global_norm, unfreeze};

use super::plan;
use super::run::Run;
use super::session::Session;
use super::weights;
use crate::error::TrainError;
use crate::event::{Observer, Validation};
use crate::model_file::{ModelFile, TrainedLanguageModel};
use crate::options::RunOptions;
use crate::recipe::{Keep, LanguageModelRecipe, Softmax};

/// Trains `model` as the recipe says, from the run's checkpoint if there is one.
///
/// Each step: set the rates, [`step`], log.
pub(super) fn train(
    run: &mut Run,
    model: LanguageModel,
    corpora: [Arc<dyn TokenIds>; 2],
    recipe: &LanguageModelRecipe,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<LanguageModel, TrainError> {
    let device = options.device.clone().autodiff();
    let [train, valid] = corpora;
    let sampler = sampler(recipe, &model, &*train, options.seed)?;
    let stream = LmStream::new(
        train,
        LmStreamConfig {
            batch_size: recipe.training.batch_size,
            sequence_length: recipe.sequence_length,
            direction: options.direction,
            seed: options.seed,
        },
    )?;
    let valid = validation_stream(valid, &stream)?;
    let groups = LayerGroups::new(&model, model.layer_groups())?;
    let multipliers = recipe.training.discriminative.multipliers(groups.len())?;
    let (epochs, n_steps) = plan::epochs(&recipe.training, groups.len(), |epoch| {
        stream.epoch(epoch as u64).n_batches()
    })?;

    let mut optimizer = recipe.training.optimizer.init()?;
    let (mut model, progress, mut carried) = weights::restore(run, model, &mut optimizer)?;
    let start = AwdLstmState::zeros(&model.encoder, recipe.training.batch_size, &device);
    check_state(run, carried.as_ref(), &start)?;
    let mut session = Session::start(
        run.stage,
        &run.dir,
        observer,
        progress,
        options.checkpoint_every,
        options.stop.clone(),
    )?;
    session.announce(n_steps, epochs.len());

    let mut validation = None;
    for (index, epoch) in epochs.iter().enumerate().skip(session.progress().epoch) {
        if session.is_out_of_patience(&recipe.training) {
            break;
        }
        model = unfreeze(model, &groups, epoch.trainable)?;
        let done = session.progress().batch;
        if epoch.starts_phase && done == 0 {
            optimizer = recipe.training.optimizer.init()?;
        }
        let mut batches = stream.epoch(index as u64);
        batches.skip_batches(done);
        let mut state = carried.take().unwrap_or_else(|| start.clone());
        for (position, batch) in (done..).zip(batches) {
            let batch = batch?;
            let schedule_step = epoch.schedule_offset + position;
            let rates = StepRates::at(&groups, &multipliers, &epoch.schedule, schedule_step)?
                .scaled(batch.learning_rate_scale);
            let learning_rate = epoch.schedule.rate(schedule_step) * batch.learning_rate_scale;

            let number = session.progress().step;
            let loss;
            (model, loss) = step(
                model,
                &mut optimizer,
                state,
                Step {
                    batch: &batch,
                    candidates: sampler.as_ref().map(|it| it.draw(number, &batch.targets)),
                    dropout: DropoutRng::new(options.seed, number),
                    clip_norm: recipe.training.clip_norm,
                    rates: &rates,
                },
            );
            state = loss.state;

            session.step(loss.cross_entropy, learning_rate, batch.inputs.len())?;
            if session.checkpoint_is_due() {
                let state = Some(state.clone());
                session.checkpoint(named_weights(&model), optimizer.state(), state)?;
            }
        }

        if let Some(valid) = &valid {
            let averaged = optimizer.averaged(model.clone());
            let result = validate(&averaged, valid.epoch_in_order(), &options.device)?;
            optimizer.record_validation(result.loss);
            validation = Some(result);
        }
        let best = session.end_epoch(validation)?;
        if best && recipe.training.keep == Keep::Best {
            weights::keep_best(&run.dir, &optimizer.averaged(model.clone()))?;
        }
        session.checkpoint(named_weights(&model), optimizer.state(), None)?;
    }

    let keep = recipe.training.keep;
    let model = weights::chosen(&run.dir, model, &optimizer, keep, valid.is_some())?;
    session.check_weights(&named_weights(&model))?;
    if let Some(valid) = &valid {
        let result = validate(&model, valid.epoch_in_order(), &options.device)?;
        run.info.metrics.extend(metrics(&result));
    }
    run.info.steps = session.progress().step;
    run.info.seconds = session.seconds();
    Ok(model.valid())
}

/// Fails when a checkpoint's hidden state has other shapes than the model's.
fn check_state(
    run: &Run,
    carried: Option<&AwdLstmState>,
    start: &AwdLstmState,
) -> Result<(), TrainError> {
    let shapes = |state: &AwdLstmState| {
        let layers = state.layers.iter();
        let shapes = layers.map(|layer| [layer.hidden.dims(), layer.cell.dims()]);
        shapes.collect::<Vec<_>>()
    };
    if carried.is_none_or(|carried| shapes(carried) == shapes(start)) {
        return Ok(());
    }
    let message = "its hidden state is of another model";
    Err(weights::misfit(&run.dir.last_checkpoint(), &message))
}

/// What `run.json` says of a validation. A perplexity that is infinite is left out, since JSON has no such
/// number.
fn metrics(validation: &Validation) -> Vec<(String, f64)> {
    let perplexity = Some(validation.perplexity()).filter(|it| it.is_finite());
    let metrics = [
        ("valid_loss", Some(validation.loss)),
        ("valid_perplexity", perplexity),
        ("valid_accuracy", validation.accuracy),
    ];
    let known = metrics.into_iter();
    let known = known.filter_map(|(name, metric)| Some((name.to_owned(), metric?)));
    known.collect()
}

/// What draws the words that targets are compared with, unless those are the whole vocabulary.
pub(super) fn sampler(
    recipe: &LanguageModelRecipe,
    model: &LanguageModel,
    train: &dyn TokenIds,
    seed: u64,
) -> Result<Option<CandidateSampler>, TrainError> {
    match recipe.softmax {
        Softmax::Full => Ok(None),
        Softmax::Sampled(samples) => {
            let vocab_size = model.encoder.vocab_size();
            let sampler = CandidateSampler::new(train, vocab_size, samples, seed)?;
            Ok(Some(sampler))
        }
    }
}

/// What one step is made with.
pub(crate) struct Step<'a> {
    pub(crate) batch: &'a LmBatch,
    /// The words that the targets are compared with; `None` for the whole vocabulary.
    pub(crate) candidates: Option<Candidates>,
    pub(crate) dropout: DropoutRng,
    /// The global norm that gradients are clipped to; 0 for no clipping.
    pub(crate) clip_norm: f64,
    pub(crate) rates: &'a StepRates<'a>,
}

/// One step: forward, loss, backward, clip, update.
pub(crate) fn step(
    model: LanguageModel,
    optimizer: &mut Optimizer,
    state: AwdLstmState,
    mut step: Step<'_>,
) -> (LanguageModel, LanguageModelLoss) {
    let device = model.encoder.embedding.val().device();
    let inputs = to_tensor(&step.batch.inputs, step.batch, &device);
    let dropout = Some(&mut step.dropout);
    let loss = match step.candidates {
        None => {
            let targets = to_tensor(&step.batch.targets, step.batch, &device);
            model.loss(inputs, targets, state, dropout)
        }
        Some(candidates) => {
            let n_candidates = candidates.ids.len();
            let log_probabilities = TensorData::new(candidates.log_probabilities, [n_candidates]);
            let sampled = SampledTargets {
                candidates: ids(&candidates.ids, [n_candidates], &device),
                log_probabilities: Tensor::from_data(log_probabilities, &device),
                targets: to_tensor(&candidates.targets, step.batch, &device),
            };
            model.sampled_loss(inputs, sampled, state, dropout)
        }
    };
    let gradients = GradientsParams::from_grads(loss.total().backward(), &model);
    let gradients = if step.clip_norm > 0.0 {
        clip_global_norm(&model, gradients, step.clip_norm).0
    } else {
        gradients.into()
    };
    (optimizer.step(model, gradients, step.rates), loss)
}

/// Mean loss and accuracy over a stream, without dropout.
pub(crate) fn validate(
    model: &LanguageModel,
    batches: BpttBatches,
    device: &Device,
) -> Result<Validation, TrainError> {
    let model = model.valid();
    let (mut loss, mut correct, mut count) = (0.0, 0_i64, 0);
    let mut state = None;
    for batch in batches {
        let batch = batch?;
        let start = state
            .take()
            .unwrap_or_else(|| AwdLstmState::zeros(&model.encoder, batch.batch_size, device));
        let inputs = to_tensor(&batch.inputs, &batch, device);
        let targets = to_tensor(&batch.targets, &batch, device);
        let (batch_loss, batch_correct, next) = model.evaluate(inputs, targets, start);
        loss += f64::from(batch_loss.into_scalar::<f32>());
        correct += batch_correct.into_scalar::<i64>();
        count += batch.inputs.len();
        state = Some(next);
    }
    let count = count.max(1) as f64;
    Ok(Validation {
        loss: loss / count,
        accuracy: Some(correct as f64 / count),
    })
}

/// The validation documents as a stream, with as many rows as they fill; `None` without any.
fn validation_stream(
    valid: Arc<dyn TokenIds>,
    train: &LmStream,
) -> Result<Option<LmStream>, TrainError> {
    if valid.n_tokens() < 2 {
        return Ok(None);
    }
    let mut config = train.config().clone();
    // Rows shorter than a chunk would give every prediction too little to go by.
    let rows = valid.n_tokens() / config.sequence_length.base();
    config.batch_size = config.batch_size.min(rows).max(1);
    Ok(Some(LmStream::new(valid, config)?.shuffled(false)))
}

/// The tokens of a batch, `[batch_size, seq_len]`.
fn to_tensor(tokens: &[u32], batch: &LmBatch, device: &Device) -> Tensor<2, Int> {
    ids(tokens, [batch.batch_size, batch.seq_len], device)
}

fn ids<const D: usize>(values: &[u32], shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    let values = values.iter().map(|&id| i64::from(id)).collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Ends a run: the model file, then `run.json`, so that a finished run always has its model.
pub(super) fn conclude(
    run: &mut Run,
    trained: TrainedLanguageModel,
    observer: &mut dyn Observer,
) -> Result<TrainedLanguageModel, TrainError> {
    let file = ModelFile::LanguageModel(Box::new(trained));
    file.save(&run.dir.model())?;
    run.finish(observer)?;
    let ModelFile::LanguageModel(trained) = file else {
        unreachable!("the file was made from a language model")
    };
    Ok(*trained)
}
