//! A recipe for the documents at hand and for the time there is.

use std::time::Duration;

use ulmfit_optim::{DiscriminativeLr, Stage, Unfreezing};

use crate::error::TrainError;
use crate::recipe::{ClassWeights, Recipe, TrainingRecipe};

/// How fast a machine trains a language model with a recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Tokens a second.
    pub tokens_per_second: f64,
}

/// How much there is to learn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Amount {
    /// Labeled documents to train on.
    pub(super) documents: usize,
    /// Their tokens.
    pub(super) labeled_tokens: usize,
    /// Labeled documents to measure on.
    pub(super) held_out: usize,
    /// Their tokens.
    pub(super) held_out_tokens: usize,
    /// Tokens for the language model: those of the documents to train on, and those without labels.
    pub(super) text_tokens: usize,
    /// Documents for the language model.
    pub(super) text_documents: usize,
    /// Models to train, one a direction.
    pub(super) directions: usize,
    /// How many times the rarest class the most frequent one is, of those to train on.
    pub(super) skew: f64,
}

/// Tokens that fine-tuning aims to read, over all its epochs: what the paper's data sets of a few
/// thousand documents have in their 15 epochs.
const FINETUNE_TOKENS: usize = 2_000_000;
/// The paper, section 4.1: 15 epochs of fine-tuning at most.
const MOST_FINETUNE_EPOCHS: usize = 15;
/// Documents that the classifier's last phase aims to read, over all its epochs.
const CLASSIFIER_DOCUMENTS: usize = 6_000;
/// As many epochs of all groups as that is, within these.
const CLASSIFIER_EPOCHS: [usize; 2] = [3, 30];
/// What a time budget leaves of them.
const LEAST_CLASSIFIER_EPOCHS: usize = 2;
/// What a time budget leaves of fine-tuning's last phase.
const LEAST_FINETUNE_EPOCHS: usize = 1;
/// The time of a token that is read forward alone, in tokens that are trained on: backward is about twice
/// the work.
const FORWARD: f64 = 1.0 / 3.0;
/// Documents below which a batch has half as many, for the steps, and all groups half the rate: with a
/// hundred labels they overfit within a few epochs.
const FEW_DOCUMENTS: usize = 200;
/// A skew from which the rare classes count more.
const SKEWED: f64 = 3.0;
/// Text below which a model from scratch is a small one.
const LITTLE_TEXT: usize = 1_000_000;

/// The recipe that the chosen ones differ from in a few numbers.
pub(super) fn base() -> Recipe {
    const TEXT: &str = include_str!("../../../../recipes/fit.toml");
    toml::from_str(TEXT).expect("the recipe in the program is whole")
}

/// Chooses epochs and batch sizes, and without a pretrained model sizes and rates, by how much there
/// is to learn from.
pub(super) fn choose(amount: &Amount, pretrained: bool) -> Recipe {
    let mut recipe = base();
    let finetune = &mut recipe.finetune.training;
    let epochs = FINETUNE_TOKENS / amount.text_tokens.max(1);
    finetune.epochs = epochs.clamp(1, MOST_FINETUNE_EPOCHS);
    // Rows of a hundred tokens at least.
    while finetune.batch_size > 4 && amount.text_tokens < 100 * finetune.batch_size {
        finetune.batch_size /= 2;
    }
    if amount.text_documents < 20 {
        finetune.validation = 0.0;
    }
    if !pretrained {
        // As pretraining does: there is nothing to preserve.
        finetune.schedule = recipe.pretrain.training.schedule.clone();
        finetune.discriminative = DiscriminativeLr::Uniform;
        finetune.epochs = (2 * finetune.epochs).min(MOST_FINETUNE_EPOCHS);
        if amount.text_tokens < LITTLE_TEXT {
            recipe.model.d_embedding = 128;
            recipe.model.d_hidden = 256;
            recipe.model.n_layers = 2;
        }
    }
    if amount.skew >= SKEWED {
        recipe.classifier.class_weights = ClassWeights::SquareRoot;
    }
    if amount.documents < FEW_DOCUMENTS {
        recipe.classifier.training.batch_size /= 2;
        if let Some(last) = last_phase(&mut recipe.classifier.training) {
            last.lr_max = last.lr_max.map(|rate| rate / 2.0);
        }
    }
    let [least, most] = CLASSIFIER_EPOCHS;
    let epochs = CLASSIFIER_DOCUMENTS.div_ceil(amount.documents.max(1));
    let [_, n_groups] = n_groups(&recipe);
    let training = &mut recipe.classifier.training;
    set_last_epochs(training, n_groups, epochs.clamp(least, most));
    recipe
}

