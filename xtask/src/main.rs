//! The project's own tasks: `cargo xtask ci`, `reproduce`, `bench`, `parity`, `readme`, `fixtures`.
//!
//! Each command is one file under `commands`. The tasks run `cargo` and the `ulmfit` binary as
//! processes and know nothing of tensors, so they build in seconds.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the person who started it"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod atomic_file;
mod bench;
mod checksum;
mod commands;
mod fetch;
mod listed;
mod machine;
mod manifest;
mod markdown;
mod parity;
mod process;
mod reproduce;
mod ulmfit;
mod workspace;

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    about = "The tasks of the ulmfit workspace",
    version
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a whole experiment, from raw text to a report in docs/results
    Reproduce(commands::reproduce::Arguments),
    /// Run every check that a change has to pass, the cheapest first
    Ci,
    /// Run the benchmarks, or measure against the peers
    Bench(commands::bench::Arguments),
    /// Train fastai's learner and ours on the same reviews
    Parity(commands::parity::Arguments),
    /// Paste the README's lines into a shell
    Readme,
    /// Make the golden files of the parity tests again
    Fixtures(commands::fixtures::Arguments),
}

/// Exit codes: 0, 1 for a failure, 2 for wrong arguments, and a failed check's own from `ci`.
fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Reproduce(arguments) => commands::reproduce::run(&arguments),
        Command::Ci => commands::ci::run(),
        Command::Bench(arguments) => commands::bench::run(&arguments),
        Command::Parity(arguments) => commands::parity::run(&arguments),
        Command::Readme => commands::readme::run(),
        Command::Fixtures(arguments) => commands::fixtures::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(wrong) = error.downcast_ref::<clap::Error>() {
                wrong.exit();
            }
            eprintln!("error: {error:#}");
            match error.downcast_ref::<process::Failed>() {
                Some(failed) => ExitCode::from(failed.code),
                None => ExitCode::FAILURE,
            }
        }
    }
}
