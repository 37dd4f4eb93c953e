use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ulmfit_data::{
    Direction, DocumentBatches, EncodedCorpus, TokenizedCorpus, Tokenizer, Vocab, stratified_split,
};
use ulmfit_model::{
    AwdLstm, AwdLstmConfig, DropoutRng, InitRng, Precision, TextClassifier, TextClassifierConfig,
    activation_regularization, named_weights, temporal_activation_regularization,
};
use ulmfit_optim::{LayerGroups, Optimizer, StepRates, clip_global_norm, unfreeze};

use super::objective::Objective;
use super::plan;
use super::run::{Run, Subject};
use super::session::Session;
use super::weights;
use crate::digest;
use crate::direction::directed;
use crate::error::TrainError;
use crate::event::{Observer, Validation};
use crate::model_file::{ModelFile, TrainedClassifier, TrainedLanguageModel};
use crate::options::RunOptions;
use crate::prepare::{check_language_model, check_tokenizer, others, vocabulary};
use crate::recipe::{ClassWeights, ClassifierRecipe, Keep, Recipe, TrainingRecipe};
use crate::target::{Standardization, Target};
use crate::truth::Truth;

/// Documents and what they are to be answered with.
pub(super) struct Labeled {
    pub(super) documents: EncodedCorpus,
    pub(super) objective: Objective,
}

/// Labeled documents to train a classifier on.
#[derive(Clone, Debug)]
pub struct ClassifierData<'a> {
    /// The documents, each with its label.
    pub corpus: &'a TokenizedCorpus,
    /// What the labels are to be.
    pub target: Target,
    /// Those to validate on, in rising order; where none are named, the recipe's part, drawn by the
    /// seed: of each class, or where the target is not one class, of all. Between epochs no more of them
    /// are read than there are to train on, unless the recipe's `keep`, `patience` or optimizer depend on it.
    pub held_out: Option<Vec<usize>>,
}

/// One class a document.
impl<'a> From<&'a TokenizedCorpus> for ClassifierData<'a> {
    fn from(corpus: &'a TokenizedCorpus) -> Self {
        Self {
            corpus,
            target: Target::SingleLabel,
            held_out: None,
        }
    }
}

/// Trains a classifier on top of a fine-tuned language model (Howard and Ruder 2018, section
/// 3.3), and writes `model.safetensors` into the run's folder.
///
/// Without `language_model` the encoder starts from random weights, with the sizes of the recipe's
/// `[model]` and the vocabulary of the documents to train on: "from scratch" in the paper's table 7.
///
/// # Errors
///
/// Any [`TrainError`]; a run that ends in one can be resumed from its last checkpoint.
pub fn train_classifier<'a>(
    data: impl Into<ClassifierData<'a>>,
    language_model: Option<TrainedLanguageModel>,
    recipe: &Recipe,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<TrainedClassifier, TrainError> {
    let ClassifierData {
        corpus,
        target,
        held_out,
    } = data.into();
    recipe.validate()?;
    let stage = &recipe.classifier;
    let (labels, truth) = Truth::new(&target, corpus.labels().iter())?;
    let (train, valid) = if let Some(valid) = held_out {
        check_rising(&valid, truth.len())?;
        (others(&valid, truth.len()), valid)
    } else {
        stratified_split(&truth.strata(), stage.training.validation, options.seed)
    };
    let Base {
        encoder,
        tokenizer,
        vocab,
        digest,
        weights,
    } = match language_model {
        Some(language_model) => Base::pretrained(language_model, corpus, options.direction)?,
        None => Base::untrained(corpus, &train, recipe)?,
    };
    let direction = options.direction;
    let corpus = directed(corpus.encode_all(&vocab).load()?, direction);
    let data_digest = digest::of_data(&corpus, &truth.words(), &vocab)?;
    let data_digest = digest::of_text(&format!("{data_digest} {labels:?} {valid:?}"));
    let standardization = Standardization::of_truth(&truth, &train)?;
    let part = |places: &[usize], weights| Labeled {
        documents: corpus.select(places),
        objective: Objective::new(
            truth.select(places),
            labels.len(),
            weights,
            &standardization,
        ),
    };
    let (train, valid) = (
        part(&train, stage.class_weights),
        part(&valid, ClassWeights::None),
    );

    let config = stage.config(encoder, target.n_outputs(&labels));
    let classifier = start(&config, weights, options.seed, &options.device)?;
    let mut run = Run::open(
        Subject {
            stage: "classifier",
            recipe,
            train: &train.documents,
            valid: &valid.documents,
            data_digest,
            pretrained_digest: digest,
            vocab_size: vocab.len(),
            parameters: classifier.num_params(),
        },
        options,
    )?;
    if run.finished {
        let mut classifiers = ModelFile::open_classifiers(&run.dir.model(), &options.device)?;
        return classifiers.pop().ok_or_else(|| {
            TrainError::Unusable("the finished run's model file holds no classifier".to_owned())
        });
    }
    let model = train_loop(
        &mut run, classifier, &train, &valid, stage, options, observer,
    )?;
    let trained = TrainedClassifier {
        config,
        tokenizer,
        vocab,
        labels,
        target,
        standardization,
        direction,
        provenance: run.provenance(),
        precision: Precision::Float32,
        temperature: 1.0,
        model,
    };
    ModelFile::Classifier(vec![trained.clone()]).save(&run.dir.model())?;
    run.finish(observer)?;
    Ok(trained)
}

