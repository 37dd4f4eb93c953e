//! Adam over a whole module, with momentum that may change at every step.

mod config;
mod factors;
mod optimizer;

pub use config::AdamConfig;
pub use optimizer::Adam;
