//! `cargo xtask readme`: pastes the README's lines into a shell, block after block, as a new user does.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::ulmfit::Ulmfit;
use crate::{process, workspace};

/// The folders that the lines name, which a user has beside the README.
const NAMED: [&str; 2] = ["datasets/imdb-sample", "recipes"];

pub(crate) fn run() -> anyhow::Result<()> {
    let text = fs_err::read_to_string(workspace::root().join("README.md"))?;
    let blocks = shell_blocks(&text);
    ensure!(!blocks.is_empty(), "README.md has no lines for a shell");
    let ulmfit = Ulmfit::build("cpu")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let before = ulmfit
        .folder()
        .into_iter()
        .map(Path::to_path_buf)
        .chain(std::env::split_paths(&path));
    let path = std::env::join_paths(before).context("PATH cannot hold the folder of ulmfit")?;
    // What the lines write stays out of the workspace.
    let place = tempfile::tempdir()?;
    for folder in NAMED {
        copy(&workspace::root().join(folder), &place.path().join(folder))?;
    }
    for block in &blocks {
        eprintln!("pasting\n{block}");
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", block]).env("PATH", &path);
        process::run(shell.current_dir(place.path()))?;
    }
    Ok(())
}

/// The fenced blocks marked `sh`, without the lines that call cargo: those set a machine up, or run
/// the very checks that this is one of.
fn shell_blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut lines = text.lines();
    while lines.any(|line| line == "```sh") {
        let block = lines.by_ref().take_while(|line| *line != "```");
        let pasted: Vec<_> = block.filter(|line| !line.starts_with("cargo ")).collect();
        if pasted.iter().any(|line| !line.trim().is_empty()) {
            blocks.push(pasted.join("\n"));
        }
    }
    blocks
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(to)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs_err::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_a_shell_is_pasted_and_cargo_is_not_called() {
        let text = "# A\n```sh\ncargo install x\n\nulmfit a \\\n    b\n```\n```rust\nulmfit\n```\n```sh\ncargo y\n```\n";
        assert_eq!(shell_blocks(text), ["\nulmfit a \\\n    b"]);
    }
}