/// Fails unless these are places below `count`, each above the one before it.
fn check_rising(places: &[usize], count: usize) -> Result<(), TrainError> {
    let rises = places.windows(2).all(|pair| pair[0] < pair[1]);
    if rises && places.last().is_none_or(|&last| last < count) {
        return Ok(());
    }
    Err(TrainError::Unusable(format!(
        "the documents to hold out are places from 0 to below {count}, in rising order"
    )))
}

/// What a classifier is built on.
struct Base {
    encoder: AwdLstmConfig,
    tokenizer: Tokenizer,
    vocab: Vocab,
    /// Of the language model.
    digest: Option<String>,
    /// Of the encoder; random ones where there are none.
    weights: Option<AwdLstm>,
}

impl Base {
    fn pretrained(
        language_model: TrainedLanguageModel,
        corpus: &TokenizedCorpus,
        direction: Direction,
    ) -> Result<Self, TrainError> {
        check_language_model(&language_model, corpus, direction, "the language model")?;
        Ok(Self {
            digest: Some(digest::of_language_model(&language_model)),
            encoder: language_model.config.encoder,
            tokenizer: language_model.tokenizer,
            vocab: language_model.vocab,
            weights: Some(language_model.model.encoder),
        })
    }

    fn untrained(
        corpus: &TokenizedCorpus,
        train: &[usize],
        recipe: &Recipe,
    ) -> Result<Self, TrainError> {
        check_tokenizer(corpus, &recipe.text, None, "the recipe's [text]")?;
        let vocab = vocabulary(corpus, train, recipe)?;
        Ok(Self {
            encoder: recipe.encoder(vocab.len(), recipe.classifier.dropout()),
            tokenizer: corpus.tokenizer().clone(),
            vocab,
            digest: None,
            weights: None,
        })
    }
}

/// The classifier before its first step: a language model's encoder, if there is one, and a new head.
pub(super) fn start(
    config: &TextClassifierConfig,
    encoder: Option<AwdLstm>,
    seed: u64,
    device: &Device,
) -> Result<TextClassifier, TrainError> {
    config.validate()?;
    let classifier = config.init(&mut InitRng::new(seed), &device.clone().autodiff());
    Ok(match encoder {
        Some(encoder) => classifier.with_encoder(encoder.train(), config),
        None => classifier,
    })
}

/// Trains `model` as the recipe says, from the run's checkpoint if there is one.
///
/// Each step: set the rates, [`step`], log.
fn train_loop(
    run: &mut Run,
    model: TextClassifier,
    train: &Labeled,
    valid: &Labeled,
    recipe: &ClassifierRecipe,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<TextClassifier, TrainError> {
    let batches = DocumentBatches::new(train.documents.lengths(), recipe.training.batch_size)?;
    let groups = LayerGroups::new(&model, model.layer_groups())?;
    let multipliers = recipe.training.discriminative.multipliers(groups.len())?;
    let (epochs, n_steps) = plan::epochs(&recipe.training, groups.len(), |_| batches.n_batches())?;

    let mut optimizer = recipe.training.optimizer.init()?;
    let (mut model, progress, _) = weights::restore(run, model, &mut optimizer)?;
    let mut session = Session::start(
        run.stage,
        &run.dir,
        observer,
        progress,
        options.checkpoint_every,
        options.stop.clone(),
    )?;
    session.announce(n_steps, epochs.len());

    let n_valid = valid.documents.len();
    let between_epochs = between_epochs(&recipe.training, train.documents.len(), n_valid);
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
        let order = batches.training(options.seed, index as u64);
        for (position, batch) in order.into_iter().enumerate().skip(done) {
            let schedule_step = epoch.schedule_offset + position;
            let rates = StepRates::at(&groups, &multipliers, &epoch.schedule, schedule_step)?;
            let learning_rate = epoch.schedule.rate(schedule_step);

            let dropout = DropoutRng::new(options.seed, session.progress().step);
            let loss;
            (model, loss) = step(
                model,
                &mut optimizer,
                train,
                &batch.indices,
                recipe,
                dropout,
                &rates,
            );

            session.step(loss, learning_rate, batch.indices.len())?;
            if session.checkpoint_is_due() {
                session.checkpoint(named_weights(&model), optimizer.state(), None)?;
            }
        }

        if !valid.objective.is_empty() {
            let averaged = optimizer.averaged(model.clone());
            let batch_size = recipe.training.batch_size;
            let result = validate(&averaged, valid, &between_epochs, batch_size)?;
            optimizer.record_validation(result.loss);
            validation = Some(result);
        }
        let best = session.end_epoch(validation)?;
        if best && recipe.training.keep == Keep::Best {
            weights::keep_best(&run.dir, &optimizer.averaged(model.clone()))?;
        }
        session.checkpoint(named_weights(&model), optimizer.state(), None)?;
    }

    let validated = !valid.objective.is_empty();
    let keep = recipe.training.keep;
    let model = weights::chosen(&run.dir, model, &optimizer, keep, validated)?;
    session.check_weights(&named_weights(&model))?;
    if validated {
        let all: Vec<usize> = (0..n_valid).collect();
        let result = validate(&model, valid, &all, recipe.training.batch_size)?;
        let metrics = &mut run.info.metrics;
        metrics.insert("valid_loss".to_owned(), result.loss);
        metrics.extend(result.accuracy.map(|it| ("valid_accuracy".to_owned(), it)));
    }
    run.info.steps = session.progress().step;
    run.info.seconds = session.seconds();
    Ok(model.valid())
}

