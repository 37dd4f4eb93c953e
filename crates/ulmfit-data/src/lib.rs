//! Text rules, tokenization, vocabularies, corpus readers and batching for ULMFiT.
//!
//! The path of a text through this crate, which is also the order to read it in:
//!
//! 1. [`corpus`] reads [`Document`]s from the files people have.
//! 2. [`rules`] rewrites a text as fastai v2 does; [`word`], [`unicode_words`] or [`subwords`] cuts it,
//!    and [`Tokenizer`] joins the two.
//! 3. [`TokenizedCorpus`] holds many documents as tokens, in memory or on disk ([`encode_corpus`]), and
//!    [`Vocab`] turns them into ids, which are read through [`TokenIds`].
//! 4. [`LmStream`] cuts a corpus into language-model batches; [`DocumentBatches`] groups documents of
//!    like length for the classifier.
//!
//! Token ids are `u32` and a batch is a `Vec<u32>` plus its shape: nothing here knows about tensors.
//! Every random draw comes from [`rng::stream`], so a seed gives the same order on every machine.
//! Nothing here prints, exits or panics on bad input: every failure is a [`DataError`].
//!
//! ```
//! use ulmfit_data::{
//!     Direction, Document, LmStream, LmStreamConfig, SequenceLength, TokenizedCorpus, Tokenizer,
//!     VocabConfig,
//! };
//!
//! # fn main() -> Result<(), ulmfit_data::DataError> {
//! let documents = ["I LOVED it!!!", "Not bad at all."].map(Document::new);
//! let tokenizer = Tokenizer::default();
//! let corpus = TokenizedCorpus::from_documents(&tokenizer, &documents);
//! let config = VocabConfig { min_freq: 1, ..VocabConfig::default() };
//! let vocab = corpus.vocab(&[0, 1], &config)?;
//!
//! let stream = LmStream::new(
//!     corpus.encode_all(&vocab),
//!     LmStreamConfig {
//!         batch_size: 2,
//!         sequence_length: SequenceLength::Jittered { base: 70 },
//!         direction: Direction::Forward,
//!         seed: 42,
//!     },
//! )?;
//! for batch in stream.epoch(0) {
//!     let batch = batch?;
//!     assert_eq!(batch.inputs.len(), batch.batch_size * batch.seq_len);
//! }
//! # Ok(())
//! # }
//! ```

pub mod candidates;
pub mod corpus;
mod detokenize;
pub mod direction;
pub mod document_batches;
pub mod encoded;
pub mod error;
pub mod lm_stream;
mod parts;
pub mod rng;
pub mod rules;
pub mod special;
pub mod split;
pub mod stats;
pub mod stored;
pub mod subwords;
pub mod token_ids;
pub mod tokenized;
pub mod tokenizer;
pub mod unicode_words;
pub mod vocab;
pub mod word;

pub use candidates::{CandidateSampler, Candidates};
pub use corpus::{
    CorpusFormat, CorpusOptions, CorpusReader, Document, LabelKind, read_corpus, read_stream,
};
pub use direction::Direction;
pub use document_batches::{DocumentBatch, DocumentBatches};
pub use encoded::{EncodedCorpus, encode, encode_documents};
pub use error::DataError;
pub use lm_stream::{BpttBatches, LmBatch, LmStream, LmStreamConfig, SequenceLength};
pub use parts::PartSize;
pub use split::{balanced_sample, stratified_sample, stratified_split};
pub use stats::{CorpusStats, Fingerprints, LengthBucket};
pub use stored::{
    CorpusSource, EncodeOptions, EncodeOutcome, EncodeProgress, encode_corpus, is_encoded_corpus,
    remove_encoded_corpus,
};
pub use subwords::Subwords;
pub use token_ids::TokenIds;
pub use tokenized::{DocumentLabels, TokenizedCorpus};
pub use tokenizer::{Rules, Splitter, Tokenizer, TokenizerConfig, TokenizerTrainer};
pub use vocab::{Vocab, VocabBuilder, VocabConfig};
