//! `cargo xtask bench`: the criterion benchmarks of every crate, or the whole program against its
//! peers.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, ValueEnum};

use super::wrong_arguments;
use crate::atomic_file::{ensure_replaceable, write_atomically};
use crate::bench::comparison::{self, Comparison, Extent};
use crate::bench::document::{self, Document};
use crate::bench::peer::{Peer, Python};
use crate::bench::sweep;
use crate::bench::work::Work;
use crate::machine::{self, Machine};
use crate::ulmfit::Ulmfit;
use crate::workspace::file_name;
use crate::{process, workspace};

#[derive(Args)]
#[command(group(ArgGroup::new("whole").args(["peer", "sweep"]).multiple(true)))]
pub(crate) struct Arguments {
    /// Measure `ulmfit` and its peers in turn; this Python has what xtask/peer/requirements.txt lists
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Measure `ulmfit` over batch sizes, sequence lengths and threads
    #[arg(long)]
    sweep: bool,
    /// Measure this work only; more than once for several
    #[arg(long, value_enum, value_name = "WORK", requires = "peer")]
    only: Vec<Work>,
    /// Measure against this peer only; more than once for several
    #[arg(long, value_enum, value_name = "PEER", requires = "peer")]
    against: Vec<Peer>,
    /// Folder of .txt files to classify and to tokenize; without it that work is left out
    #[arg(long, value_name = "DIR", requires = "peer")]
    texts: Option<PathBuf>,
    /// A script to run instead of our own for fastai, with the same options and keys
    #[arg(long, value_name = "FILE", requires = "peer")]
    script: Option<PathBuf>,
    /// Processes of each program for each work
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count(), requires = "peer")]
    runs: usize,
    /// How often a process does its work
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count(), requires = "whole")]
    steps: usize,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = count(), requires = "whole")]
    threads: Option<usize>,
    /// An ulmfit that is built already
    #[arg(long, value_name = "PROGRAM", requires = "whole")]
    binary: Option<PathBuf>,
    /// Write the tables and their conditions to a file, such as docs/performance.md
    #[arg(long, value_name = "FILE", requires = "peer")]
    output: Option<PathBuf>,
    /// What criterion is to take, such as a filter or --save-baseline NAME
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        conflicts_with = "whole"
    )]
    criterion: Vec<String>,
}

fn count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=10_000)
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.peer.is_none() && !arguments.sweep {
        return criterion(&arguments.criterion);
    }
    // Before what takes hours.
    if let Some(output) = &arguments.output {
        ensure_replaceable(output)?;
    }
    let load = machine::load();
    if let Some(warning) = document::warning(load) {
        eprintln!("warning: {warning}");
    }
    // What is wrong with the peers shows before the build.
    let peers = arguments
        .peer
        .as_ref()
        .map(|python| {
            let python = Python::new(python, arguments.script.clone())?;
            let facts = python.facts(&arguments.peers()?)?;
            anyhow::Ok((python, facts))
        })
        .transpose()?;
    let ulmfit = Ulmfit::named_or_built(arguments.binary.as_ref(), "cpu")?;
    let machine = Machine::this();
    let extent = Extent {
        runs: arguments.runs,
        steps: arguments.steps,
        threads: arguments.threads.unwrap_or(machine.cores),
    };
    let compared = peers
        .as_ref()
        .map(|(python, _)| arguments.compare(extent, &ulmfit, python))
        .transpose()?;
    let swept = arguments
        .sweep
        .then(|| sweep::run(&ulmfit, extent.steps, extent.threads))
        .transpose()?
        .map(|points| sweep::table(&points));
    if let Some(table) = &swept {
        println!("{table}");
    }
    let (Some(output), Some((_, facts)), Some(compared)) = (&arguments.output, &peers, &compared)
    else {
        return Ok(());
    };
    let document = Document {
        command: arguments.command(),
        extent,
        load,
        comparison: compared,
        sweep: swept.as_deref(),
        facts,
        machine,
        commit: ulmfit.commit.as_deref(),
    };
    write_atomically(output, document.markdown())?;
    println!("wrote {}", workspace::shown(output));
    Ok(())
}

fn criterion(arguments: &[String]) -> anyhow::Result<()> {
    // `--benches`, since the test harness of a library does not know criterion's options.
    let mut command = workspace::cargo();
    command.args(["bench", "--workspace", "--bench", "*"]);
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    process::run(&mut command)
}

