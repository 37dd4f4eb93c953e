use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::output;

const EXAMPLE: &str = "\
Examples:
  ulmfit completions bash > ~/.local/share/bash-completion/completions/ulmfit
  ulmfit completions zsh > ~/.zfunc/_ulmfit      # with fpath+=~/.zfunc before compinit in ~/.zshrc
  ulmfit completions fish > ~/.config/fish/completions/ulmfit.fish
  ulmfit completions powershell >> $PROFILE";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CompletionsArgs {
    /// Shell that is to complete commands
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ulmfit", &mut script);
    output::text(&String::from_utf8(script)?)
}
