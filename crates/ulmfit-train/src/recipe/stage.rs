use serde::{Deserialize, Serialize};
use ulmfit_data::SequenceLength;
use ulmfit_model::{AwdLstmConfig, AwdLstmDropout, TextClassifierConfig};
use ulmfit_optim::{
    DiscriminativeLr, OptimError, OptimizerConfig, ScheduleConfig, Stage, Unfreezing,
};

use crate::error::TrainError;

/// What no stage needs: an epoch takes some bytes before the first step.
const MOST_EPOCHS: usize = 10_000;
/// Most rows or documents of a batch: more than any memory holds the activations of.
const MOST_ROWS: usize = 1 << 16;

/// What the three stages have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Rows, or documents, of a step: from 1 to 65,536.
    pub batch_size: usize,
    /// How often the training data are gone through.
    pub epochs: usize,
    /// Which layer groups train when.
    pub unfreezing: Unfreezing,
    /// How the groups' learning rates relate.
    pub discriminative: DiscriminativeLr,
    /// The learning rate over a phase of unfreezing; a phase may have its own.
    pub schedule: ScheduleConfig,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The global norm that gradients are clipped to; 0 for no clipping.
    pub clip_norm: f64,
    /// The part of the documents that is held out for validation, in [0, 1); 0 for none.
    pub validation: f64,
    /// Epochs without a better validation loss after which a stage ends early; 0 for never.
    pub patience: usize,
    /// Which weights the stage ends with.
    pub keep: Keep,
}

/// Which weights a stage ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those after the last step.
    Last,
    /// Those of the epoch with the least validation loss.
    Best,
}

/// How a language model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelRecipe {
    /// Tokens of a row in a step.
    pub sequence_length: SequenceLength,
    /// Dropout probabilities before `dropout_multiplier`.
    pub dropout: AwdLstmDropoutRecipe,
    /// What every dropout probability is multiplied by.
    pub dropout_multiplier: f64,
    /// Weight of activation regularization.
    pub alpha: f64,
    /// Weight of temporal activation regularization.
    pub beta: f64,
    /// What the targets are compared with.
    pub softmax: Softmax,
    /// The rest.
    pub training: TrainingRecipe,
}

/// What the targets of a language model are compared with while it trains. Validation compares with
/// the whole vocabulary in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Softmax {
    /// All words of the vocabulary.
    Full,
    /// The batch's targets and this many words drawn from the training text, as often as they occur
    /// there.
    Sampled(usize),
}

/// How a classifier is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierRecipe {
    /// The longest chunk of a document that is read at once, in tokens.
    pub bptt: usize,
    /// How many of a document's last tokens are pooled and trained through.
    pub max_len: usize,
    /// Features of the head's hidden layer.
    pub d_head: usize,
    /// Dropout before the head's last linear layer; not multiplied.
    pub head_dropout: f64,
    /// Dropout probabilities before `dropout_multiplier`.
    pub dropout: AwdLstmDropoutRecipe,
    /// What every dropout probability is multiplied by.
    pub dropout_multiplier: f64,
    /// Weight of activation regularization.
    pub alpha: f64,
    /// Weight of temporal activation regularization.
    pub beta: f64,
    /// How much a document counts, by its class.
    pub class_weights: ClassWeights,
    /// The rest.
    pub training: TrainingRecipe,
}

/// How much a document counts in the loss, by its class; ours, `balanced` as scikit-learn has it. A class
/// that is `r` times as frequent as the classes are on average counts 1, 1/r or 1/√r. Of several labels a document, one that `n` documents
/// lack for each that has it counts 1, n or √n where it is there (`pos_weight` of `PyTorch`'s
/// `BCEWithLogitsLoss`), and 1 where it is not. Numbers count the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All the same: for accuracy.
    None,
    /// As if all classes were as frequent: for recall of the rare ones.
    Balanced,
    /// Half way.
    SquareRoot,
}

impl ClassWeights {
    /// The weight of each class, given how many documents each has; 0 for a class without any.
    pub(crate) fn of(self, counts: &[usize]) -> Vec<f32> {
        let mean = counts.iter().sum::<usize>() as f64 / counts.len().max(1) as f64;
        let weight = |&count: &usize| {
            let rarity = if count == 0 { 0.0 } else { mean / count as f64 };
            match self {
                Self::None => 1.0,
                Self::Balanced => rarity as f32,
                Self::SquareRoot => rarity.sqrt() as f32,
            }
        };
        counts.iter().map(weight).collect()
    }

    /// What each label counts where a document has it, given how many of the documents do; 1 for a label
    /// that all of them have, or none.
    pub(crate) fn of_positives(self, counts: &[usize], n_documents: usize) -> Vec<f32> {
        let weight = |&count: &usize| {
            if count == 0 || count >= n_documents {
                return 1.0;
            }
            let lacking = (n_documents - count) as f64 / count as f64;
            match self {
                Self::None => 1.0,
                Self::Balanced => lacking as f32,
                Self::SquareRoot => lacking.sqrt() as f32,
            }
        };
        counts.iter().map(weight).collect()
    }
}

