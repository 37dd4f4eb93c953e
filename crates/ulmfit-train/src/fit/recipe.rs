//! A recipe for the documents at hand and for the time there is.

use std::time::Duration;

use ulmfit_optim::{DiscriminativeLr, Stage, Unfreezing};

use crate::error::TrainError;
use crate::recipe::{ClassWeights, Recipe};

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
    /// Tokens for the language model: theirs, and those without labels.
    pub(super) text_tokens: usize,
    /// Documents for the language model.
    pub(super) text_documents: usize,
    /// Models to train, one a direction.
    pub(super) directions: usize,
    /// How many times the rarest class the most frequent one is.
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
        if let Some(last) = last_phase(&mut recipe) {
            last.lr_max = last.lr_max.map(|rate| rate / 2.0);
        }
    }
    let [least, most] = CLASSIFIER_EPOCHS;
    let epochs = CLASSIFIER_DOCUMENTS.div_ceil(amount.documents.max(1));
    set_last_epochs(&mut recipe, epochs.clamp(least, most));
    recipe
}

/// Shortens a recipe until it fits the time. Returns how many documents the language model may read.
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
            return Ok(amount.text_documents);
        }
        let can_finetune_less = recipe.finetune.training.epochs > 1;
        let last = last_epochs(recipe);
        let can_train_less = last > LEAST_CLASSIFIER_EPOCHS;
        if can_finetune_less && (finetune >= classifier || !can_train_less) {
            recipe.finetune.training.epochs -= 1;
        } else if can_train_less {
            set_last_epochs(recipe, last - 1);
        } else {
            return fewer_texts(amount, [finetune, classifier], limit);
        }
    }
}

/// Only so many texts without labels as there is time for, but all that have labels.
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
    let others = amount.text_documents - amount.documents;
    let kept = (share - labeled) / (1.0 - labeled) * others as f64;
    Ok(amount.documents + kept as usize)
}

/// What fine-tuning and the classifier take, over all directions. A classifier trains on about as many
/// tokens a second as a language model with a sampled softmax; the epochs of its head alone take less.
pub(super) fn seconds(recipe: &Recipe, amount: &Amount, speed: Speed) -> [f64; 2] {
    let tokens = [
        recipe.finetune.training.epochs * amount.text_tokens,
        recipe.classifier.training.epochs * amount.labeled_tokens,
    ];
    tokens.map(|tokens| (amount.directions * tokens) as f64 / speed.tokens_per_second)
}

/// The epochs of the classifier's last phase, in which all groups train.
fn last_epochs(recipe: &Recipe) -> usize {
    let training = &recipe.classifier.training;
    let phases = training.phases(recipe.model.n_layers + 2);
    let phases = phases.expect("the recipe was validated");
    phases.last().map_or(0, |phase| phase.epochs)
}

fn set_last_epochs(recipe: &mut Recipe, epochs: usize) {
    let before = recipe.classifier.training.epochs - last_epochs(recipe);
    recipe.classifier.training.epochs = before + epochs;
    if let Some(last) = last_phase(recipe) {
        last.epochs = epochs;
    }
}

fn last_phase(recipe: &mut Recipe) -> Option<&mut Stage> {
    match &mut recipe.classifier.training.unfreezing {
        Unfreezing::Explicit(phases) => phases.last_mut(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(documents: usize, others: usize) -> Amount {
        Amount {
            documents,
            labeled_tokens: 250 * documents,
            text_tokens: 250 * (documents + others),
            text_documents: documents + others,
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
            assert_eq!(last_epochs(&recipe), classifier, "{documents}");
            assert_eq!(recipe.classifier.training.epochs, classifier + 1);
            assert_eq!(recipe.classifier.training.batch_size, batch_size);
            let last = last_phase(&mut recipe).expect("phases");
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
            let texts = shorten(&mut recipe, &amount, limit, speed).unwrap();
            let read = Amount {
                text_tokens: 250 * texts,
                ..amount
            };
            let total: f64 = seconds(&recipe, &read, speed).iter().sum();
            assert!(total <= limit.as_secs_f64() + 1.0, "{minutes}: {total}");
            assert!(texts >= amount.documents);
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
}
