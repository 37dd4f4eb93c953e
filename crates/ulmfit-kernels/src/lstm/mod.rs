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
//! and so are the gradients of both weights: only the recurrent product runs step by step.

mod autodiff;
mod extension;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::LstmBackend;

/// What [`lstm`] returns.
#[derive(Clone, Debug)]
pub struct LstmOutput {
    /// The hidden state at every time step, `[seq_len, batch_size, d_hidden]`.
    pub output: Tensor<3>,
    /// The cell state after the last time step, `[batch_size, d_hidden]`, detached: no gradient
    /// flows into it.
    pub cell: Tensor<2>,
}

/// Runs an LSTM layer over a chunk of time steps.
///
/// Gradients flow from `output` to `input`, `weight_ih`, `weight_hh` and `bias`. The state is a
/// constant on the way in and detached on the way out: truncated back-propagation ends where a
/// chunk does.
///
/// # Shapes
///
/// - input: `[seq_len, batch_size, d_input]`, `seq_len` at least 1
/// - hidden, cell: `[batch_size, d_hidden]`
/// - `weight_ih`: `[4 * d_hidden, d_input]`
/// - `weight_hh`: `[4 * d_hidden, d_hidden]`
/// - bias: `[4 * d_hidden]`
///
/// # Panics
///
/// Panics if the shapes do not fit together, or if the tensors live on a backend that no feature
/// of this crate names.
pub fn lstm(
    input: Tensor<3>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    weight_ih: Tensor<2>,
    weight_hh: Tensor<2>,
    bias: Tensor<1>,
) -> LstmOutput {
    let [seq_len, batch_size, d_input] = input.dims();
    let [gates, d_hidden] = weight_hh.dims();
    assert!(seq_len > 0, "an LSTM needs at least one time step");
    assert_eq!(gates, 4 * d_hidden, "weight_hh is [4 * d_hidden, d_hidden]");
    assert_eq!(
        weight_ih.dims(),
        [gates, d_input],
        "weight_ih is [4 * d_hidden, d_input]"
    );
    assert_eq!(bias.dims(), [gates], "bias is [4 * d_hidden]");
    assert_eq!(
        hidden.dims(),
        [batch_size, d_hidden],
        "hidden is [batch_size, d_hidden]"
    );
    assert_eq!(
        cell.dims(),
        [batch_size, d_hidden],
        "cell is [batch_size, d_hidden]"
    );

    let (output, cell) = <Dispatch as LstmBackend>::lstm(
        input.into_dispatch(),
        hidden.into_dispatch(),
        cell.into_dispatch(),
        weight_ih.into_dispatch(),
        weight_hh.into_dispatch(),
        bias.into_dispatch(),
    );
    LstmOutput {
        output: Tensor::from_dispatch(output),
        cell: Tensor::from_dispatch(cell),
    }
}

#[cfg(test)]
mod tests;
