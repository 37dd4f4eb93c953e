//! The `ulmfit` binary, run as a process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bench::measured::Measured;
use crate::{machine, process, workspace};

/// A built `ulmfit`.
#[derive(Debug)]
pub(crate) struct Ulmfit {
    program: PathBuf,
    /// The commit it was built from; `None` for a program whose origin is not known.
    pub(crate) commit: Option<String>,
}

/// A line of `cargo build --message-format json`, as far as it matters.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

impl Ulmfit {
    /// The binary that was named, or one that is built now with what the device needs.
    pub(crate) fn named_or_built(named: Option<&PathBuf>, device: &str) -> anyhow::Result<Self> {
        match named {
            Some(program) => Self::at(program.clone()),
            None => Self::build(device),
        }
    }

    /// Takes a binary that is there already.
    pub(crate) fn at(program: PathBuf) -> anyhow::Result<Self> {
        ensure!(
            program.is_file(),
            "there is no program at {}",
            program.display()
        );
        Ok(Self {
            program: std::path::absolute(program)?,
            commit: None,
        })
    }

    /// Builds the optimized binary with what the device needs.
    pub(crate) fn build(device: &str) -> anyhow::Result<Self> {
        let mut command = workspace::cargo();
        command.args([
            "build",
            "--release",
            "--package",
            "ulmfit-cli",
            "--bin",
            "ulmfit",
        ]);
        command.args(["--message-format", "json-render-diagnostics"]);
        if let Some(feature) = feature(device) {
            command.args(["--features", feature]);
        }
        eprintln!("building ulmfit");
        // Read now: by the time of the report, hours later, the tree may be another.
        let commit = machine::commit();
        let messages = process::output(command.stdin(Stdio::null()))?;
        let executable = messages
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Message>(line).ok()?.executable)
            .next_back();
        Ok(Self {
            program: executable.context("cargo did not say where it put ulmfit")?,
            commit,
        })
    }

    /// The folder that the binary lies in.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.program.parent()
    }

    /// Runs a command for its effects; what it prints stays visible.
    pub(crate) fn run(&self, arguments: &[OsString]) -> anyhow::Result<()> {
        process::run(&mut self.command(arguments))
    }

    /// Runs a command for the JSON it writes to standard output.
    pub(crate) fn json<T: DeserializeOwned>(&self, arguments: &[OsString]) -> anyhow::Result<T> {
        let mut command = self.command(arguments);
        command.arg("--json");
        let output = process::output(&mut command)?;
        serde_json::from_slice(&output)
            .with_context(|| format!("could not read what `{}` printed", process::shown(&command)))
    }

    /// Runs `ulmfit bench`.
    pub(crate) fn bench(&self, arguments: &[String]) -> anyhow::Result<Measured> {
        let words = std::iter::once("bench").chain(arguments.iter().map(String::as_str));
        self.json(&words.map(OsString::from).collect::<Vec<_>>())
    }

    fn command(&self, arguments: &[OsString]) -> Command {
        let root = workspace::root();
        // Paths as the workspace has them, in what is printed and in what runs record.
        let inside = |word: &OsString| Path::new(word).strip_prefix(&root).ok().map(OsString::from);
        let words = arguments
            .iter()
            .map(|word| inside(word).unwrap_or_else(|| word.clone()));
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&root);
        eprintln!("running {}", process::shown(&command));
        command
    }
}

/// The feature of ulmfit-cli that a device needs beyond the default ones.
fn feature(device: &str) -> Option<&'static str> {
    let (kind, _index) = device.split_once(':').unwrap_or((device, ""));
    ["ndarray", "wgpu", "cuda"]
        .into_iter()
        .find(|feature| *feature == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_names_its_feature() {
        assert_eq!(feature("cpu"), None);
        assert_eq!(feature("ndarray"), Some("ndarray"));
        assert_eq!(feature("cuda:1"), Some("cuda"));
    }
}
