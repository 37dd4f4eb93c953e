//! AWD-LSTM language models and text classifiers, on every burn backend.
//!
//! The pieces of ULMFiT that hold weights, bottom to top:
//!
//! 1. [`Lstm`]: one layer, its gates fused, its hidden-to-hidden weights under [`WeightDrop`].
//! 2. [`AwdLstm`]: the encoder. Embedding, a stack of layers, and the five dropouts of Merity et
//!    al. (2017), *Regularizing and Optimizing LSTM Language Models*.
//! 3. [`LanguageModel`]: encoder and tied decoder; [`TextClassifier`]: encoder, [`ConcatPooling`]
//!    and a batch-norm head, as in Howard and Ruder (2018), section 3.3.
//! 4. [`transfer_vocabulary`] carries a language model over to another vocabulary; [`FastaiModel`]
//!    reads one that fastai made.
//!
//! Three conventions hold throughout:
//!
//! - **Hidden state is an argument and a result**, never a field: [`AwdLstmState`].
//! - **Dropout is an argument**: a forward pass draws its masks from the [`DropoutRng`] it is
//!   given, or none at all when it is given `None`. Masks are drawn on the host from the run's
//!   seed, so they are the same on every device and a resumed run repeats them.
//! - **Activations are time-major**, `[seq_len, batch_size, features]`, so that a time step is a
//!   contiguous slice; token ids are `[batch_size, seq_len]`, as people write them.
//!
//! The crate turns no burn backend on: the device that a module is made for decides.

mod awd_lstm;
mod awd_lstm_state;
mod batch_norm;
mod chunk_plan;
mod classifier_head;
mod concat_pooling;
mod document_reader;
mod dropout;
mod error;
mod fastai;
mod init;
mod language_model;
mod lstm;
mod packed;
mod regularization;
mod text_classifier;
mod transfer;
mod weights;

pub use awd_lstm::{AwdLstm, AwdLstmConfig, AwdLstmDropout, AwdLstmOutput};
pub use awd_lstm_state::AwdLstmState;
pub use batch_norm::{BatchNorm, BatchNormConfig, BatchStatistics};
pub use classifier_head::{ClassifierHead, ClassifierHeadConfig, HeadBlock};
pub use concat_pooling::ConcatPooling;
pub use dropout::{DropoutRng, EmbeddingDropout, LockedDropout, WeightDrop};
pub use error::ModelError;
pub use fastai::{
    FastaiModel, FastaiPart, FastaiVersion, FastaiVocab, Misfit, Misfits, pickle_of_strings,
    to_fastai,
};
pub use init::InitRng;
pub use language_model::{
    LanguageModel, LanguageModelConfig, LanguageModelLoss, LanguageModelOutput, SampledTargets,
};
pub use lstm::{Lstm, LstmConfig, LstmState};
pub use packed::{PackedAwdLstm, PackedClassifier};
pub use regularization::{activation_regularization, temporal_activation_regularization};
pub use text_classifier::{ClassifierOutput, TextClassifier, TextClassifierConfig};
pub use transfer::transfer_vocabulary;
pub use ulmfit_kernels::{Int8Rows, Precision};
pub use weights::{NamedTensor, load_weights, named_weights};
