//! The learning-rate range test (Smith 2017, arXiv 1506.01186): a stage's steps at rates that rise
//! from one to the next, until the loss does.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use ulmfit_data::{
    Direction, DocumentBatches, LmStream, LmStreamConfig, TokenIds, TokenizedCorpus,
};
use ulmfit_model::{AwdLstmState, DropoutRng, InitRng, LanguageModel, LanguageModelConfig};
use ulmfit_optim::{LayerGroups, StepRates, unfreeze};

use super::classifier::{self, Labeled};
use super::objective::Objective;
use super::{finetune, language_model};
use crate::direction::directed;
use crate::error::TrainError;
use crate::event::{Event, Observer};
use crate::lr_curve::LrCurve;
use crate::model_file::TrainedLanguageModel;
use crate::prepare::{LanguageModelData, check_language_model, language_model_data};
use crate::recipe::{LanguageModelRecipe, Recipe, TrainingRecipe};
use crate::target::{Standardization, Target};
use crate::truth::Truth;

/// The stage whose steps are taken.
#[derive(Clone, Debug)]
pub enum LrFindStage {
    /// Pretraining, from scratch.
    Pretrain,
    /// Fine-tuning a language model; without one, from scratch.
    Finetune(Option<Box<TrainedLanguageModel>>),
    /// A classifier on top of a language model.
    Classifier(Box<TrainedLanguageModel>),
}

/// How a range test is run.
#[derive(Clone, Debug)]
pub struct LrFindOptions {
    /// The device to train on, without autodiff.
    pub device: Device,
    /// Which way documents are read.
    pub direction: Direction,
    /// What a classifier's documents are answered with; a language model has no use for it.
    pub target: Target,
    /// The seed of every draw.
    pub seed: u64,
    /// The first learning rate of the last layer group.
    pub first: f64,
    /// The last one.
    pub last: f64,
    /// Steps from the first to the last.
    pub steps: usize,
    /// Whose layer groups train, of the recipe's phases of unfreezing; counted from 0.
    pub phase: usize,
}

/// Takes the steps of a stage at learning rates that rise by the same factor from one to the next;
/// ends early when the loss does not come back. The model is given up afterwards.
///
/// # Errors
///
/// Any [`TrainError`]; [`TrainError::Unusable`] when the rates do not rise or the recipe has no such
/// phase.
pub fn find_learning_rate(
    corpus: &TokenizedCorpus,
    stage: LrFindStage,
    recipe: &Recipe,
    options: &LrFindOptions,
    observer: &mut dyn Observer,
) -> Result<LrCurve, TrainError> {
    let rises = options.first > 0.0 && options.first < options.last && options.last.is_finite();
    if !rises || options.steps < 2 {
        return Err(TrainError::Unusable(format!(
            "the learning rates go from {} to {} in {} steps; they must rise from a number above 0, \
             in 2 steps or more",
            options.first, options.last, options.steps
        )));
    }
    recipe.validate()?;
    match stage {
        LrFindStage::Pretrain => {
            let data = language_model_data(
                corpus,
                None,
                recipe,
                recipe.pretrain.training.validation,
                options.seed,
            )?;
            let encoder = recipe.encoder(data.vocab.len(), recipe.pretrain.dropout());
            let model = LanguageModelConfig::new(encoder)
                .with_alpha(recipe.pretrain.alpha)
                .with_beta(recipe.pretrain.beta)
                .init(
                    &mut InitRng::new(options.seed),
                    &options.device.clone().autodiff(),
                );
            of_language_model(model, data, &recipe.pretrain, options, observer)
        }
        LrFindStage::Finetune(pretrained) => {
            if let Some(pretrained) = &pretrained {
                finetune::check_fits(pretrained, corpus, recipe, options.direction)?;
            }
            let known = pretrained.as_ref().map(|pretrained| &pretrained.vocab);
            let data = language_model_data(
                corpus,
                known,
                recipe,
                recipe.finetune.training.validation,
                options.seed,
            )?;
            let pretrained = pretrained.map(|pretrained| *pretrained);
            let (_, model) = finetune::start(
                pretrained,
                &data.vocab,
                recipe,
                options.seed,
                &options.device,
            );
            of_language_model(model, data, &recipe.finetune, options, observer)
        }
        LrFindStage::Classifier(language_model) => {
            of_classifier(corpus, *language_model, recipe, options, observer)
        }
    }
}

