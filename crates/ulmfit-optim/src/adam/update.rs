//! The arithmetic of Adam: the one place that a fused kernel replaces.

use burn::tensor::Tensor;

use super::AdamConfig;
use crate::step::Target;

/// The scalars of one update of one parameter.
pub(super) struct AdamFactors {
    /// `1 − η · weight_decay`, or 1 where nothing decays.
    decay: f64,
    momentum: f64,
    beta_2: f64,
    /// `η / (1 − β₁ᵏ)`.
    step_size: f64,
    /// `1 / (1 − β₂ᵏ)`.
    sqr_debias: f64,
    epsilon: f64,
}

impl AdamFactors {
    pub(super) fn new(config: &AdamConfig, target: &Target<'_>, steps: u64) -> Self {
        let momentum = target.momentum.unwrap_or(config.beta_1);
        let decays = target.shape.len() > 1 || config.decay_rank_1;
        let weight_decay = if decays { config.weight_decay } else { 0.0 };
        // Past `i32::MAX` steps both powers have long been zero.
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        Self {
            decay: 1.0 - target.learning_rate * weight_decay,
            momentum,
            beta_2: config.beta_2,
            step_size: target.learning_rate / (1.0 - momentum.powi(steps)),
            sqr_debias: 1.0 / (1.0 - config.beta_2.powi(steps)),
            epsilon: config.epsilon,
        }
    }
}

/// The arithmetic of one update, all tensors `[n]`: the value, the average of gradients and the
/// average of their squares, after it. A fused kernel takes the place of this function.
pub(super) fn adam_update(
    value: Tensor<1>,
    gradient: Tensor<1>,
    grad_avg: Tensor<1>,
    sqr_avg: Tensor<1>,
    factors: &AdamFactors,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    // Exactly 1 when nothing decays, and then the multiplication is left out.
    let value = if factors.decay < 1.0 {
        value.mul_scalar(factors.decay)
    } else {
        value
    };
    let square = gradient.clone().square().mul_scalar(1.0 - factors.beta_2);
    let sqr_avg = sqr_avg.mul_scalar(factors.beta_2) + square;
    let grad_avg =
        grad_avg.mul_scalar(factors.momentum) + gradient.mul_scalar(1.0 - factors.momentum);
    let root = sqr_avg.clone().mul_scalar(factors.sqr_debias).sqrt();
    let direction = grad_avg.clone() / root.add_scalar(factors.epsilon);
    let value = value - direction.mul_scalar(factors.step_size);
    (value, grad_avg, sqr_avg)
}