/// Shortens a recipe until it fits the time. Returns how many tokens the language model may read.
///
/// # Errors
///
/// [`TrainError::Unusable`] when even the shortest takes longer.
pub(super) fn shorten(
    recipe: &mut Recipe,
    amount: &Amount,
    limit: Duration,
    speed: Speed,
) -> Result<usize, TrainError> {
    let limit = limit.as_secs_f64();
    loop {
        let [finetune, classifier] = seconds(recipe, amount, speed);
        if finetune + classifier <= limit {
            return Ok(amount.text_tokens);
        }
        let [of_finetune, of_classifier] = n_groups(recipe);
        let last_finetune = last_epochs(&recipe.finetune.training, of_finetune);
        let last_classifier = last_epochs(&recipe.classifier.training, of_classifier);
        let can_finetune_less = last_finetune > LEAST_FINETUNE_EPOCHS;
        let can_train_less = last_classifier > LEAST_CLASSIFIER_EPOCHS;
        if can_finetune_less && (finetune >= classifier || !can_train_less) {
            let training = &mut recipe.finetune.training;
            set_last_epochs(training, of_finetune, last_finetune - 1);
        } else if can_train_less {
            let training = &mut recipe.classifier.training;
            set_last_epochs(training, of_classifier, last_classifier - 1);
        } else {
            return fewer_texts(amount, [finetune, classifier], limit);
        }
    }
}

/// Only as much text without labels as there is time for, but all that has labels.
fn fewer_texts(
    amount: &Amount,
    [finetune, classifier]: [f64; 2],
    limit: f64,
) -> Result<usize, TrainError> {
    let labeled = amount.labeled_tokens as f64 / amount.text_tokens.max(1) as f64;
    let share = (limit - classifier) / finetune;
    if share < labeled {
        let minutes = ((labeled * finetune + classifier) / 60.0).ceil();
        return Err(TrainError::Unusable(format!(
            "training takes {minutes} min on this machine at the least; allow more time, or \
             take a part of the documents with --limit"
        )));
    }
    Ok((share * amount.text_tokens as f64) as usize)
}

/// What fine-tuning and the classifier take, over all directions. A classifier trains on about as many
/// tokens a second as a language model with a sampled softmax; the epochs of its head alone take less.
/// The part of the text that fine-tuning validates on counts as if it were trained on.
pub(super) fn seconds(recipe: &Recipe, amount: &Amount, speed: Speed) -> [f64; 2] {
    let finetune = recipe.finetune.training.epochs * amount.text_tokens;
    let training = &recipe.classifier.training;
    let trained_on = training.epochs * amount.labeled_tokens;
    let validated = training.validated_between_epochs(amount.documents, amount.held_out);
    let part = validated as f64 / amount.held_out.max(1) as f64;
    // In the end all of them are read twice more: for the run, and for the fit.
    let readings = training.epochs as f64 * part + 2.0;
    let classifier = trained_on as f64 + FORWARD * readings * amount.held_out_tokens as f64;
    [finetune as f64, classifier]
        .map(|tokens| amount.directions as f64 * tokens / speed.tokens_per_second)
}

/// The layer groups of the language model, which has one for each layer and one for the embedding, and of
/// the classifier, which has one for its head too.
fn n_groups(recipe: &Recipe) -> [usize; 2] {
    [recipe.model.n_layers + 1, recipe.model.n_layers + 2]
}

/// The epochs of a stage's last phase, in which all groups train.
fn last_epochs(training: &TrainingRecipe, n_groups: usize) -> usize {
    let phases = training.phases(n_groups);
    let phases = phases.expect("the recipe was validated");
    phases.last().map_or(0, |phase| phase.epochs)
}

fn set_last_epochs(training: &mut TrainingRecipe, n_groups: usize, epochs: usize) {
    let before = training.epochs - last_epochs(training, n_groups);
    training.epochs = before + epochs;
    if let Some(last) = last_phase(training) {
        last.epochs = epochs;
    }
}

