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

/// The arguments of a task, as they are typed behind its name.
#[cfg(test)]
fn parse<A: clap::Args>(typed: &str) -> Result<A, clap::Error> {
    #[derive(clap::Parser)]
    struct Task<A: clap::Args> {
        #[command(flatten)]
        arguments: A,
    }

    let words = std::iter::once("task").chain(typed.split_whitespace());
    <Task<A> as clap::Parser>::try_parse_from(words).map(|task| task.arguments)
}
