//! The operations in burn operations, for every backend.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::AdamFactors;
use super::extension::GradientScale;

/// See [`super::adam_update`].
pub(super) fn adam_update<B: Backend>(
    value: FloatTensor<B>,
    gradient: FloatTensor<B>,
    scale: GradientScale<B>,
    grad_avg: FloatTensor<B>,
    sqr_avg: FloatTensor<B>,
    factors: AdamFactors,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let times = |tensor, factor: f64| B::float_mul_scalar(tensor, factor.into());
    let gradient = match scale {
        GradientScale::One => gradient,
        GradientScale::By(scale) => B::float_mul(gradient, scale),
    };
    // Exactly 1 when nothing decays, and then the multiplication is left out.
    let value = if (factors.decay - 1.0).abs() > 0.0 {
        times(value, factors.decay)
    } else {
        value
    };
    let square = B::float_mul(gradient.clone(), gradient.clone());
    let sqr_avg = B::float_add(
        times(sqr_avg, factors.beta_2),
        times(square, 1.0 - factors.beta_2),
    );
    let grad_avg = B::float_add(
        times(grad_avg, factors.momentum),
        times(gradient, 1.0 - factors.momentum),
    );
    let root = B::float_sqrt(times(sqr_avg.clone(), factors.sqr_debias));
    let root = B::float_add_scalar(root, factors.epsilon.into());
    let direction = B::float_div(grad_avg.clone(), root);
    let value = B::float_sub(value, times(direction, factors.step_size));
    (value, grad_avg, sqr_avg)
}

/// See [`super::sum_of_squares`].
pub(super) fn sum_of_squares<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum(B::float_mul(tensor.clone(), tensor))
}
