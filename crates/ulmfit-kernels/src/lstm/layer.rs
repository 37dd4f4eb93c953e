//! The layer around its recurrence: the products with all time steps at once.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, Slice};

use super::extension::{LstmBackend, Transposed, WeightMask};

/// What the backward pass needs of the forward pass; shapes as in [`LstmBackend::lstm_recurrence`].
#[derive(Clone, Debug)]
pub(super) struct Saved<B: Backend> {
    input: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    mask: WeightMask<B>,
    hiddens: FloatTensor<B>,
    cells: FloatTensor<B>,
    gates: FloatTensor<B>,
}

/// The gradients of the layer's inputs; `None` where nobody asked.
pub(super) struct Gradients<B: Backend> {
    pub(super) input: Option<FloatTensor<B>>,
    pub(super) weight_ih: Option<FloatTensor<B>>,
    pub(super) weight_hh: Option<FloatTensor<B>>,
    pub(super) bias: Option<FloatTensor<B>>,
}

/// Which gradients are asked for.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each input, none of which follows from the others"
)]
pub(super) struct Wanted {
    pub(super) input: bool,
    pub(super) weight_ih: bool,
    pub(super) weight_hh: bool,
    pub(super) bias: bool,
}

/// The layer without a backward pass: `(output, last cell)`.
pub(super) fn infer<B: LstmBackend>(
    input: FloatTensor<B>,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    mask: WeightMask<B>,
    bias: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let projected = project::<B>(input, weight_ih);
    let (hiddens, cells, _) = B::lstm_recurrence(projected, hidden, cell, weight_hh, mask, bias);
    (output::<B>(hiddens), last_cell::<B>(cells))
}

/// The layer, keeping what its backward pass needs: `(output, last cell, saved)`.
pub(super) fn forward<B: LstmBackend>(
    input: FloatTensor<B>,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    mask: WeightMask<B>,
    bias: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, Saved<B>) {
    let projected = project::<B>(input.clone(), weight_ih.clone());
    let (hiddens, cells, gates) = B::lstm_recurrence(
        projected,
        hidden,
        cell,
        weight_hh.clone(),
        mask.clone(),
        bias,
    );
    let saved = Saved {
        input,
        weight_ih,
        weight_hh,
        mask,
        hiddens: hiddens.clone(),
        cells: cells.clone(),
        gates,
    };
    (output::<B>(hiddens), last_cell::<B>(cells), saved)
}

/// The gradients of the layer's inputs, given the gradient of its output,
/// `[seq_len, batch_size, d_hidden]`.
pub(super) fn backward<B: LstmBackend>(
    saved: Saved<B>,
    grad: FloatTensor<B>,
    wanted: Wanted,
) -> Gradients<B> {
    let [seq_len, batch_size, d_hidden] = dims::<B>(&grad);
    let [_, _, d_input] = dims::<B>(&saved.input);
    let rows = seq_len * batch_size;
    let (gate_grads, bias_grad) = B::lstm_recurrence_backward(
        grad,
        saved.gates,
        saved.cells,
        saved.weight_hh,
        saved.mask.clone(),
    );
    let gate_grads = B::float_reshape(gate_grads, Shape::new([rows, 4 * d_hidden]));

    let input = wanted.input.then(|| {
        let grad = B::product(gate_grads.clone(), saved.weight_ih, Transposed::Neither);
        B::float_reshape(grad, Shape::new([seq_len, batch_size, d_input]))
    });
    let weight_ih = wanted.weight_ih.then(|| {
        let input = B::float_reshape(saved.input, Shape::new([rows, d_input]));
        B::product(gate_grads.clone(), input, Transposed::Left)
    });
    let weight_hh = wanted.weight_hh.then(|| {
        let previous = B::float_slice(saved.hiddens, &[Slice::from(0..seq_len)]);
        let previous = B::float_reshape(previous, Shape::new([rows, d_hidden]));
        let grad = B::product(gate_grads, previous, Transposed::Left);
        match saved.mask {
            WeightMask::Dropped(mask) => B::float_mul(grad, mask),
            WeightMask::Whole => grad,
        }
    });
    Gradients {
        input,
        weight_ih,
        weight_hh,
        bias: wanted.bias.then_some(bias_grad),
    }
}

/// `x W_ih^T` for all time steps in one product, `[seq_len, batch_size, 4 d_hidden]`.
pub(super) fn project<B: LstmBackend>(
    input: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
) -> FloatTensor<B> {
    let [seq_len, batch_size, d_input] = dims::<B>(&input);
    let gates = weight_ih.shape()[0];
    let rows = B::float_reshape(input, Shape::new([seq_len * batch_size, d_input]));
    let product = B::product(rows, weight_ih, Transposed::Right);
    B::float_reshape(product, Shape::new([seq_len, batch_size, gates]))
}

/// The hidden states without the one that came in.
pub(super) fn output<B: Backend>(hiddens: FloatTensor<B>) -> FloatTensor<B> {
    let [states, _, _] = dims::<B>(&hiddens);
    B::float_slice(hiddens, &[Slice::from(1..states)])
}

/// The last of the cell states, `[batch_size, d_hidden]`.
pub(super) fn last_cell<B: Backend>(cells: FloatTensor<B>) -> FloatTensor<B> {
    let [states, batch_size, d_hidden] = dims::<B>(&cells);
    let last = B::float_slice(cells, &[Slice::from(states - 1..states)]);
    B::float_reshape(last, Shape::new([batch_size, d_hidden]))
}

pub(super) fn dims<B: Backend>(tensor: &FloatTensor<B>) -> [usize; 3] {
    let shape = tensor.shape();
    [shape[0], shape[1], shape[2]]
}
