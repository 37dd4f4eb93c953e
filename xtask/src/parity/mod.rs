//! The parts of `cargo xtask parity`.

pub(crate) mod report;
pub(crate) mod sides;
