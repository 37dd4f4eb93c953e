//! The layer as one node of the autodiff graph.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend};

use super::extension::{LstmBackend, WeightMask};
use super::layer::{self, Saved, Wanted};

/// The backward pass; its parents are input, `weight_ih`, `weight_hh` and bias.
#[derive(Debug)]
struct LstmBackward;

impl<B: LstmBackend> Backward<B, 4> for LstmBackward {
    type State = Saved<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 4>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [input, weight_ih, weight_hh, bias] = ops.parents;
        let wanted = Wanted {
            input: input.is_some(),
            weight_ih: weight_ih.is_some(),
            weight_hh: weight_hh.is_some(),
            bias: bias.is_some(),
        };
        let grad = grads.consume::<B>(&ops.node);
        let computed = layer::backward::<B>(ops.state, grad, wanted);
        for (parent, grad) in [
            (input, computed.input),
            (weight_ih, computed.weight_ih),
            (weight_hh, computed.weight_hh),
            (bias, computed.bias),
        ] {
            if let (Some(parent), Some(grad)) = (parent, grad) {
                grads.register::<B>(parent.id, grad);
            }
        }
    }
}

impl<B: LstmBackend, C: CheckpointStrategy> LstmBackend for Autodiff<B, C> {
    fn lstm(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        mask: WeightMask<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (input, input_node) = input.into_parts();
        let (weight_ih, weight_ih_node) = weight_ih.into_parts();
        let (weight_hh, weight_hh_node) = weight_hh.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let (hidden, _) = hidden.into_parts();
        let (cell, _) = cell.into_parts();
        let mask = match mask {
            WeightMask::Whole => WeightMask::Whole,
            WeightMask::Dropped(mask) => WeightMask::Dropped(mask.into_parts().0),
        };
        let nodes = [input_node, weight_ih_node, weight_hh_node, bias_node];
        match LstmBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, cell, saved) =
                    layer::forward::<B>(input, hidden, cell, weight_ih, weight_hh, mask, bias);
                (prep.finish(saved, output), Self::from_inner(cell))
            }
            OpsKind::UnTracked(prep) => {
                let (output, cell) = B::lstm(input, hidden, cell, weight_ih, weight_hh, mask, bias);
                (prep.finish(output), Self::from_inner(cell))
            }
        }
    }
}
