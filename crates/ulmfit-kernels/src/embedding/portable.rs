//! Embeddings in burn operations, for every backend.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{IndexingUpdateOp, Shape};

use super::extension::WordMask;

/// See [`super::extension::EmbeddingBackend::word_embedding`].
pub(super) fn embedding<B: Backend>(
    weight: FloatTensor<B>,
    tokens: IntTensor<B>,
    mask: WordMask<B>,
) -> FloatTensor<B> {
    let embedded = B::float_select(weight, 0, tokens.clone()); // [tokens, d]
    masked::<B>(embedded, tokens, mask)
}

/// See [`super::extension::EmbeddingBackend::word_embedding_backward`].
pub(super) fn backward<B: Backend>(
    sum: FloatTensor<B>,
    grad: FloatTensor<B>,
    tokens: IntTensor<B>,
    mask: WordMask<B>,
) -> FloatTensor<B> {
    let grad = masked::<B>(grad, tokens.clone(), mask);
    B::float_select_assign(sum, 0, tokens, grad, IndexingUpdateOp::Add)
}

/// Each row times the value of its word.
fn masked<B: Backend>(
    rows: FloatTensor<B>,
    tokens: IntTensor<B>,
    mask: WordMask<B>,
) -> FloatTensor<B> {
    match mask {
        WordMask::Whole => rows,
        WordMask::Dropped(mask) => {
            let column = Shape::new([tokens.shape()[0], 1]);
            let values = B::float_reshape(B::float_select(mask, 0, tokens), column);
            B::float_mul(rows, values)
        }
    }
}