fn of_language_model(
    model: LanguageModel,
    data: LanguageModelData,
    recipe: &LanguageModelRecipe,
    options: &LrFindOptions,
    observer: &mut dyn Observer,
) -> Result<LrCurve, TrainError> {
    let [train, _]: [Arc<dyn TokenIds>; 2] = data.corpora;
    let sampler = language_model::sampler(recipe, &model, &*train, options.seed)?;
    let config = LmStreamConfig {
        batch_size: recipe.training.batch_size,
        sequence_length: recipe.sequence_length,
        direction: options.direction,
        seed: options.seed,
    };
    let stream = LmStream::new(train, config)?;
    let groups = LayerGroups::new(&model, model.layer_groups())?;
    let mut test = RangeTest::new(&recipe.training, &groups, options, observer)?;
    let mut model = test.unfrozen(model)?;
    let mut optimizer = recipe.training.optimizer.init()?;
    for epoch in 0.. {
        let batch_size = recipe.training.batch_size;
        let device = options.device.clone().autodiff();
        let mut state = AwdLstmState::zeros(&model.encoder, batch_size, &device);
        for batch in stream.epoch(epoch) {
            let batch = batch?;
            let number = test.step();
            let (step, loss) = language_model::step(
                model,
                &mut optimizer,
                state,
                language_model::Step {
                    batch: &batch,
                    candidates: sampler.as_ref().map(|it| it.draw(number, &batch.targets)),
                    dropout: DropoutRng::new(options.seed, number),
                    clip_norm: recipe.training.clip_norm,
                    rates: &test.rates()?.scaled(batch.learning_rate_scale),
                },
            );
            (model, state) = (step, loss.state);
            let value = f64::from(loss.cross_entropy.into_scalar::<f32>());
            if !test.goes_on(value, batch.inputs.len()) {
                return Ok(test.curve);
            }
        }
    }
    Ok(test.curve)
}

fn of_classifier(
    corpus: &TokenizedCorpus,
    language_model: TrainedLanguageModel,
    recipe: &Recipe,
    options: &LrFindOptions,
    observer: &mut dyn Observer,
) -> Result<LrCurve, TrainError> {
    let whose = "the language model";
    check_language_model(&language_model, corpus, options.direction, whose)?;
    let recipe = &recipe.classifier;
    let (names, truth) = Truth::new(&options.target, corpus.labels().iter())?;
    let standardization = Standardization::of_truth(&truth, &(0..truth.len()).collect::<Vec<_>>())?;
    let documents = corpus.encode_all(&language_model.vocab).load()?;
    let documents = directed(documents, options.direction);
    let objective = Objective::new(truth, names.len(), recipe.class_weights, &standardization);
    let train = Labeled {
        documents,
        objective,
    };
    let n_outputs = options.target.n_outputs(&names);
    let config = recipe.config(language_model.config.encoder, n_outputs);
    let encoder = language_model.model.encoder;
    let model = classifier::start(&config, Some(encoder), options.seed, &options.device)?;
    let batches = DocumentBatches::new(train.documents.lengths(), recipe.training.batch_size)?;
    let groups = LayerGroups::new(&model, model.layer_groups())?;
    let mut test = RangeTest::new(&recipe.training, &groups, options, observer)?;
    let mut model = test.unfrozen(model)?;
    let mut optimizer = recipe.training.optimizer.init()?;
    for epoch in 0.. {
        for batch in batches.training(options.seed, epoch) {
            let dropout = DropoutRng::new(options.seed, test.step());
            let loss;
            (model, loss) = classifier::step(
                model,
                &mut optimizer,
                &train,
                &batch.indices,
                recipe,
                dropout,
                &test.rates()?,
            );
            let value = f64::from(loss.into_scalar::<f32>());
            if !test.goes_on(value, batch.indices.len()) {
                return Ok(test.curve);
            }
        }
    }
    Ok(test.curve)
}

/// Where a test stands.
struct RangeTest<'a> {
    groups: &'a LayerGroups,
    multipliers: Vec<f64>,
    trainable: ulmfit_optim::Trainable,
    options: &'a LrFindOptions,
    observer: &'a mut dyn Observer,
    curve: LrCurve,
}

impl<'a> RangeTest<'a> {
    fn new(
        recipe: &TrainingRecipe,
        groups: &'a LayerGroups,
        options: &'a LrFindOptions,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let phases = recipe.phases(groups.len())?;
        let Some(phase) = phases.get(options.phase) else {
            return Err(TrainError::Unusable(format!(
                "the recipe's unfreezing has {} phases, and phase {} is asked for",
                phases.len(),
                options.phase + 1
            )));
        };
        observer.observe(&Event::StageStarted {
            stage: "lr-find",
            step: 0,
            n_steps: options.steps as u64,
            n_epochs: 1,
        });
        Ok(Self {
            groups,
            multipliers: recipe.discriminative.multipliers(groups.len())?,
            trainable: phase.trainable,
            options,
            observer,
            curve: LrCurve::default(),
        })
    }

    /// The model with the phase's layer groups in training.
    fn unfrozen<M: Module>(&self, model: M) -> Result<M, TrainError> {
        Ok(unfreeze(model, self.groups, self.trainable)?)
    }

    /// The number of the next step, from 0.
    fn step(&self) -> u64 {
        self.curve.points.len() as u64
    }

    /// The last group's learning rate of the next step.
    fn rate(&self) -> f64 {
        let LrFindOptions {
            first, last, steps, ..
        } = self.options;
        let done = self.curve.points.len() as f64 / (steps - 1) as f64;
        first * (last / first).powf(done)
    }

    fn rates(&self) -> Result<StepRates<'a>, TrainError> {
        Ok(StepRates::new(self.groups, &self.multipliers, self.rate())?)
    }

    /// Takes note of a step; returns whether there is another one.
    fn goes_on(&mut self, loss: f64, items: usize) -> bool {
        let learning_rate = self.rate();
        let makes_sense = self.curve.add(learning_rate, loss);
        let step = self.step();
        self.observer.observe(&Event::Step { step, items });
        self.observer.observe(&Event::TrainingLoss {
            step,
            loss,
            learning_rate,
        });
        makes_sense && self.curve.points.len() < self.options.steps
    }
}
