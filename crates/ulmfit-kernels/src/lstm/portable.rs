//! The layer's bodies in burn operations, for every backend.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, Slice};

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
pub(super) struct Saved<B: Backend> {
    pub(super) input: FloatTensor<B>,
    pub(super) hidden: FloatTensor<B>,
    pub(super) output: FloatTensor<B>,
    pub(super) weight_ih: FloatTensor<B>,
    pub(super) weight_hh: FloatTensor<B>,
    pub(super) steps: Vec<SavedStep<B>>,
}

/// One time step's gates after their activations, and its cells: each `[batch_size, d_hidden]`.
#[derive(Clone, Debug)]
pub(super) struct SavedStep<B: Backend> {
    input_gate: FloatTensor<B>,
    forget_gate: FloatTensor<B>,
    cell_gate: FloatTensor<B>,
    output_gate: FloatTensor<B>,
    previous_cell: FloatTensor<B>,
    cell_tanh: FloatTensor<B>,
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
pub(super) fn infer<B: Backend>(
    input: FloatTensor<B>,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let seq_len = dim::<B>(&input, 0);
    let projected = project::<B>(input, weight_ih, bias);
    let weight_hh = B::float_transpose(weight_hh); // [d_hidden, 4 d_hidden]
    let (mut hidden, mut cell) = (hidden, cell);
    let mut outputs = Vec::with_capacity(seq_len);
    for step in 0..seq_len {
        let saved = advance::<B>(&projected, step, hidden, cell, &weight_hh);
        (hidden, cell) = saved.1;
        outputs.push(as_step::<B>(hidden.clone()));
    }
    (B::float_cat(outputs, 0), cell)
}

/// The layer, keeping what its backward pass needs: `(last cell, saved)`; the output is in `saved`.
pub(super) fn forward<B: Backend>(
    input: FloatTensor<B>,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> (FloatTensor<B>, Saved<B>) {
    let seq_len = dim::<B>(&input, 0);
    let projected = project::<B>(input.clone(), weight_ih.clone(), bias);
    let transposed = B::float_transpose(weight_hh.clone());
    let first_hidden = hidden.clone();
    let (mut hidden, mut cell) = (hidden, cell);
    let mut outputs = Vec::with_capacity(seq_len);
    let mut steps = Vec::with_capacity(seq_len);
    for step in 0..seq_len {
        let (saved, state) = advance::<B>(&projected, step, hidden, cell, &transposed);
        (hidden, cell) = state;
        outputs.push(as_step::<B>(hidden.clone()));
        steps.push(saved);
    }
    let output = B::float_cat(outputs, 0);
    (
        cell,
        Saved {
            input,
            hidden: first_hidden,
            output,
            weight_ih,
            weight_hh,
            steps,
        },
    )
}

/// The gradients of the layer's inputs, given the gradient of its output,
/// `[seq_len, batch_size, d_hidden]`.
pub(super) fn backward<B: Backend>(
    saved: Saved<B>,
    grad: &FloatTensor<B>,
    wanted: Wanted,
) -> Gradients<B> {
    let [seq_len, batch_size, d_hidden] = dims::<B>(&saved.output);
    let d_input = dim::<B>(&saved.input, 2);
    let mut gate_grads = Vec::with_capacity(seq_len);
    let mut carried: Option<(FloatTensor<B>, FloatTensor<B>)> = None;
    for (step, saved_step) in saved.steps.into_iter().enumerate().rev() {
        let mut hidden_grad = time_step::<B>(grad.clone(), step);
        let mut cell_grad = None;
        if let Some((from_hidden, from_cell)) = carried {
            hidden_grad = B::float_add(hidden_grad, from_hidden);
            cell_grad = Some(from_cell);
        }
        let (gate_grad, previous_cell_grad) =
            backward_step::<B>(saved_step, hidden_grad, cell_grad);
        gate_grads.push(gate_grad.clone());
        // z_t = ... + h_{t-1} W_hh^T, so dh_{t-1} = dz_t W_hh. Nothing wants that of the first.
        carried = (step > 0).then(|| {
            (
                B::float_matmul(gate_grad, saved.weight_hh.clone()),
                previous_cell_grad,
            )
        });
    }
    gate_grads.reverse();
    let gate_grads = B::float_cat(gate_grads, 0); // [seq_len * batch_size, 4 d_hidden]

    let rows = seq_len * batch_size;
    let input = wanted.input.then(|| {
        let grad = B::float_matmul(gate_grads.clone(), saved.weight_ih.clone());
        B::float_reshape(grad, Shape::new([seq_len, batch_size, d_input]))
    });
    let weight_ih = wanted.weight_ih.then(|| {
        let input = B::float_reshape(saved.input.clone(), Shape::new([rows, d_input]));
        B::float_matmul(B::float_transpose(gate_grads.clone()), input)
    });
    let weight_hh = wanted.weight_hh.then(|| {
        let mut previous = vec![as_step::<B>(saved.hidden)];
        if seq_len > 1 {
            previous.push(B::float_slice(saved.output, &[range(0, seq_len - 1)]));
        }
        let previous = B::float_reshape(B::float_cat(previous, 0), Shape::new([rows, d_hidden]));
        B::float_matmul(B::float_transpose(gate_grads.clone()), previous)
    });
    let bias = wanted
        .bias
        .then(|| B::float_reshape(B::float_sum_dim(gate_grads, 0), Shape::new([4 * d_hidden])));
    Gradients {
        input,
        weight_ih,
        weight_hh,
        bias,
    }
}

/// The gradients of one time step: those of its gates before their activations,
/// `[batch_size, 4 d_hidden]`, and that of the previous cell.
fn backward_step<B: Backend>(
    saved: SavedStep<B>,
    hidden_grad: FloatTensor<B>,
    cell_grad: Option<FloatTensor<B>>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let SavedStep {
        input_gate,
        forget_gate,
        cell_gate,
        output_gate,
        previous_cell,
        cell_tanh,
    } = saved;
    // h = o tanh(c)
    let output_grad = B::float_mul(hidden_grad.clone(), cell_tanh.clone());
    let through_tanh =
        tanh_backward::<B>(cell_tanh, B::float_mul(hidden_grad, output_gate.clone()));
    let cell_grad = match cell_grad {
        Some(from_later) => B::float_add(through_tanh, from_later),
        None => through_tanh,
    };
    // c = f c_prev + i g
    let input_grad = B::float_mul(cell_grad.clone(), cell_gate.clone());
    let candidate_grad = B::float_mul(cell_grad.clone(), input_gate.clone());
    let forget_grad = B::float_mul(cell_grad.clone(), previous_cell);
    let previous_cell_grad = B::float_mul(cell_grad, forget_gate.clone());
    let gate_grad = B::float_cat(
        vec![
            sigmoid_backward::<B>(input_gate, input_grad),
            sigmoid_backward::<B>(forget_gate, forget_grad),
            tanh_backward::<B>(cell_gate, candidate_grad),
            sigmoid_backward::<B>(output_gate, output_grad),
        ],
        1,
    );
    (gate_grad, previous_cell_grad)
}

/// One time step: what it saves, and the state `(hidden, cell)` after it.
fn advance<B: Backend>(
    projected: &FloatTensor<B>,
    step: usize,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    weight_hh_transposed: &FloatTensor<B>,
) -> (SavedStep<B>, (FloatTensor<B>, FloatTensor<B>)) {
    let d_hidden = dim::<B>(&cell, 1);
    let gates = B::float_add(
        time_step::<B>(projected.clone(), step),
        B::float_matmul(hidden, weight_hh_transposed.clone()),
    ); // [batch_size, 4 d_hidden]
    let gate = |index: usize| {
        let columns = range(index * d_hidden, (index + 1) * d_hidden);
        B::float_slice(gates.clone(), &[Slice::full(), columns])
    };
    let input_gate = B::sigmoid(gate(0));
    let forget_gate = B::sigmoid(gate(1));
    let cell_gate = B::float_tanh(gate(2));
    let output_gate = B::sigmoid(gate(3));
    let next_cell = B::float_add(
        B::float_mul(forget_gate.clone(), cell.clone()),
        B::float_mul(input_gate.clone(), cell_gate.clone()),
    );
    let cell_tanh = B::float_tanh(next_cell.clone());
    let next_hidden = B::float_mul(output_gate.clone(), cell_tanh.clone());
    let saved = SavedStep {
        input_gate,
        forget_gate,
        cell_gate,
        output_gate,
        previous_cell: cell,
        cell_tanh,
    };
    (saved, (next_hidden, next_cell))
}

/// `x W_ih^T + b` for all time steps in one product, `[seq_len, batch_size, 4 d_hidden]`.
fn project<B: Backend>(
    input: FloatTensor<B>,
    weight_ih: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    let [seq_len, batch_size, d_input] = dims::<B>(&input);
    let gates = dim::<B>(&weight_ih, 0);
    let rows = B::float_reshape(input, Shape::new([seq_len * batch_size, d_input]));
    let product = B::float_matmul(rows, B::float_transpose(weight_ih));
    let product = B::float_add(product, B::float_reshape(bias, Shape::new([1, gates])));
    B::float_reshape(product, Shape::new([seq_len, batch_size, gates]))
}

/// The derivative of the sigmoid through its value: `y (1 - y) grad`.
fn sigmoid_backward<B: Backend>(value: FloatTensor<B>, grad: FloatTensor<B>) -> FloatTensor<B> {
    let complement = B::float_add_scalar(B::float_neg(value.clone()), 1.0.into());
    B::float_mul(grad, B::float_mul(value, complement))
}

/// The derivative of the hyperbolic tangent through its value: `(1 - y^2) grad`.
fn tanh_backward<B: Backend>(value: FloatTensor<B>, grad: FloatTensor<B>) -> FloatTensor<B> {
    let square = B::float_mul(value.clone(), value);
    B::float_mul(grad, B::float_add_scalar(B::float_neg(square), 1.0.into()))
}

/// Time step `step` of `[seq_len, batch_size, features]`, as `[batch_size, features]`.
fn time_step<B: Backend>(tensor: FloatTensor<B>, step: usize) -> FloatTensor<B> {
    let [_, batch_size, features] = dims::<B>(&tensor);
    let sliced = B::float_slice(tensor, &[range(step, step + 1)]);
    B::float_reshape(sliced, Shape::new([batch_size, features]))
}

/// `[batch_size, features]` as `[1, batch_size, features]`.
fn as_step<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let shape = Shape::new([1, dim::<B>(&tensor, 0), dim::<B>(&tensor, 1)]);
    B::float_reshape(tensor, shape)
}

fn range(start: usize, end: usize) -> Slice {
    Slice::from(start..end)
}

fn dims<B: Backend>(tensor: &FloatTensor<B>) -> [usize; 3] {
    [
        dim::<B>(tensor, 0),
        dim::<B>(tensor, 1),
        dim::<B>(tensor, 2),
    ]
}

fn dim<B: Backend>(tensor: &FloatTensor<B>, axis: usize) -> usize {
    tensor.shape()[axis]
}
