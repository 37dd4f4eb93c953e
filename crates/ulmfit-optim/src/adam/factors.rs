//! The scalars of Adam's arithmetic, which is `ulmfit-kernels`' own.

use ulmfit_kernels::AdamFactors;

use super::AdamConfig;
use crate::step::Target;

/// Those of the update number `steps`, counted from 1, of one parameter.
pub(super) fn factors(config: &AdamConfig, target: &Target<'_>, steps: u64) -> AdamFactors {
    let momentum = target.momentum.unwrap_or(config.beta_1);
    let decays = target.shape.len() > 1 || config.decay_rank_1;
    let weight_decay = if decays { config.weight_decay } else { 0.0 };
    // Past `i32::MAX` steps both powers have long been zero.
    let steps = i32::try_from(steps).unwrap_or(i32::MAX);
    AdamFactors {
        decay: 1.0 - target.learning_rate * weight_decay,
        momentum,
        beta_2: config.beta_2,
        step_size: target.learning_rate / (1.0 - momentum.powi(steps)),
        sqr_debias: 1.0 / (1.0 - config.beta_2.powi(steps)),
        epsilon: config.epsilon,
    }
}
