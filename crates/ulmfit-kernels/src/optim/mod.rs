//! What an optimizer does to every parameter at every step: [`sum_of_squares`] for the norm of the
//! gradients, and [`adam_update`].
//!
//! Both are bound by reading and writing memory, so on the CPU each is one pass over its tensors,
//! and the update writes where it read. Clipping is part of the update: a scaled copy of every
//! gradient would be one pass more.

#[cfg(feature = "flex")]
#[expect(
    unsafe_code,
    reason = "vector loads and stores, by threads that write disjoint parts"
)]
mod adam;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod portable;
#[cfg(feature = "flex")]
#[expect(
    unsafe_code,
    reason = "vector loads, by threads that write disjoint parts"
)]
mod squares;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::{GradientScale, OptimBackend};

/// The scalars of one update of one parameter by Adam: see [`adam_update`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamFactors {
    /// What the value is multiplied with before the update, `1 − η · weight_decay`; 1 where nothing
    /// decays.
    pub decay: f64,
    /// `β₁`.
    pub momentum: f64,
    /// `β₂`.
    pub beta_2: f64,
    /// `η / (1 − β₁ᵏ)`.
    pub step_size: f64,
    /// `1 / (1 − β₂ᵏ)`.
    pub sqr_debias: f64,
    /// `ε`.
    pub epsilon: f64,
}

/// What [`adam_update`] returns, all `[n]`.
#[derive(Clone, Debug)]
pub struct AdamOutput {
    /// The parameter.
    pub value: Tensor<1>,
    /// The average of its gradients.
    pub grad_avg: Tensor<1>,
    /// The average of their squares.
    pub sqr_avg: Tensor<1>,
}

/// Adam with decoupled weight decay, on one parameter:
///
/// ```text
/// g ← scale · gradient
/// v ← β₂ · sqr_avg + (1 − β₂) · g²
/// m ← β₁ · grad_avg + (1 − β₁) · g
/// p ← decay · value − step_size · m / (√(sqr_debias · v) + ε)
/// ```
///
/// On the CPU it is one pass, in place where nothing else holds a tensor. The result depends neither
/// on the number of threads nor on the vector instructions. Averages of gradients too small for a
/// normal number become zero there: they would come no nearer to it, and arithmetic with them is
/// many times slower.
///
/// # Shapes
///
/// - `value`, `gradient`, `grad_avg`, `sqr_avg`: `[n]`, without autodiff
/// - `scale`: `[1]`, or none for 1
///
/// # Panics
///
/// Panics if the shapes differ, or if the tensors live on a backend that no feature of this crate
/// names.
pub fn adam_update(
    value: Tensor<1>,
    gradient: Tensor<1>,
    scale: Option<Tensor<1>>,
    grad_avg: Tensor<1>,
    sqr_avg: Tensor<1>,
    factors: AdamFactors,
) -> AdamOutput {
    for tensor in [&gradient, &grad_avg, &sqr_avg] {
        assert_eq!(tensor.dims(), value.dims(), "all tensors are [n]");
    }
    let (value, grad_avg, sqr_avg) = <Dispatch as OptimBackend>::adam_update(
        value.into_dispatch(),
        gradient.into_dispatch(),
        match scale {
            None => GradientScale::One,
            Some(scale) => {
                assert_eq!(scale.dims(), [1], "the scale is one number");
                GradientScale::By(scale.into_dispatch())
            }
        },
        grad_avg.into_dispatch(),
        sqr_avg.into_dispatch(),
        factors,
    );
    AdamOutput {
        value: Tensor::from_dispatch(value),
        grad_avg: Tensor::from_dispatch(grad_avg),
        sqr_avg: Tensor::from_dispatch(sqr_avg),
    }
}

/// The sum of the squares of all elements, `[1]`; `tensor` is `[n]`, without autodiff.
///
/// On the CPU, the order of summation of 32-bit floats is fixed, whatever the number of threads, with
/// portable kernels too.
///
/// # Panics
///
/// Panics if the tensor lives on a backend that no feature of this crate names.
pub fn sum_of_squares(tensor: Tensor<1>) -> Tensor<1> {
    let sum = <Dispatch as OptimBackend>::sum_of_squares(tensor.into_dispatch());
    Tensor::from_dispatch(sum)
}

#[cfg(test)]
mod tests;
