//! Averaged SGD, switched on when validation stops improving.

mod config;
mod optimizer;
mod trigger;

pub use config::NtAsgdConfig;
pub use optimizer::NtAsgd;
