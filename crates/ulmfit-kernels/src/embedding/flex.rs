//! Embeddings on burn's CPU backend.

use std::borrow::Cow;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};

use super::extension::{EmbeddingBackend, WordMask};
use super::{cpu, portable};
use crate::cpu::flex::{floats, floats_mut, from_floats, integers, uses_kernels};
use crate::tied_weight::SharedGradient;

impl WordMask<Flex> {
    fn floats(&self) -> Option<Cow<'_, [f32]>> {
        match self {
            Self::Whole => None,
            Self::Dropped(mask) => Some(floats(mask)),
        }
    }
}

impl EmbeddingBackend for Flex {
    fn word_embedding(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        mask: WordMask<Self>,
        _gradient: SharedGradient,
    ) -> FloatTensor<Self> {
        if !uses_kernels(&weight) {
            return portable::embedding::<Self>(weight, tokens, mask);
        }
        let (vocab_size, d) = (weight.shape()[0], weight.shape()[1]);
        let tokens = words(&tokens, vocab_size);
        let embedded = cpu::gather(&floats(&weight), d, &tokens, mask.floats().as_deref());
        from_floats(embedded, [tokens.len(), d])
    }

    fn word_embedding_backward(
        sum: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        mask: WordMask<Self>,
    ) -> FloatTensor<Self> {
        if !uses_kernels(&sum) {
            return portable::backward::<Self>(sum, grad, tokens, mask);
        }
        let mut sum = sum;
        let (vocab_size, d) = (sum.shape()[0], sum.shape()[1]);
        let tokens = words(&tokens, vocab_size);
        let (grad, mask) = (floats(&grad), mask.floats());
        cpu::scatter_add(floats_mut(&mut sum), &grad, d, &tokens, mask.as_deref());
        sum
    }
}

/// The tokens as indices of rows.
fn words(tokens: &IntTensor<Flex>, vocab_size: usize) -> Vec<usize> {
    let tokens = integers(tokens);
    let words = tokens.iter().map(|&token| {
        assert!(
            (0..vocab_size as i64).contains(&token),
            "the token {token} is not in the vocabulary of {vocab_size} words"
        );
        token as usize
    });
    words.collect()
}
