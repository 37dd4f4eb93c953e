#![allow(
    deprecated,
    reason = "the macro names NdArray, which is offered for as long as burn ships it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};

use super::portable;

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
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        portable::infer::<Self>(input, hidden, cell, weight_ih, weight_hh, bias)
    }
}

#[cfg(feature = "flex")]
impl LstmBackend for burn::backend::Flex {}

#[cfg(feature = "ndarray")]
impl LstmBackend for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl LstmBackend for burn::backend::Cube {}
