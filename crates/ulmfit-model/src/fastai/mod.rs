//! Checkpoints of fastai's, versions 0.7, 1.0 and 2, by a reader that executes nothing.
//!
//! 1. [`pickle`]: Python's pickles, as far as tensors and lists of strings need them.
//! 2. [`container`]: the two files that `PyTorch` has written tensors in, and safetensors.
//! 3. [`tensor`] and [`element`]: where a tensor's elements lie, and what they are.
//! 4. [`layout`] and [`head`]: which name stands for which weight; [`survey`] compares what is there
//!    with what a model calls for.
//! 5. [`vocabulary`]: the pickled words.
//! 6. [`export`]: the way back.
//!
//! Everything works on bytes, without a device. Whatever the bytes, what is allocated is bounded by
//! their number.

mod container;
mod element;
mod export;
mod head;
mod layout;
mod misfit;
mod pickle;
mod survey;
mod tensor;
mod vocabulary;

pub use export::{pickle_of_strings, to_fastai};
pub use layout::{FastaiModel, FastaiPart, FastaiVersion};
pub use misfit::{Misfit, Misfits};
pub use vocabulary::FastaiVocab;

use crate::error::ModelError;

impl FastaiModel {
    /// Reads a checkpoint: what `learn.save` or `learn.save_encoder` wrote with any version of
    /// `PyTorch`, or a safetensors file with the same names.
    ///
    /// # Errors
    ///
    /// [`ModelError::Checkpoint`] says what is wrong with the bytes, without naming the file;
    /// [`ModelError::Layout`] lists every tensor that is missing, of another shape, or too much;
    /// [`ModelError::Config`] when the sizes are those of no model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Ok(container::open(bytes, layout::read)?)
    }
}