/// The last phase where they are written out. One of no epochs is none.
fn last_phase(training: &mut TrainingRecipe) -> Option<&mut Stage> {
    match &mut training.unfreezing {
        Unfreezing::Explicit(phases) => phases.iter_mut().rev().find(|phase| phase.epochs > 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ulmfit_optim::Trainable;

    use super::*;
    use crate::recipe::Keep;

    fn amount(documents: usize, others: usize) -> Amount {
        Amount {
            documents,
            labeled_tokens: 250 * documents,
            text_tokens: 250 * (documents + others),
            text_documents: documents + others,
            held_out: 0,
            held_out_tokens: 0,
            directions: 1,
            skew: 1.0,
        }
    }

    #[test]
    fn little_is_read_often() {
        for (documents, finetune, classifier, batch_size, rate) in [
            (40, 15, 30, 8, 0.004),
            (500, 15, 12, 16, 0.008),
            (5_000, 1, 3, 16, 0.008),
            (50_000, 1, 3, 16, 0.008),
        ] {
            let mut recipe = choose(&amount(documents, 0), true);
            assert_eq!(recipe.finetune.training.epochs, finetune, "{documents}");
            let training = &mut recipe.classifier.training;
            assert_eq!(last_epochs(training, 5), classifier, "{documents}");
            assert_eq!(training.epochs, classifier + 1);
            assert_eq!(training.batch_size, batch_size);
            let last = last_phase(training).expect("phases");
            assert_eq!(last.lr_max, Some(rate));
        }
    }

    #[test]
    fn what_takes_too_long_is_shortened_to_fit() {
        let amount = amount(1_000, 10_000);
        let speed = Speed {
            tokens_per_second: 5_000.0,
        };
        for minutes in [5, 10, 60] {
            let limit = Duration::from_mins(minutes);
            let mut recipe = choose(&amount, true);
            let text_tokens = shorten(&mut recipe, &amount, limit, speed).unwrap();
            let read = Amount {
                text_tokens,
                ..amount
            };
            let total: f64 = seconds(&recipe, &read, speed).iter().sum();
            assert!(total <= limit.as_secs_f64() + 1.0, "{minutes}: {total}");
            assert!(text_tokens >= amount.labeled_tokens);
        }
        let mut gradual = base();
        gradual.classifier.training.unfreezing = Unfreezing::Gradual;
        gradual.classifier.training.epochs = 20;
        shorten(&mut gradual, &amount, Duration::from_mins(10), speed).unwrap();
        // The head, three layers, and then all groups.
        assert_eq!(
            gradual.classifier.training.epochs,
            4 + LEAST_CLASSIFIER_EPOCHS
        );
        let limit = Duration::from_mins(1);
        let error = shorten(&mut base(), &amount, limit, speed).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("min on this machine at the least"),
            "{error}"
        );
    }

    #[test]
    fn phases_are_shortened_with_their_stage() {
        let amount = amount(1_000, 10_000);
        let speed = Speed {
            tokens_per_second: 5_000.0,
        };
        let explicit = Unfreezing::Explicit(vec![
            Stage::new(Trainable::Last(1), 1),
            Stage::new(Trainable::All, 9),
            Stage::new(Trainable::All, 0),
        ]);
        // What comes before all groups train stays as it is: of the language model's four, and of the
        // classifier's five.
        for (unfreezing, before) in [(explicit, [1, 1]), (Unfreezing::Gradual, [3, 4])] {
            let mut recipe = base();
            for training in [
                &mut recipe.finetune.training,
                &mut recipe.classifier.training,
            ] {
                training.epochs = 10;
                training.unfreezing = unfreezing.clone();
            }
            recipe.validate().unwrap();
            shorten(&mut recipe, &amount, Duration::from_mins(10), speed).unwrap();
            recipe.validate().unwrap();
            let [finetune, classifier] = before;
            assert_eq!(
                recipe.finetune.training.epochs,
                finetune + LEAST_FINETUNE_EPOCHS
            );
            assert_eq!(
                recipe.classifier.training.epochs,
                classifier + LEAST_CLASSIFIER_EPOCHS
            );
        }
    }

    #[test]
    fn validation_takes_time_too() {
        let amount = Amount {
            held_out: 1_000,
            held_out_tokens: 250_000,
            ..amount(100, 0)
        };
        let speed = Speed {
            tokens_per_second: 1_000.0,
        };
        let mut recipe = base();
        // Four epochs on 25,000 tokens. Where nothing depends on it, a hundred documents are validated on
        // after each, and all of them twice in the end.
        for (keep, expected) in [
            (Keep::Last, 100.0 + (4.0 * 25.0 + 2.0 * 250.0) / 3.0),
            (Keep::Best, 100.0 + (4.0 * 250.0 + 2.0 * 250.0) / 3.0),
        ] {
            recipe.classifier.training.keep = keep;
            let [_, classifier] = seconds(&recipe, &amount, speed);
            assert!((classifier - expected).abs() < 1e-6, "{classifier}");
        }
    }
}
