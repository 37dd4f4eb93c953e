//! `cargo xtask parity`: fastai's learner and ours on the same documents, with the same sizes,
//! dropouts, schedules and numbers of epochs. What is done already is not done again, and the report
//! has all that is done.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use crate::bench::peer::{Peer, Python};
use crate::machine::Machine;
use crate::parity::report::Report;
use crate::parity::sides::{Learner, NAME, Run, Sides};
use crate::ulmfit::Ulmfit;
use crate::{parity, workspace};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A Python with what xtask/peer/requirements.txt lists
    #[arg(long, value_name = "PYTHON")]
    peer: PathBuf,
    /// The published archive, `aclImdb_v1.tar.gz`
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// A run of each side for each seed
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
    /// Seeds that fastai is left out for, since it takes longer
    #[arg(long, value_name = "N", value_delimiter = ',')]
    without_peer: Vec<u64>,
    /// The folder of the runs, if not the workspace's runs
    #[arg(long, value_name = "RUNS_DIR")]
    out: Option<PathBuf>,
    /// An ulmfit that is built already
    #[arg(long, value_name = "PROGRAM")]
    binary: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let python = Python::new(&arguments.peer, None)?;
    let facts = python.facts(&[Peer::Fastai])?;
    let ulmfit = Ulmfit::named_or_built(arguments.binary.as_ref(), "cpu")?;
    let version = |package: &str| facts.versions.get(package).cloned().flatten();
    let report = Report {
        outcomes: vec![],
        fastai: version("fastai").unwrap_or_default(),
        torch: version("torch").unwrap_or_default(),
        machine: Machine::this(),
        commit: ulmfit.commit.clone(),
        date: facts.date,
    };
    let folder = workspace::folder(arguments.out.as_ref(), "runs")?.join(NAME);
    let sides = Sides::new(python, ulmfit, &arguments.data, folder)?;
    let results = workspace::root().join("docs/results");
    let report = parity::run(&sides, &arguments.runs(), report, &results)?;
    println!("{}", report.means());
    Ok(())
}

impl Arguments {
    fn runs(&self) -> BTreeSet<Run> {
        let both =
            |&seed: &u64| [Learner::Ulmfit, Learner::Fastai].map(|learner| Run { seed, learner });
        let runs = self.seeds.iter().flat_map(both);
        let is_wanted =
            |run: &Run| run.learner == Learner::Ulmfit || !self.without_peer.contains(&run.seed);
        runs.filter(is_wanted).collect()
    }
}
