//! The parts of `cargo xtask bench` that measure the whole program, alone and against its peers.

pub(crate) mod comparison;
pub(crate) mod document;
pub(crate) mod measured;
pub(crate) mod peer;
pub(crate) mod sweep;
pub(crate) mod work;