/// [`AwdLstmDropout`] as a recipe states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwdLstmDropoutRecipe {
    output: f64,
    hidden: f64,
    input: f64,
    embedding: f64,
    weight: f64,
}

impl LanguageModelRecipe {
    /// The dropout probabilities, multiplied.
    pub fn dropout(&self) -> AwdLstmDropout {
        self.dropout.scaled(self.dropout_multiplier)
    }
}

impl ClassifierRecipe {
    /// The configuration of a classifier on top of a language model's encoder.
    pub fn config(&self, encoder: AwdLstmConfig, n_outputs: usize) -> TextClassifierConfig {
        TextClassifierConfig::new(encoder.with_dropout(self.dropout()), n_outputs)
            .with_d_head(self.d_head)
            .with_head_dropout(self.head_dropout)
            .with_bptt(self.bptt)
            .with_max_len(Some(self.max_len))
    }

    /// The dropout probabilities, multiplied.
    pub fn dropout(&self) -> AwdLstmDropout {
        self.dropout.scaled(self.dropout_multiplier)
    }
}

impl AwdLstmDropoutRecipe {
    fn scaled(&self, multiplier: f64) -> AwdLstmDropout {
        AwdLstmDropout::new(
            self.output,
            self.hidden,
            self.input,
            self.embedding,
            self.weight,
        )
        .scaled(multiplier)
    }
}

impl TrainingRecipe {
    /// The phases of unfreezing, bottom group first, for a model with `n_groups` layer groups.
    pub(crate) fn phases(&self, n_groups: usize) -> Result<Vec<Stage>, OptimError> {
        self.unfreezing.stages(n_groups, self.epochs)
    }

    /// Whether anything is decided by the validation between epochs: which weights are kept, when the stage
    /// ends, or when the optimizer begins to average.
    pub fn heeds_validation(&self) -> bool {
        let averages = matches!(self.optimizer, OptimizerConfig::NtAsgd(_));
        self.keep == Keep::Best || self.patience > 0 || averages
    }

    /// How many of the documents held out a classifier is validated on between epochs: where nothing is
    /// decided by it, no more than it trains on, so that it is training that takes the time.
    pub(crate) fn validated_between_epochs(&self, n_train: usize, n_held_out: usize) -> usize {
        if self.heeds_validation() {
            n_held_out
        } else {
            n_held_out.min(n_train)
        }
    }

    /// Checks what can be checked without data.
    pub(super) fn validate(&self, n_groups: usize) -> Result<(), TrainError> {
        let refuse = |message: &str| Err(TrainError::Unusable(message.to_owned()));
        if !(1..=MOST_ROWS).contains(&self.batch_size) {
            return refuse(&format!("`batch_size` is from 1 to {MOST_ROWS}"));
        }
        if !(1..=MOST_EPOCHS).contains(&self.epochs) {
            return refuse(&format!("`epochs` is from 1 to {MOST_EPOCHS}"));
        }
        if !(0.0..1.0).contains(&self.validation) {
            return refuse("`validation` is a part of the documents, from 0 to less than 1");
        }
        if !(self.clip_norm >= 0.0 && self.clip_norm.is_finite()) {
            return refuse("`clip_norm` is 0, for no clipping, or a positive number");
        }
        if self.validation == 0.0 && self.heeds_validation() {
            return refuse(
                "`patience`, `keep = \"best\"` and the optimizer `nt-asgd` need a `validation` part \
                 above 0",
            );
        }
        self.discriminative.multipliers(n_groups)?;
        self.optimizer.init()?;
        for phase in self.phases(n_groups)? {
            phase.schedule(&self.schedule).init(1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_count_more() {
        let counts = [8, 2, 2, 0];
        assert_eq!(ClassWeights::None.of(&counts), [1.0; 4]);
        assert_eq!(ClassWeights::Balanced.of(&counts), [0.375, 1.5, 1.5, 0.0]);
        let half_way = ClassWeights::SquareRoot.of(&[8, 2]);
        assert!((half_way[1] / half_way[0] - 2.0).abs() < 1e-6);
        let counts = [5, 1, 0, 10];
        assert_eq!(
            ClassWeights::Balanced.of_positives(&counts, 10),
            [1.0, 9.0, 1.0, 1.0]
        );
        assert_eq!(
            ClassWeights::SquareRoot.of_positives(&counts, 10),
            [1.0, 3.0, 1.0, 1.0]
        );
        assert_eq!(ClassWeights::None.of_positives(&counts, 10), [1.0; 4]);
    }
}
