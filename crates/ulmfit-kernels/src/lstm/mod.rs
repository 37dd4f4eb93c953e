//! A whole LSTM layer over a whole chunk of time steps, as one operation.
//!
//! For each time step t, with gates i, f, g, o stacked in that order in the weights' rows:
//!
//! ```text
//! z_t = x_t W_ih^T + h_{t-1} W_hh^T + b        [batch_size, 4 d_hidden]
//! i, f, o = sigmoid(z_t), g = tanh(z_t)
//! c_t = f * c_{t-1} + i * g
//! h_t = o * tanh(c_t)
//! ```
//!
//! The products with the inputs are one matrix product for all time steps, forward and backward,
//! and so are the gradients of both weights (`layer`). Only the recurrence runs step by step; it has a
//! body in burn operations (`portable`), and one for the CPU (`cpu`, `flex`).

mod autodiff;
#[cfg(feature = "flex")]
#[expect(
    unsafe_code,
    reason = "threads that write disjoint parts of the same buffers"
)]
mod cpu;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod layer;
mod packed;
mod portable;
#[cfg(feature = "flex")]
mod row_tiles;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::{LstmBackend, WeightMask};
pub use packed::{PackedLstm, Precision, lstm_packed, pack_lstm};

/// What [`lstm`] returns.
#[derive(Clone, Debug)]
pub struct LstmOutput {
    /// The hidden state at every time step, `[seq_len, batch_size, d_hidden]`.
    pub output: Tensor<3>,
    /// The cell state after the last time step, `[batch_size, d_hidden]`, detached: no gradient
    /// flows into it.
    pub cell: Tensor<2>,
}

/// The weights of an LSTM layer.
#[derive(Clone, Debug)]
pub struct LstmWeights {
    /// Input-to-hidden weights, `[4 * d_hidden, d_input]`.
    pub ih: Tensor<2>,
    /// Hidden-to-hidden weights, `[4 * d_hidden, d_hidden]`.
    pub hh: Tensor<2>,
    /// What the hidden-to-hidden weights are multiplied with, `[4 * d_hidden, d_hidden]`: the mask of
    /// weight drop. A constant: no gradient flows into it.
    pub hh_mask: Option<Tensor<2>>,
    /// Bias of the gates, `[4 * d_hidden]`.
    pub bias: Tensor<1>,
}

/// Runs an LSTM layer over a chunk of time steps.
///
/// Gradients flow from `output` to `input` and to the weights. The state is a constant on the way in
/// and detached on the way out: truncated back-propagation ends where a chunk does.
///
/// # Shapes
///
/// - input: `[seq_len, batch_size, d_input]`, `seq_len` at least 1
/// - hidden, cell: `[batch_size, d_hidden]`
///
/// # Panics
///
/// Panics if the shapes do not fit together, or if the tensors live on a backend that no feature
/// of this crate names.
pub fn lstm(
    input: Tensor<3>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    weights: LstmWeights,
) -> LstmOutput {
    let [seq_len, batch_size, d_input] = input.dims();
    let [gates, d_hidden] = weights.hh.dims();
    assert!(seq_len > 0, "an LSTM needs at least one time step");
    assert_eq!(
        gates,
        4 * d_hidden,
        "weights.hh is [4 * d_hidden, d_hidden]"
    );
    assert_eq!(
        weights.ih.dims(),
        [gates, d_input],
        "weights.ih is [4 * d_hidden, d_input]"
    );
    assert_eq!(weights.bias.dims(), [gates], "bias is [4 * d_hidden]");
    if let Some(mask) = &weights.hh_mask {
        assert_eq!(mask.dims(), [gates, d_hidden], "the mask is of hh's shape");
    }
    for state in [&hidden, &cell] {
        assert_eq!(
            state.dims(),
            [batch_size, d_hidden],
            "the state is [batch_size, d_hidden]"
        );
    }

    let (output, cell) = <Dispatch as LstmBackend>::lstm(
        input.into_dispatch(),
        hidden.into_dispatch(),
        cell.into_dispatch(),
        weights.ih.into_dispatch(),
        weights.hh.into_dispatch(),
        match weights.hh_mask {
            None => WeightMask::Whole,
            Some(mask) => WeightMask::Dropped(mask.into_dispatch()),
        },
        weights.bias.into_dispatch(),
    );
    LstmOutput {
        output: Tensor::from_dispatch(output),
        cell: Tensor::from_dispatch(cell),
    }
}

#[cfg(test)]
mod tests;