/// One step on the documents of these places: forward, loss, backward, clip, update. The loss,
/// `[1]`, is without regularization.
pub(super) fn step(
    model: TextClassifier,
    optimizer: &mut Optimizer,
    train: &Labeled,
    indices: &[usize],
    recipe: &ClassifierRecipe,
    mut dropout: DropoutRng,
    rates: &StepRates<'_>,
) -> (TextClassifier, Tensor<1>) {
    let documents = indices.iter().map(|&index| train.documents.document(index));
    let documents = documents.collect::<Vec<_>>();
    let output = model.forward_train(&documents, &mut dropout);
    let loss = train.objective.loss(output.logits, indices);
    let total = loss.clone() + regularization(output.pooled, recipe);
    let gradients = GradientsParams::from_grads(total.backward(), &model);
    let gradients = match recipe.training.clip_norm {
        max_norm if max_norm > 0.0 => clip_global_norm(&model, gradients, max_norm).0,
        _ => gradients.into(),
    };
    let model = optimizer.step(model, gradients, rates);
    (model.with_statistics(output.statistics), loss)
}

/// Activation regularization of the encoder's outputs, plain and temporal, `[1]`: the mean over
/// the chunks of each chunk's own.
fn regularization(pooled: Vec<Tensor<3>>, recipe: &ClassifierRecipe) -> Tensor<1> {
    let n_chunks = pooled.len().max(1) as f64;
    let chunks = pooled.into_iter().map(|output| {
        activation_regularization(output.clone(), recipe.alpha)
            + temporal_activation_regularization(output, recipe.beta)
    });
    let sum = chunks.reduce(|sum, chunk| sum + chunk);
    sum.expect("a batch has at least one pooled chunk") / n_chunks
}

/// The places of the documents held out that are validated on between epochs, in rising order: all, or
/// where those are too many an even sample.
fn between_epochs(recipe: &TrainingRecipe, n_train: usize, n_valid: usize) -> Vec<usize> {
    let count = recipe.validated_between_epochs(n_train, n_valid);
    (0..count).map(|index| index * n_valid / count).collect()
}

/// Mean loss and accuracy over the documents at these places, without dropout.
fn validate(
    model: &TextClassifier,
    valid: &Labeled,
    places: &[usize],
    batch_size: usize,
) -> Result<Validation, TrainError> {
    let model = model.valid();
    let (mut loss, mut right, mut count) = (0.0, Some(0), 0);
    let lengths = places.iter().map(|&at| valid.documents.document(at).len());
    for batch in DocumentBatches::new(lengths.collect(), batch_size)?.evaluation() {
        let places = batch.indices.iter().map(|&index| places[index]);
        let places = places.collect::<Vec<_>>();
        let documents = places.iter().map(|&at| valid.documents.document(at));
        let outputs = model.forward(&documents.collect::<Vec<_>>());
        let more = valid.objective.n_right(outputs.clone(), &places);
        right = right.zip(more).map(|(right, more)| right + more);
        let mean: f32 = valid.objective.loss(outputs, &places).into_scalar();
        loss += f64::from(mean) * places.len() as f64;
        count += places.len();
    }
    let count = count.max(1) as f64;
    Ok(Validation {
        loss: loss / count,
        accuracy: right.map(|right| right as f64 / count),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validation_between_epochs_reads_no_more_documents_than_training() {
        let mut recipe = crate::fit::recipe().classifier.training;
        assert_eq!(between_epochs(&recipe, 4, 10), [0, 2, 5, 7]);
        assert_eq!(between_epochs(&recipe, 10, 4), [0, 1, 2, 3]);
        assert_eq!(between_epochs(&recipe, 4, 0), [0; 0]);
        // Where something depends on it, all are read.
        recipe.keep = Keep::Best;
        let all: Vec<usize> = (0..10).collect();
        assert_eq!(between_epochs(&recipe, 4, 10), all);
    }
}
