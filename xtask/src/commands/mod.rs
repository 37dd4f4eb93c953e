//! One file a command.

pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod fixtures;
pub(crate) mod parity;
pub(crate) mod readme;
pub(crate) mod reproduce;

/// A refusal that `main` ends with code 2, of what clap itself cannot tell is wrong.
fn wrong_arguments(kind: clap::error::ErrorKind, message: impl std::fmt::Display) -> anyhow::Error {
    clap::Error::raw(kind, format!("{message}\n")).into()
}
