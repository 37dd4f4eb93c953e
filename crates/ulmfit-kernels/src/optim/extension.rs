#![allow(
    deprecated,
    reason = "the macro names NdArray, which is offered for as long as burn ships it"
)]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::{AdamFactors, portable};

/// What a gradient is multiplied with before it is used.
///
/// An enum of its own since an operation's arguments are tensors, structs and enums of tensors.
#[derive(Clone, Debug, ExtensionType)]
pub(super) enum GradientScale<B: Backend> {
    /// Nothing.
    One,
    /// A number that stays on its device, `[1]`.
    By(FloatTensor<B>),
}

/// The backends that can update parameters; the macro routes burn's runtime dispatch to them. Not
/// `Autodiff`: parameters are updated outside the graph.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Fusion: cfg(any(feature = "wgpu", feature = "cuda")),
)]
pub(super) trait OptimBackend: Backend {
    /// `(value, grad_avg, sqr_avg)` after the update, as [`super::adam_update`] has it.
    #[fusion(default)]
    fn adam_update(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        #[extension_type] scale: GradientScale<Self>,
        grad_avg: FloatTensor<Self>,
        sqr_avg: FloatTensor<Self>,
        factors: AdamFactors,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        portable::adam_update::<Self>(value, gradient, scale, grad_avg, sqr_avg, factors)
    }

    /// As [`super::sum_of_squares`].
    #[fusion(default)]
    fn sum_of_squares(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        portable::sum_of_squares::<Self>(tensor)
    }
}

#[cfg(feature = "ndarray")]
impl OptimBackend for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl OptimBackend for burn::backend::Cube {}
