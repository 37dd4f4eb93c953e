use burn::tensor::Device;
use serde::Serialize;
use ulmfit_data::{Document, LmStream, LmStreamConfig, SequenceLength, encode_documents};

use super::language_model::validate;
use crate::error::TrainError;
use crate::event::Validation;
use crate::model_file::TrainedLanguageModel;

/// Tokens of a chunk; it bounds the memory and changes nothing else, since the state is carried.
const SEQUENCE_LENGTH: usize = 70;
/// Most rows that are read side by side.
const MAX_ROWS: usize = 32;
/// A row starts without anything to go by, so it is to be long before there is another one.
const TOKENS_PER_ROW: usize = 4096;

/// How well a language model predicts a text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LanguageModelReport {
    /// Mean negative log-likelihood of a token, in nats.
    pub loss: f64,
    /// The exponential of the loss.
    pub perplexity: f64,
    /// The part of the tokens that were the most probable ones.
    pub accuracy: f64,
    /// Tokens that were predicted.
    pub tokens: usize,
}

/// Measures a language model on documents, read one after the other in their order.
///
/// # Errors
///
/// [`TrainError::Data`] when there are fewer than two tokens.
pub fn evaluate_language_model(
    documents: &[Document],
    trained: &TrainedLanguageModel,
    device: &Device,
) -> Result<LanguageModelReport, TrainError> {
    let corpus = encode_documents(&trained.tokenizer, &trained.vocab, documents);
    let config = LmStreamConfig {
        batch_size: (corpus.n_tokens() / TOKENS_PER_ROW).clamp(1, MAX_ROWS),
        sequence_length: SequenceLength::Fixed(SEQUENCE_LENGTH),
        direction: trained.direction,
        seed: 0,
    };
    let stream = LmStream::new(corpus, config)?.shuffled(false);
    let validation = validate(&trained.model, stream.epoch_in_order(), device)?;
    let perplexity = validation.perplexity();
    let Validation { loss, accuracy } = validation;
    Ok(LanguageModelReport {
        loss,
        perplexity,
        accuracy: accuracy.unwrap_or_default(),
        tokens: stream.n_predictions(),
    })
}
