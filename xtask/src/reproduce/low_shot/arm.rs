//! The ways to a classifier that are compared.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use crate::reproduce::low_shot::TOKENS_PER_REVIEW;
use crate::reproduce::study::variant::Variant;

/// A way from labeled documents to a classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Arm {
    /// TF-IDF with logistic regression
    TfIdf,
    /// The classifier on random weights
    FromScratch,
    /// Pretrained, the language model fine-tuned on the labeled texts alone
    Supervised,
    /// Pretrained, the language model fine-tuned on all training and unlabeled texts
    SemiSupervised,
    /// The semi-supervised classifier and a backward one, averaged
    BothDirections,
}

/// Documents that the classifier's last phase aims to read, over all its epochs: as `ulmfit fit`.
const CLASSIFIER_DOCUMENTS: usize = 6_000;
/// The epochs of that phase, at least and at most: as `ulmfit fit`.
const CLASSIFIER_EPOCHS: [usize; 2] = [3, 30];
/// Labels below which a batch has half as many documents: as `ulmfit fit`.
const FEW_LABELS: usize = 200;
/// The rate of all groups, below that many labels and above: as `ulmfit fit`.
const RATES: [f64; 2] = [0.004, 0.008];
/// The same where the language model read all reviews, and has more to be kept (docs/results/LOG.md).
const SEMI_SUPERVISED_RATE: f64 = 0.004;
/// The same on random weights, with Adam and gradients as fastai has them: at the 0.005 of its own runs from
/// scratch both sides end up guessing (docs/results/LOG.md).
const SCRATCH_RATE: f64 = 0.003;
/// The epochs of the head alone before it.
const HEAD_EPOCHS: usize = 1;
/// Tokens that fine-tuning aims to read, over all its epochs: as `ulmfit fit`.
const FINETUNE_TOKENS: f64 = 2e6;
/// The paper, section 4.1.
const MOST_FINETUNE_EPOCHS: f64 = 15.0;

impl Arm {
    pub(crate) const ALL: [Self; 5] = [
        Self::TfIdf,
        Self::FromScratch,
        Self::Supervised,
        Self::SemiSupervised,
        Self::BothDirections,
    ];

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TfIdf => "TF-IDF + logistic regression",
            Self::FromScratch => "from scratch",
            Self::Supervised => "ULMFiT, supervised",
            Self::SemiSupervised => "ULMFiT, semi-supervised",
            Self::BothDirections => "ULMFiT, semi-supervised, both directions",
        }
    }

    /// What the recipe is changed in for this many labels: little is read often, and in small batches.
    pub(crate) fn variant(self, labels: usize) -> Variant {
        let [few, many] = RATES;
        let (batch_size, supervised_rate) = if labels < FEW_LABELS {
            (8, few)
        } else {
            (16, many)
        };
        let rate = match self {
            Self::SemiSupervised | Self::BothDirections => SEMI_SUPERVISED_RATE,
            Self::TfIdf | Self::FromScratch | Self::Supervised => supervised_rate,
        };
        let [least, most] = CLASSIFIER_EPOCHS;
        let last = CLASSIFIER_DOCUMENTS.div_ceil(labels.max(1));
        let last = last.clamp(least, most);
        let variant = Variant::default()
            .with("classifier.training.batch_size", batch_size.to_string())
            .with(
                "classifier.training.epochs",
                (HEAD_EPOCHS + last).to_string(),
            );
        let phases = format!(
            "{{ explicit = [{{ trainable = {{ last = 1 }}, epochs = {HEAD_EPOCHS}, lr_max = 0.02 }}, \
             {{ trainable = \"all\", epochs = {last}, lr_max = {rate} }}] }}"
        );
        let pretrained = |variant: Variant| variant.with("classifier.training.unfreezing", phases);
        match self {
            Self::TfIdf => Variant::default(),
            // There is nothing to preserve.
            Self::FromScratch => variant
                .with("classifier.training.unfreezing", "\"full\"")
                .with(
                    "classifier.training.schedule.lr_max",
                    SCRATCH_RATE.to_string(),
                )
                .with_fastai_optimizer(),
            Self::Supervised => {
                let tokens = TOKENS_PER_REVIEW * labels.max(1) as f64;
                let epochs = (FINETUNE_TOKENS / tokens)
                    .clamp(1.0, MOST_FINETUNE_EPOCHS)
                    .floor();
                pretrained(variant)
                    .with("finetune.training.epochs", format!("{epochs:.0}"))
                    // A part of so few texts would say nothing.
                    .with("finetune.training.validation", "0.0")
            }
            Self::SemiSupervised | Self::BothDirections => pretrained(variant),
        }
    }
}

/// As on the command line and in the names of folders.
impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TfIdf => "tf-idf",
            Self::FromScratch => "from-scratch",
            Self::Supervised => "supervised",
            Self::SemiSupervised => "semi-supervised",
            Self::BothDirections => "both-directions",
        })
    }
}
