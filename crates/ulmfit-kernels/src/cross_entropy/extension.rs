#![allow(
    deprecated,
    reason = "the macro names NdArray, which is offered for as long as burn ships it"
)]
#![expect(
    clippy::type_complexity,
    reason = "the macro takes tuples and options of tensors, and no names for them"
)]

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};

use super::{CrossEntropyOptions, portable};
use crate::tied_weight::SharedGradient;

/// Which gradients are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) hidden: bool,
    pub(super) weight: bool,
    pub(super) bias: bool,
}

/// The backends that can compute the loss; the macro routes burn's runtime dispatch to them.
#[backend_extension(
    Autodiff,
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Fusion: cfg(any(feature = "wgpu", feature = "cuda")),
)]
pub(super) trait CrossEntropyBackend: Backend {
    /// The mean loss, `[1]`: see [`super::linear_cross_entropy`]. `gradient` is the weight's.
    #[fusion(default)]
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
        gradient: SharedGradient,
    ) -> FloatTensor<Self> {
        let _ = gradient;
        portable::mean::<Self>(hidden, weight, bias, targets, options)
    }

    /// The sum of the losses and the number of hits, each `[1]`: see
    /// [`super::linear_cross_entropy_sum`].
    #[fusion(default)]
    fn linear_cross_entropy_sum(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        portable::sum::<Self>(hidden, weight, bias, targets, options)
    }

    /// The mean loss, then its gradients with respect to hidden states, weight and bias, each of its
    /// shape; `None` for what is not wanted.
    #[fusion(default)]
    fn linear_cross_entropy_gradients(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
        wanted: Wanted,
    ) -> (
        FloatTensor<Self>,
        Option<FloatTensor<Self>>,
        Option<FloatTensor<Self>>,
        Option<FloatTensor<Self>>,
    ) {
        portable::gradients::<Self>(hidden, weight, bias, targets, options, wanted)
    }

    /// A gradient times the one that comes from above, `[1]`.
    #[fusion(default)]
    fn scale_gradient(gradient: FloatTensor<Self>, scale: FloatTensor<Self>) -> FloatTensor<Self> {
        portable::scaled::<Self>(gradient, scale)
    }
}

#[cfg(feature = "ndarray")]
impl CrossEntropyBackend for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl CrossEntropyBackend for burn::backend::Cube {}
