//! The language model's data path: documents in a fresh order, cut in rows that continue from batch
//! to batch.
//!
//! An epoch shuffles the documents, thinks of them as one long text and cuts it in `batch_size`
//! rows of equal length. A batch takes the next few tokens of every row, so row `r` of a batch
//! continues row `r` of the one before it and the hidden state can be carried. The target of a token
//! is the token after it.

mod batches;
mod sequence_length;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::direction::Direction;
use crate::error::DataError;
use crate::rng;
use crate::token_ids::TokenIds;

pub use batches::{BpttBatches, LmBatch};
pub use sequence_length::SequenceLength;

/// How a corpus becomes language-model batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LmStreamConfig {
    /// Rows that are read side by side.
    pub batch_size: usize,
    /// Tokens a row gives to each batch.
    #[doc(alias = "bptt")]
    pub sequence_length: SequenceLength,
    /// Which way each document is read.
    pub direction: Direction,
    /// Seed of the document order and of the jitter.
    pub seed: u64,
}

/// A corpus laid out for training or validating a language model.
#[derive(Clone, Debug)]
#[doc(alias = "LMDataLoader")]
pub struct LmStream {
    corpus: Arc<dyn TokenIds>,
    config: LmStreamConfig,
    shuffled: bool,
}

impl LmStream {
    /// A stream over a corpus, shuffled anew each epoch.
    ///
    /// # Errors
    ///
    /// [`DataError::InvalidSetting`] when the batch size or the sequence length is 0, and
    /// [`DataError::TooFewTokens`] when a row would be left without an input and its target, which
    /// takes `batch_size + 1` tokens. The batch size is never reduced silently, since that
    /// would change the result.
    pub fn new(
        corpus: impl Into<Arc<dyn TokenIds>>,
        config: LmStreamConfig,
    ) -> Result<Self, DataError> {
        let corpus = corpus.into();
        let positive = |name, value: usize| match value {
            0 => Err(DataError::InvalidSetting {
                name,
                value: value.to_string(),
                expected: "at least 1",
            }),
            _ => Ok(()),
        };
        positive("batch_size", config.batch_size)?;
        positive("sequence_length", config.sequence_length.base())?;
        let largest = corpus.n_tokens().saturating_sub(1);
        if config.batch_size > largest {
            return Err(DataError::TooFewTokens {
                tokens: corpus.n_tokens(),
                batch_size: config.batch_size,
                largest,
            });
        }
        Ok(Self {
            corpus,
            config,
            shuffled: true,
        })
    }

    /// Whether [`epoch`](Self::epoch) shuffles the documents (it does unless told otherwise).
    #[must_use]
    pub const fn shuffled(mut self, shuffled: bool) -> Self {
        self.shuffled = shuffled;
        self
    }

    /// The settings.
    pub const fn config(&self) -> &LmStreamConfig {
        &self.config
    }

    /// The documents.
    pub const fn corpus(&self) -> &Arc<dyn TokenIds> {
        &self.corpus
    }

    /// Tokens that one row reads in an epoch. Up to `batch_size` tokens at the very end of the
    /// shuffled text are left over: another few each epoch.
    pub fn row_length(&self) -> usize {
        self.corpus.n_tokens().saturating_sub(1) / self.config.batch_size
    }

    /// Token predictions in an epoch, over all rows.
    pub fn n_predictions(&self) -> usize {
        self.row_length() * self.config.batch_size
    }

    /// The batches of one epoch. The same seed and epoch give the same batches, whatever came
    /// before.
    pub fn epoch(&self, epoch: u64) -> BpttBatches {
        let mut order: Vec<usize> = (0..self.corpus.n_documents()).collect();
        if self.shuffled {
            let mut draws = rng::stream(self.config.seed, "lm document order", epoch);
            rng::shuffle(&mut draws, &mut order);
        }
        let mut draws = rng::stream(self.config.seed, "lm sequence lengths", epoch);
        let steps = self
            .config
            .sequence_length
            .steps(self.row_length(), &mut draws);
        self.batches(order, steps)
    }

    /// The batches for validation: documents as they are, each batch of the base length.
    pub fn epoch_in_order(&self) -> BpttBatches {
        let fixed = SequenceLength::Fixed(self.config.sequence_length.base());
        let mut no_draws = rng::stream(self.config.seed, "unused", 0);
        let steps = fixed.steps(self.row_length(), &mut no_draws);
        self.batches((0..self.corpus.n_documents()).collect(), steps)
    }

    fn batches(&self, order: Vec<usize>, steps: Vec<sequence_length::Step>) -> BpttBatches {
        BpttBatches::new(
            Arc::clone(&self.corpus),
            self.config.direction,
            order,
            self.config.batch_size,
            self.row_length(),
            steps,
        )
    }
}
