//! Adam over a whole module, with momentum that may change at every step.

mod config;
mod optimizer;
mod update;

pub use config::AdamConfig;
pub use optimizer::Adam;
