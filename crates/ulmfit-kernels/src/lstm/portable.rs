//! The recurrence in burn operations, for every backend.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Shape, Slice};

use super::extension::{Transposed, WeightMask};
use super::layer::dims;

/// The product of two matrices: see [`super::extension::LstmBackend::product`].
pub(super) fn product<B: Backend>(
    left: FloatTensor<B>,
    right: FloatTensor<B>,
    transposed: Transposed,
) -> FloatTensor<B> {
    match transposed {
        Transposed::Neither => B::float_matmul(left, right),
        Transposed::Left => B::float_matmul(B::float_transpose(left), right),
        Transposed::Right => B::float_matmul(left, B::float_transpose(right)),
    }
}

/// The recurrence over a chunk: see [`super::extension::LstmBackend::lstm_recurrence`].
pub(super) fn recurrence<B: Backend>(
    projected: FloatTensor<B>,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    mask: WeightMask<B>,
    bias: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let [seq_len, batch_size, width] = dims::<B>(&projected);
    let projected = B::float_add(projected, B::float_reshape(bias, Shape::new([1, 1, width])));
    let weights = B::float_transpose(dropped::<B>(weight_hh, mask)); // [d_hidden, width]
    let as_step = |tensor: FloatTensor<B>, width: usize| {
        B::float_reshape(tensor, Shape::new([1, batch_size, width]))
    };
    let (mut hidden, mut cell) = (hidden, cell);
    let mut hiddens = vec![as_step(hidden.clone(), width / 4)];
    let mut cells = vec![as_step(cell.clone(), width / 4)];
    let mut all_gates = Vec::with_capacity(seq_len);
    for step in 0..seq_len {
        let sums = B::float_add(
            time_step::<B>(projected.clone(), step),
            B::float_matmul(hidden, weights.clone()),
        ); // [batch_size, width]
        let [input_gate, forget_gate, cell_gate, output_gate] = gates::<B>(&sums, width / 4);
        let input_gate = B::sigmoid(input_gate);
        let forget_gate = B::sigmoid(forget_gate);
        let cell_gate = B::float_tanh(cell_gate);
        let output_gate = B::sigmoid(output_gate);
        cell = B::float_add(
            B::float_mul(forget_gate.clone(), cell),
            B::float_mul(input_gate.clone(), cell_gate.clone()),
        );
        hidden = B::float_mul(output_gate.clone(), B::float_tanh(cell.clone()));
        let gates = B::float_cat(vec![input_gate, forget_gate, cell_gate, output_gate], 1);
        all_gates.push(as_step(gates, width));
        hiddens.push(as_step(hidden.clone(), width / 4));
        cells.push(as_step(cell.clone(), width / 4));
    }
    (
        B::float_cat(hiddens, 0),
        B::float_cat(cells, 0),
        B::float_cat(all_gates, 0),
    )
}

/// The recurrence's backward pass: see
/// [`super::extension::LstmBackend::lstm_recurrence_backward`].
pub(super) fn recurrence_backward<B: Backend>(
    grad: &FloatTensor<B>,
    all_gates: &FloatTensor<B>,
    cells: &FloatTensor<B>,
    weight_hh: FloatTensor<B>,
    mask: WeightMask<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let [seq_len, batch_size, d_hidden] = dims::<B>(grad);
    let weights = dropped::<B>(weight_hh, mask);
    let mut gate_grads = Vec::with_capacity(seq_len);
    let mut carried: Option<(FloatTensor<B>, FloatTensor<B>)> = None;
    for step in (0..seq_len).rev() {
        let mut hidden_grad = time_step::<B>(grad.clone(), step);
        let gates = gates::<B>(&time_step::<B>(all_gates.clone(), step), d_hidden);
        let mut cell_grad = None;
        if let Some((from_hidden, from_cell)) = carried {
            hidden_grad = B::float_add(hidden_grad, from_hidden);
            cell_grad = Some(from_cell);
        }
        let previous_cell = time_step::<B>(cells.clone(), step);
        let cell_tanh = B::float_tanh(time_step::<B>(cells.clone(), step + 1));
        let (gate_grad, previous_cell_grad) =
            backward_step::<B>(gates, previous_cell, cell_tanh, hidden_grad, cell_grad);
        let shape = Shape::new([1, batch_size, 4 * d_hidden]);
        gate_grads.push(B::float_reshape(gate_grad.clone(), shape));
        // z_t = ... + h_{t-1} W_hh^T, so dh_{t-1} = dz_t W_hh. Nothing wants that of the first.
        carried = (step > 0).then(|| {
            (
                B::float_matmul(gate_grad, weights.clone()),
                previous_cell_grad,
            )
        });
    }
    gate_grads.reverse();
    let gate_grads = B::float_cat(gate_grads, 0); // [seq_len, batch_size, 4 d_hidden]
    let rows = Shape::new([seq_len * batch_size, 4 * d_hidden]);
    let bias_grad = B::float_sum_dim(B::float_reshape(gate_grads.clone(), rows), 0);
    let bias_grad = B::float_reshape(bias_grad, Shape::new([4 * d_hidden]));
    (gate_grads, bias_grad)
}

/// The gradients of one time step: those of its gates before their activations,
/// `[batch_size, 4 d_hidden]`, and that of the previous cell.
fn backward_step<B: Backend>(
    [input_gate, forget_gate, cell_gate, output_gate]: [FloatTensor<B>; 4],
    previous_cell: FloatTensor<B>,
    cell_tanh: FloatTensor<B>,
    hidden_grad: FloatTensor<B>,
    cell_grad: Option<FloatTensor<B>>,
) -> (FloatTensor<B>, FloatTensor<B>) {
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

/// The four gates of one time step, `[batch_size, d_hidden]` each.
fn gates<B: Backend>(step: &FloatTensor<B>, d_hidden: usize) -> [FloatTensor<B>; 4] {
    std::array::from_fn(|index| {
        let columns = Slice::from(index * d_hidden..(index + 1) * d_hidden);
        B::float_slice(step.clone(), &[Slice::full(), columns])
    })
}

/// The weights under weight drop.
fn dropped<B: Backend>(weight: FloatTensor<B>, mask: WeightMask<B>) -> FloatTensor<B> {
    match mask {
        WeightMask::Dropped(mask) => B::float_mul(weight, mask),
        WeightMask::Whole => weight,
    }
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
    let sliced = B::float_slice(tensor, &[Slice::from(step..step + 1)]);
    B::float_reshape(sliced, Shape::new([batch_size, features]))
}