impl Arguments {
    /// Measures the chosen work and prints the table; what is done shows as soon as it is.
    fn compare(&self, extent: Extent, ulmfit: &Ulmfit, python: &Python) -> anyhow::Result<String> {
        let mut comparisons = vec![];
        // The two sides run in different folders.
        let texts = self.texts.as_ref().map(std::path::absolute).transpose()?;
        for (work, peers) in self.chosen() {
            let texts = texts.as_deref();
            let comparison = Comparison::run(work, &peers, extent, texts, ulmfit, python)?;
            comparisons.push(comparison);
            eprintln!("{}", comparison::table(&comparisons));
        }
        let table = comparison::table(&comparisons);
        println!("{table}");
        Ok(table)
    }

    /// The work, each with the peers that do it.
    fn chosen(&self) -> Vec<(Work, Vec<Peer>)> {
        let all = Work::value_variants().iter().copied();
        let can_be_done = |work: &Work| !work.needs_texts() || self.texts.is_some();
        let works = all
            .filter(|work| self.only.is_empty() || self.only.contains(work))
            .filter(can_be_done);
        let against = |peer: &Peer| self.against.is_empty() || self.against.contains(peer);
        let with_peers = works.map(|work| {
            let peers = work.peers().iter().copied();
            (work, peers.filter(against).collect::<Vec<_>>())
        });
        with_peers.filter(|(_, peers)| !peers.is_empty()).collect()
    }

    /// Every peer that is to be run.
    fn peers(&self) -> anyhow::Result<Vec<Peer>> {
        let peers: Vec<_> = self
            .chosen()
            .into_iter()
            .flat_map(|(_, peers)| peers)
            .collect();
        if peers.is_empty() {
            let message = "no peer named with --against does the work named with --only; predict and \
                           tokenize need --texts";
            return Err(wrong_arguments(ErrorKind::ArgumentConflict, message));
        }
        Ok(peers)
    }

    /// The command that gives these figures again; of paths only the last part, which is all that
    /// another machine shares.
    fn command(&self) -> String {
        let mut command = "cargo xtask bench --peer PYTHON".to_owned();
        let mut add = |option: &str, value: &str| {
            write!(command, " --{option} {value}").expect("a String takes every write");
        };
        for work in &self.only {
            add("only", &name(work));
        }
        for peer in &self.against {
            add("against", &name(peer));
        }
        let paths = [
            ("texts", &self.texts),
            ("script", &self.script),
            ("binary", &self.binary),
        ];
        for (option, path) in paths {
            if let Some(path) = path {
                add(option, &file_name(path));
            }
        }
        add("runs", &self.runs.to_string());
        add("steps", &self.steps.to_string());
        if let Some(threads) = self.threads {
            add("threads", &threads.to_string());
        }
        if self.sweep {
            command.push_str(" --sweep");
        }
        command
    }
}

/// As it is typed.
fn name(value: &impl ValueEnum) -> String {
    let name = value.to_possible_value();
    name.map(|name| name.get_name().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Result<Arguments, clap::Error> {
        crate::commands::parse(typed)
    }

    #[test]
    fn what_is_not_ours_goes_to_criterion() {
        for typed in ["", "lstm", "--save-baseline before", "lstm --quick"] {
            let arguments = parse(typed).expect(typed);
            assert_eq!(arguments.criterion.join(" "), typed);
            assert!(arguments.peer.is_none() && !arguments.sweep);
        }
    }

    #[test]
    fn options_go_with_what_they_are_for() {
        for typed in [
            "--runs 3",
            "--steps 3",
            "--peer python --runs 0",
            "--peer python --only everything",
            "--sweep --output performance.md",
            "--peer python lstm",
        ] {
            assert!(parse(typed).is_err(), "{typed}");
        }
        assert!(parse("--sweep --steps 2 --threads 1").is_ok());
    }

    #[test]
    fn work_and_peers_are_chosen() {
        let all = parse("--peer python").expect("all of it");
        assert_eq!(all.chosen().len(), Work::value_variants().len() - 2);
        let all = parse("--peer python --texts reviews").expect("all of it");
        assert_eq!(all.chosen().len(), Work::value_variants().len());
        let some = "--peer a/python --only train-small --only classify-one --against onnxruntime";
        let some = parse(some).expect("some of it");
        let chosen = some.chosen();
        assert_eq!(chosen, [(Work::ClassifyOne, vec![Peer::Onnxruntime])]);
        assert_eq!(
            some.command(),
            "cargo xtask bench --peer PYTHON --only train-small --only classify-one --against \
             onnxruntime --runs 5 --steps 5"
        );
        let none = parse("--peer python --only train-small --against onnxruntime");
        let error = none.expect("well-formed").peers().expect_err("no work");
        assert!(error.is::<clap::Error>(), "{error}");
    }
}
