//! The peers: Python programs, run by a Python that has what they need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::Deserialize;

use crate::bench::measured::Measured;
use crate::{process, workspace};

/// Where the scripts are, in the workspace.
const FOLDER: &str = "xtask/peer";

/// Who ulmfit is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// fastai on PyTorch
    Fastai,
    /// ONNX Runtime, weights in float32
    Onnxruntime,
    /// ONNX Runtime, weights of the LSTM layers in int8
    OnnxruntimeInt8,
}

/// A Python, with the scripts that it is to run.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
    /// Instead of our own.
    fastai_script: Option<PathBuf>,
}

/// What a Python says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Facts {
    /// Today, in UTC.
    pub(crate) date: String,
    /// By package; `null` for one that is not installed.
    pub(crate) versions: BTreeMap<String, Option<String>>,
}

impl Peer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fastai => "fastai",
            Self::Onnxruntime => "onnxruntime",
            Self::OnnxruntimeInt8 => "onnxruntime, int8",
        }
    }

    const fn script(self) -> &'static str {
        match self {
            Self::Fastai => "fastai_bench.py",
            Self::Onnxruntime | Self::OnnxruntimeInt8 => "onnxruntime_bench.py",
        }
    }

    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Fastai => &["fastai", "torch"],
            Self::Onnxruntime | Self::OnnxruntimeInt8 => &["onnx", "onnxruntime"],
        }
    }
}

impl Python {
    pub(crate) fn new(program: &Path, fastai_script: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(script) = fastai_script.as_ref().filter(|script| !script.is_file()) {
            bail!("--script: there is no {}", script.display());
        }
        Ok(Self {
            program: process::program(program)?,
            fastai_script,
        })
    }

    /// The versions of what these peers need; fails if some of it is missing.
    pub(crate) fn facts(&self, peers: &[Peer]) -> anyhow::Result<Facts> {
        let mut packages: Vec<_> = peers.iter().flat_map(|peer| peer.packages()).collect();
        packages.sort_unstable();
        packages.dedup();
        let mut command = self.command(&folder().join("facts.py"));
        let facts: Facts = serde_json::from_slice(&process::output(command.args(packages))?)?;
        if let Some((package, _)) = facts.versions.iter().find(|(_, version)| version.is_none()) {
            bail!(
                "{} has no {package}; install what {FOLDER}/requirements.txt lists, or choose \
                 peers with --against",
                self.program.display()
            );
        }
        Ok(facts)
    }

    /// Runs a peer.
    pub(crate) fn run(&self, peer: Peer, arguments: &[String]) -> anyhow::Result<Measured> {
        let script = match (&self.fastai_script, peer) {
            (Some(script), Peer::Fastai) => script.clone(),
            _ => folder().join(peer.script()),
        };
        eprintln!(
            "running {} {}",
            workspace::shown(&script),
            arguments.join(" ")
        );
        let mut command = self.command(&script);
        command.args(arguments);
        if peer == Peer::OnnxruntimeInt8 {
            command.arg("--int8");
        }
        Measured::read(&process::output(&mut command)?)
            .with_context(|| format!("could not read what {} printed", peer.name()))
    }

    /// A run of a script, to which its arguments are to be added.
    pub(crate) fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.program);
        // Nothing is left beside the scripts.
        command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn folder() -> PathBuf {
    workspace::root().join(FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_its_script_and_its_packages_are_listed() {
        let folder = folder();
        let requirements = fs_err::read_to_string(folder.join("requirements.txt"))
            .expect("the scripts come with a list");
        for peer in Peer::value_variants() {
            assert!(folder.join(peer.script()).is_file(), "{}", peer.script());
            for package in peer.packages() {
                let pinned = format!("{package}==");
                assert!(
                    requirements.lines().any(|line| line.starts_with(&pinned)),
                    "{package}"
                );
            }
        }
    }
}
