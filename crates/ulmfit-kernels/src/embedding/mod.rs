//! The embeddings of tokens, with word dropout, as one operation.
//!
//! The gradient of an embedding has as many rows as there are tokens, but the weight's has a row for
//! each word of the vocabulary. Plain autodiff makes a matrix of zeros of the weight's size, adds
//! the rows, and adds that matrix to the decoder's gradient; here the rows are added to the
//! decoder's gradient where it is.

mod autodiff;
#[cfg(feature = "flex")]
mod cpu;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::tied_weight::TiedWeight;
use extension::{EmbeddingBackend, WordMask};

/// The rows of `weight` that belong to `tokens`, `[tokens, d]`, each times its word's value in
/// `word_mask` if there is one.
///
/// Gradients flow to `weight`; the mask is a constant.
///
/// # Shapes
///
/// - weight: `[vocab_size, d]`
/// - tokens: `[tokens]`, each below `vocab_size`
/// - `word_mask`: `[vocab_size]`
///
/// # Panics
///
/// Panics if the shapes do not fit together, on the CPU if a token is not in the vocabulary, or if
/// the tensors live on a backend that no feature of this crate names.
pub fn embedding(
    weight: impl Into<TiedWeight>,
    tokens: Tensor<1, Int>,
    word_mask: Option<Tensor<1>>,
) -> Tensor<2> {
    let TiedWeight { tensor, gradient } = weight.into();
    let [vocab_size, _] = tensor.dims();
    if let Some(mask) = &word_mask {
        assert_eq!(mask.dims(), [vocab_size], "the mask has a value a word");
    }
    Tensor::from_dispatch(<Dispatch as EmbeddingBackend>::word_embedding(
        tensor.into_dispatch(),
        tokens.into_dispatch(),
        match word_mask {
            None => WordMask::Whole,
            Some(mask) => WordMask::Dropped(mask.into_dispatch()),
        },
        gradient,
    ))
}

#[cfg(test)]
mod tests;
