//! What ULMFiT asks of an optimizer, on top of burn, for every backend:
//!
//! - [`Schedule`]: slanted triangular, one-cycle, cosine and constant rates, as pure functions of
//!   the step number, so that a run resumed in the middle of an epoch needs nothing but that number;
//! - [`LayerGroups`], [`DiscriminativeLr`] and [`StepRates`]: each layer group at its own rate;
//! - [`Unfreezing`], [`Stage`] and [`unfreeze`]: which groups train when;
//! - [`Adam`], [`Sgd`] and [`NtAsgd`], joined by [`Optimizer`], with states keyed by the paths of
//!   the parameters;
//! - [`clip_global_norm`], whose result a step takes as it is.
//!
//! The features `flex`, `ndarray`, `wgpu` and `cuda` name the backends that parameters may live on.
//!
//! One training step, with every part in its place:
//!
//! ```no_run
//! use burn::{module::{Module, ParamGroup}, optim::GradientsParams, tensor::Tensor};
//! use ulmfit_optim::*;
//!
//! fn train<M: Module>(
//!     mut model: M,
//!     groups: Vec<ParamGroup>,
//!     n_steps: usize,
//!     loss: impl Fn(&M, usize) -> Tensor<1>,
//! ) -> Result<M, OptimError> {
//!     let groups = LayerGroups::new(&model, groups)?;
//!     let multipliers = DiscriminativeLr::default().multipliers(groups.len())?;
//!     let schedule = ScheduleConfig::from(SlantedTriangularLrConfig::new(0.01)).init(n_steps)?;
//!     let mut optimizer = OptimizerConfig::from(AdamConfig::default()).init()?;
//!
//!     model = unfreeze(model, &groups, Trainable::Last(1))?;
//!     for step in 0..n_steps {
//!         let gradients = GradientsParams::from_grads(loss(&model, step).backward(), &model);
//!         let (gradients, _norm) = clip_global_norm(&model, gradients, 0.25);
//!         let rates = StepRates::at(&groups, &multipliers, &schedule, step)?;
//!         model = optimizer.step(model, gradients, &rates);
//!     }
//!     Ok(model)
//! }
//! ```
//!
//! Sources are named as in the project's notes: *paper* is Howard and Ruder 2018
//! (arXiv 1801.06146v5), *fastai 0.7* the scripts that came with it, *fastai v2* today's library,
//! *awd-lstm-lm* the code of Merity et al. 2018.

mod adam;
mod clip;
mod discriminative;
mod error;
mod gradients;
mod groups;
mod nt_asgd;
mod optimizer;
mod path;
mod rates;
mod schedule;
mod sgd;
mod state;
mod step;
#[cfg(test)]
mod test_model;
mod unfreezing;

pub use adam::{Adam, AdamConfig};
pub use clip::clip_global_norm;
pub use discriminative::DiscriminativeLr;
pub use error::OptimError;
pub use gradients::ScaledGradients;
pub use groups::{LayerGroups, unfreeze};
pub use nt_asgd::{NtAsgd, NtAsgdConfig};
pub use optimizer::{Optimizer, OptimizerConfig};
pub use rates::StepRates;
pub use schedule::{
    ConstantLr, ConstantLrConfig, CosineLr, CosineLrConfig, OneCycle, OneCycleConfig, Schedule,
    ScheduleConfig, ScheduleCounter, SlantedTriangularLr, SlantedTriangularLrConfig,
};
pub use sgd::{Sgd, SgdConfig};
pub use state::{OptimizerProgress, OptimizerState};
pub use unfreezing::{Stage, Trainable, Unfreezing};
