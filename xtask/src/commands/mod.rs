//! One file a command.

pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod fixtures;
pub(crate) mod parity;
pub(crate) mod readme;
pub(crate) mod reproduce;
