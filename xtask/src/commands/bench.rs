//! `cargo xtask bench`: the criterion benchmarks of every crate.

use clap::Args;

use crate::{process, workspace};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What criterion is to take, such as a filter or --save-baseline NAME
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    criterion: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // `--benches`, since the test harness of a library does not know criterion's options.
    let mut command = workspace::cargo();
    command.args(["bench", "--workspace", "--bench", "*"]);
    if !arguments.criterion.is_empty() {
        command.arg("--").args(&arguments.criterion);
    }
    process::run(&mut command)
}
