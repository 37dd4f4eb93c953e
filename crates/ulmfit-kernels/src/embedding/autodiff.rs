//! The embedding as one node of the autodiff graph.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, TensorMetadata};
use burn::tensor::Shape;

use super::extension::{EmbeddingBackend, WordMask};
use crate::tied_weight::SharedGradient;

/// The backward pass; its parent is the weight.
#[derive(Debug)]
struct EmbeddingBackward;

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
struct Saved<B: EmbeddingBackend> {
    tokens: IntTensor<B>,
    mask: WordMask<B>,
    weight: Shape,
    gradient: SharedGradient,
}

impl<B: EmbeddingBackend> Backward<B, 1> for EmbeddingBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let [Some(weight)] = ops.parents else {
            return;
        };
        let saved = ops.state;
        // This node and the weight have the same requirement if neither is a leaf: then `consume`
        // takes the gradient out, and otherwise it would be counted twice.
        let takes = weight.requirement == ops.node.requirement;
        let sum = if takes && saved.gradient.is_registered() {
            grads.consume::<B>(&weight)
        } else {
            B::float_zeros(saved.weight, &grad.device(), grad.dtype().into())
        };
        let sum = B::word_embedding_backward(sum, grad, saved.tokens, saved.mask);
        grads.register::<B>(weight.id, sum);
        saved.gradient.set_registered();
    }
}

impl<B: EmbeddingBackend, C: CheckpointStrategy> EmbeddingBackend for Autodiff<B, C> {
    fn word_embedding(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        mask: WordMask<Self>,
        gradient: SharedGradient,
    ) -> FloatTensor<Self> {
        let (weight, node) = weight.into_parts();
        let mask = match mask {
            WordMask::Whole => WordMask::Whole,
            WordMask::Dropped(mask) => WordMask::Dropped(mask.into_primitive()),
        };
        match EmbeddingBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let saved = Saved {
                    tokens: tokens.clone(),
                    mask: mask.clone(),
                    weight: weight.shape(),
                    gradient: gradient.clone(),
                };
                prep.finish(saved, B::word_embedding(weight, tokens, mask, gradient))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::word_embedding(weight, tokens, mask, gradient))
            }
        }
    }
}
