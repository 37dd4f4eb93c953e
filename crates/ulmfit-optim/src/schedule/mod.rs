//! Learning rates, and momentum, as functions of the step.

mod config;
mod constant;
mod cosine;
mod counter;
mod one_cycle;
mod slanted_triangular;

pub use config::{Schedule, ScheduleConfig};
pub use constant::{ConstantLr, ConstantLrConfig};
pub use cosine::{CosineLr, CosineLrConfig};
pub use counter::ScheduleCounter;
pub use one_cycle::{OneCycle, OneCycleConfig};
pub use slanted_triangular::{SlantedTriangularLr, SlantedTriangularLrConfig};
