//! Decoder and loss as one node of the autodiff graph.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend};

use super::CrossEntropyOptions;
use super::extension::{CrossEntropyBackend, Wanted};
use crate::tied_weight::SharedGradient;

/// The backward pass; its parents are hidden, weight and bias.
#[derive(Debug)]
struct CrossEntropyBackward;

impl<B: CrossEntropyBackend> Backward<B, 3> for CrossEntropyBackward {
    /// The gradients of the mean loss, and who else may add to the weight's.
    type State = ([Option<FloatTensor<B>>; 3], SharedGradient);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let scale = grads.consume::<B>(&ops.node);
        let (gradients, shared) = ops.state;
        if gradients[1].is_some() {
            shared.set_registered();
        }
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                let gradient = B::scale_gradient(gradient, scale.clone());
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: CrossEntropyBackend, C: CheckpointStrategy> CrossEntropyBackend for Autodiff<B, C> {
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
        gradient: SharedGradient,
    ) -> FloatTensor<Self> {
        let wanted = Wanted {
            hidden: hidden.is_tracked(),
            weight: weight.is_tracked(),
            bias: bias.is_tracked(),
        };
        let (hidden, hidden_node) = hidden.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let nodes = [hidden_node, weight_node, bias_node];
        match CrossEntropyBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (loss, hidden, weight, bias) = B::linear_cross_entropy_gradients(
                    hidden, weight, bias, targets, options, wanted,
                );
                prep.finish(([hidden, weight, bias], gradient), loss)
            }
            OpsKind::UnTracked(prep) => {
                let loss =
                    B::linear_cross_entropy(hidden, weight, bias, targets, options, gradient);
                prep.finish(loss)
            }
        }
    }

    fn linear_cross_entropy_sum(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (loss, correct) = B::linear_cross_entropy_sum(
            hidden.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
            targets,
            options,
        );
        (Self::from_inner(loss), correct)
    }
}
