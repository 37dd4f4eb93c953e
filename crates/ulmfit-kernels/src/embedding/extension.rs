#![allow(
    deprecated,
    reason = "the macro names NdArray, which is offered for as long as burn ships it"
)]

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::portable;
use crate::tied_weight::SharedGradient;

/// What word dropout multiplies the words with, `[vocab_size]`.
///
/// An enum of its own since an operation's arguments are tensors, structs and enums of tensors.
#[derive(Clone, Debug, ExtensionType)]
pub(super) enum WordMask<B: Backend> {
    /// All words are as they are.
    Whole,
    /// Each word times its element here.
    Dropped(FloatTensor<B>),
}

/// The backends that can look embeddings up; the macro routes burn's runtime dispatch to them.
#[backend_extension(
    Autodiff,
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Fusion: cfg(any(feature = "wgpu", feature = "cuda")),
)]
pub(super) trait EmbeddingBackend: Backend {
    /// The words' embeddings, `[tokens, d]`: see [`super::embedding`]. `gradient` is the weight's.
    #[fusion(default)]
    fn word_embedding(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        #[extension_type] mask: WordMask<Self>,
        gradient: SharedGradient,
    ) -> FloatTensor<Self> {
        let _ = gradient;
        portable::embedding::<Self>(weight, tokens, mask)
    }

    /// The weight's gradient, `[vocab_size, d]`: `sum`, of the same shape, plus what `grad`, the
    /// gradient of the embeddings, `[tokens, d]`, adds to it.
    #[fusion(default)]
    fn word_embedding_backward(
        sum: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        #[extension_type] mask: WordMask<Self>,
    ) -> FloatTensor<Self> {
        portable::backward::<Self>(sum, grad, tokens, mask)
    }
}

#[cfg(feature = "ndarray")]
impl EmbeddingBackend for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl EmbeddingBackend for burn::backend::Cube {}
