//! An LSTM layer with weights that are packed once, for inference.
//!
//! In training the weights change at every step, so the kernels pack them for each chunk, and they
//! keep every gate for the backward pass. Here the weights are put in order once a model (`panels`),
//! as floats or in eight bits, and nothing is kept but the hidden states (`cpu`). For a document
//! alone, reading the recurrent weights once a time step is nearly all of the work, so a quarter of
//! the bytes is a quarter of the time.
//!
//! In eight bits, weights are whole numbers times a scale for each row ([`crate::Int8Rows`]), and so
//! are the layer's inputs and hidden states, for each row and time step; sums are exact, and the gates
//! are floats. On backends other than the CPU's the weights are rounded in the same way, and the
//! products are those of floats.

#[cfg(feature = "flex")]
#[expect(
    unsafe_code,
    reason = "threads that write disjoint parts of the same buffers"
)]
mod cpu;
mod extension;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "flex")]
#[expect(unsafe_code, reason = "vector loads and stores")]
mod float;
#[cfg(feature = "flex")]
#[expect(unsafe_code, reason = "vector instructions for bytes")]
mod int8;
#[cfg(feature = "flex")]
mod panels;
mod portable;
#[cfg(feature = "flex")]
#[expect(unsafe_code, reason = "pointers to rows that other threads wrote")]
mod product;
#[cfg(feature = "flex")]
mod tile;

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};

use crate::int8::Int8Rows;

use super::{LstmOutput, LstmWeights};
use extension::{PackedLstmBackend, PackedWeights};

/// How weights are stored for inference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As they are.
    #[default]
    Float32,
    /// In eight bits, with a scale for each row.
    Int8,
}

/// The weights of an LSTM layer, ready for [`lstm_packed`].
#[derive(Clone, Debug)]
pub struct PackedLstm {
    d_input: usize,
    d_hidden: usize,
    ih: PackedWeights<Dispatch>,
    hh: PackedWeights<Dispatch>,
    bias: Tensor<1>,
}

impl PackedLstm {
    /// Features of the input.
    pub fn d_input(&self) -> usize {
        self.d_input
    }

    /// Features of the hidden state.
    pub fn d_hidden(&self) -> usize {
        self.d_hidden
    }
}

/// Packs the weights of a layer. Their mask, if there is one, is applied.
///
/// # Panics
///
/// Panics if the shapes do not fit together, or if the tensors live on a backend that no feature of
/// this crate names.
pub fn pack_lstm(weights: LstmWeights, precision: Precision) -> PackedLstm {
    let LstmWeights {
        ih,
        hh,
        hh_mask,
        bias,
    } = weights;
    let ([gates, d_hidden], [_, d_input]) = (hh.dims(), ih.dims());
    assert_eq!(
        gates,
        4 * d_hidden,
        "weights.hh is [4 * d_hidden, d_hidden]"
    );
    assert_eq!(ih.dims()[0], gates, "weights.ih is [4 * d_hidden, d_input]");
    assert_eq!(bias.dims(), [gates], "bias is [4 * d_hidden]");
    let hh = match hh_mask {
        Some(mask) => hh * mask,
        None => hh,
    };
    let pack = |weights: Tensor<2>| {
        let weights = match precision {
            Precision::Float32 => weights.inner(),
            Precision::Int8 => rounded(&weights.inner()),
        };
        <Dispatch as PackedLstmBackend>::lstm_pack(weights.into_dispatch(), precision)
    };
    PackedLstm {
        d_input,
        d_hidden,
        ih: pack(ih),
        hh: pack(hh),
        bias: bias.inner(),
    }
}

/// Runs a layer over a chunk of time steps, like [`lstm`](super::lstm), without gradients.
///
/// A row's results do not depend on the other rows, up to the rounding of floats; with weights in
/// eight bits, on the CPU, to the bit.
///
/// # Shapes
///
/// - input: `[seq_len, batch_size, d_input]`, `seq_len` at least 1
/// - hidden, cell: `[batch_size, d_hidden]`
///
/// # Panics
///
/// Panics if the shapes do not fit together.
pub fn lstm_packed(
    input: Tensor<3>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    weights: &PackedLstm,
) -> LstmOutput {
    let [seq_len, batch_size, d_input] = input.dims();
    assert!(seq_len > 0, "an LSTM needs at least one time step");
    assert_eq!(
        d_input, weights.d_input,
        "the input is [seq_len, batch_size, d_input]"
    );
    for state in [&hidden, &cell] {
        assert_eq!(
            state.dims(),
            [batch_size, weights.d_hidden],
            "the state is [batch_size, d_hidden]"
        );
    }
    let (output, cell) = <Dispatch as PackedLstmBackend>::lstm_packed(
        input.inner().into_dispatch(),
        hidden.inner().into_dispatch(),
        cell.inner().into_dispatch(),
        weights.ih.clone(),
        weights.hh.clone(),
        weights.bias.clone().into_dispatch(),
    );
    LstmOutput {
        output: Tensor::from_dispatch(output),
        cell: Tensor::from_dispatch(cell),
    }
}

/// The weights as they are in eight bits, on every backend the same: packing them for kernels that
/// compute with bytes rounds nothing more.
fn rounded(weights: &Tensor<2>) -> Tensor<2> {
    let [rows, columns] = weights.dims();
    let values = weights.to_data().convert::<f32>().try_to_vec::<f32>();
    let values = values.expect("converted to f32");
    let values = Int8Rows::new(&values, columns).to_floats();
    Tensor::from_data(TensorData::new(values, [rows, columns]), &weights.device())
}

#[cfg(test)]
mod tests;
