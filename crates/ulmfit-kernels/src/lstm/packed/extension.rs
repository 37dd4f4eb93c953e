#![allow(
    deprecated,
    reason = "the macro names NdArray, which is offered for as long as burn ships it"
)]

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::{Precision, portable};
use crate::lstm::extension::LstmBackend;

/// Weights, `[4 * d_hidden, inner]`, as a backend keeps them for inference.
#[derive(Clone, Debug, ExtensionType)]
pub(super) enum PackedWeights<B: Backend> {
    /// As they are, for the portable body; in eight bits, they were rounded.
    Plain(FloatTensor<B>),
    /// Panels of floats.
    Float32 {
        /// The panels.
        values: FloatTensor<B>,
        /// Where they begin.
        start: usize,
    },
    /// Panels in eight bits.
    Int8 {
        /// The panels.
        values: IntTensor<B>,
        /// Where they begin.
        start: usize,
        /// What the columns' sums begin with.
        offsets: IntTensor<B>,
        /// The columns' scales.
        scales: FloatTensor<B>,
    },
}

/// The backends that can run an LSTM layer with packed weights.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Fusion: cfg(any(feature = "wgpu", feature = "cuda")),
)]
pub(super) trait PackedLstmBackend: LstmBackend {
    /// Puts weights, `[4 * d_hidden, inner]`, in the form in which this backend reads them. In eight
    /// bits, they were rounded before.
    #[fusion(default)]
    fn lstm_pack(weights: FloatTensor<Self>, precision: Precision) -> PackedWeights<Self> {
        let _ = precision;
        PackedWeights::Plain(weights)
    }

    /// The layer over a chunk: `(output, last cell)`, as [`super::lstm_packed`] has them.
    #[fusion(default)]
    fn lstm_packed(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        #[extension_type] ih: PackedWeights<Self>,
        #[extension_type] hh: PackedWeights<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        portable::run::<Self>(input, hidden, cell, ih, hh, bias)
    }
}

#[cfg(feature = "ndarray")]
impl PackedLstmBackend for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl PackedLstmBackend for burn::backend::Cube {}
