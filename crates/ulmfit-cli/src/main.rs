//! `ulmfit`: few-label text classification in one binary.
//!
//! Glue: each command turns its arguments into values, calls the library, and reports. Results go
//! to standard output, everything else to standard error. The exit code is 0 when the command did
//! what it was asked, 1 when it failed, with the reason as one sentence, and 2 when the command
//! line makes no sense.

mod answers;
mod args;
mod commands;
mod dashboard;
mod device;
mod documents;
mod failure;
mod interrupt;
mod memory;
mod output;
mod output_file;
mod plot;
mod pretrained;
mod progress;
mod records;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    // Training frees large buffers and asks for them again at every step; having the system clear
    // their pages each time took up to a tenth of the time.
    ulmfit_kernels::keep_freed_memory();
    let cli = Cli::parse();
    cli.global.set_up_log();
    match cli.global.set_up_threads().and_then(|()| run(&cli)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough, as in `ulmfit predict … | head`.
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            failure::report(&error);
            if failure::is_usage(&error) {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The command line, to be noted with a run: names that are not UTF-8 as well as text can have them.
fn command_line() -> Vec<String> {
    let arguments = std::env::args_os();
    let text = arguments.map(|argument| argument.to_string_lossy().into_owned());
    text.collect()
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let global = &cli.global;
    match &cli.command {
        Command::Encode(args) => commands::encode::run(args, global),
        Command::Pretrain(args) => commands::pretrain::run(args, global),
        Command::Finetune(args) => commands::finetune::run(args, global),
        Command::Train(args) => commands::train::run(args, global),
        Command::LrFind(args) => commands::lr_find::run(args, global),
        Command::Ensemble(args) => commands::ensemble::run(args),
        Command::Quantize(args) => commands::quantize::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args, global),
        Command::Predict(args) => commands::predict::run(args, global),
        Command::Generate(args) => commands::generate::run(args),
        Command::Tokenize(args) => commands::tokenize::run(args),
        Command::Inspect(args) => commands::inspect::run(args, global),
        Command::Baseline(args) => commands::baseline::run(args, global),
        Command::Bench(args) => commands::bench::run(args),
        Command::Fit(args) => commands::fit::run(args, global),
        Command::Models(args) => commands::models::run(args),
        Command::Devices(args) => commands::devices::run(args),
        Command::Completions(args) => commands::completions::run(args),
    }
}
