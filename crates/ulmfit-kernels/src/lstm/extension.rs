#![allow(
    deprecated,
    reason = "the macro names NdArray, which is offered for as long as burn ships it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::{layer, portable};

/// What weight drop multiplies the hidden-to-hidden weights with, `[4 * d_hidden, d_hidden]`.
///
/// An enum of its own since an operation's arguments are tensors, structs and enums of tensors.
#[derive(Clone, Debug, ExtensionType)]
pub(super) enum WeightMask<B: Backend> {
    /// All weights are as they are.
    Whole,
    /// Each weight times its element here.
    Dropped(FloatTensor<B>),
}

/// Which factor of a product is stored with its rows and columns exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transposed {
    Neither,
    Left,
    Right,
}

/// The backends that can run an LSTM layer; the macro routes burn's runtime dispatch to them.
#[backend_extension(
    Autodiff,
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Fusion: cfg(any(feature = "wgpu", feature = "cuda")),
)]
pub(super) trait LstmBackend: Backend {
    /// The layer without a backward pass: `(output, last cell)`, as [`super::lstm`] has them.
    #[fusion(default)]
    fn lstm(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        #[extension_type] mask: WeightMask<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        layer::infer::<Self>(input, hidden, cell, weight_ih, weight_hh, mask, bias)
    }

    /// The product of two matrices.
    #[fusion(default)]
    fn product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        transposed: Transposed,
    ) -> FloatTensor<Self> {
        portable::product::<Self>(left, right, transposed)
    }

    /// The recurrence, given the inputs' projections without their bias,
    /// `[seq_len, batch_size, 4 * d_hidden]`: `(hiddens, cells, gates)`.
    ///
    /// Hiddens and cells, `[seq_len + 1, batch_size, d_hidden]`, begin with the state that came in;
    /// gates, `[seq_len, batch_size, 4 * d_hidden]`, are those after their activations.
    #[fusion(default)]
    fn lstm_recurrence(
        projected: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        #[extension_type] mask: WeightMask<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        portable::recurrence::<Self>(projected, hidden, cell, weight_hh, mask, bias)
    }

    /// The recurrence's backward pass, given the gradient of the hidden states,
    /// `[seq_len, batch_size, d_hidden]`, and what [`lstm_recurrence`](Self::lstm_recurrence)
    /// returned: the gradient of the projections, `[seq_len, batch_size, 4 * d_hidden]`, and that of
    /// the bias, `[4 * d_hidden]`.
    #[fusion(default)]
    fn lstm_recurrence_backward(
        grad: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        cells: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        #[extension_type] mask: WeightMask<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        portable::recurrence_backward::<Self>(&grad, &gates, &cells, weight_hh, mask)
    }
}

#[cfg(feature = "ndarray")]
impl LstmBackend for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl LstmBackend for burn::backend::Cube {}
