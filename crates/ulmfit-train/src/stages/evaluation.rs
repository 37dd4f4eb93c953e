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
    /// The part of the text's tokens that are not in the vocabulary. Each counts as `xxunk`.
    pub unknown: f64,
    /// The bits that a character of the text takes, which models with different tokens can be compared by,
    /// as long as few are unknown: those take no more than `xxunk` does.
    pub bits_per_character: f64,
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
    let ids = corpus.iter().flatten();
    let unknown = ids.filter(|&&id| id == trained.vocab.unknown_id()).count();
    let unknown = unknown as f64 / corpus.n_tokens().max(1) as f64;
    let fields = documents.iter().flat_map(|document| &document.fields);
    let characters = fields.map(|field| field.chars().count()).sum::<usize>();
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
    let tokens = stream.n_predictions();
    let bits = loss * tokens as f64 / std::f64::consts::LN_2;
    Ok(LanguageModelReport {
        loss,
        perplexity,
        accuracy: accuracy.unwrap_or_default(),
        tokens,
        unknown,
        bits_per_character: bits / characters.max(1) as f64,
    })
}
