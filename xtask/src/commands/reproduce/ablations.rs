//! `cargo xtask reproduce ablations`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{imdb_corpus, trec_corpus};
use crate::manifest::Manifest;
use crate::reproduce::ablations::{Ablations, DataSet, ROWS};
use crate::reproduce::pretrained;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::study::design::{DIRECTION, Design};
use crate::reproduce::study::kept::Kept;
use crate::ulmfit::Ulmfit;
use crate::workspace::{self, file_name};

/// Which part of the study to run; what is finished is kept, and what was stopped goes on.
#[derive(Args)]
pub(super) struct Arguments {
    /// Questions, or 5,000 reviews with 5,000 others to test on
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = DataSet::ALL)]
    data_set: Vec<DataSet>,
    /// Rows of the tables [default: all]
    #[arg(long, value_name = "ROW", value_delimiter = ',', value_parser = row_names())]
    rows: Vec<String>,
    /// Seeds: a run of each row for each
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [0])]
    seeds: Vec<u64>,
    /// The questions, where they are not to be downloaded: the folder of the published files
    #[arg(long, value_name = "DIR")]
    trec: Option<PathBuf>,
    /// The reviews, where they are not to be downloaded: the published archive, or its folder
    #[arg(long, value_name = "PATH")]
    imdb: Option<PathBuf>,
    /// cpu, ndarray, wgpu or cuda; of several GPUs one by its number, as in cuda:1
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The folder of the runs, if not the workspace's runs
    #[arg(long, value_name = "RUNS_DIR")]
    out: Option<PathBuf>,
    /// The folder of the report, if not the workspace's docs/results
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// An ulmfit that is built already
    #[arg(long, value_name = "PROGRAM")]
    binary: Option<PathBuf>,
}

fn row_names() -> PossibleValuesParser {
    PossibleValuesParser::new(ROWS.iter().map(|row| row.name))
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let studies = arguments.data_set.iter().map(|&it| arguments.study(it));
    let studies = studies.collect::<anyhow::Result<Vec<_>>>()?;
    let ulmfit = Ulmfit::named_or_built(arguments.binary.as_ref(), &arguments.device)?;
    studies.iter().try_for_each(|study| study.run(&ulmfit))
}

impl Arguments {
    fn study(&self, data_set: DataSet) -> anyhow::Result<Ablations> {
        let corpus = match data_set {
            DataSet::Trec => trec_corpus(Manifest::load("trec")?, self.trec.as_ref())?,
            DataSet::Imdb => imdb_corpus(Manifest::load("imdb")?, self.imdb.as_ref())?,
        };
        let name = format!("ablations-{data_set}");
        let recipe = Recipe::load(&name)?;
        let reports = workspace::folder(self.reports.as_ref(), "docs/results")?;
        let wanted = |name: &str| self.rows.is_empty() || self.rows.iter().any(|it| it == name);
        Ok(Ablations {
            command: self.command(data_set),
            data_set,
            rows: ROWS.iter().filter(|row| wanted(row.name)).collect(),
            seeds: self.seeds.clone(),
            labels: recipe.data.train_documents,
            design: Design {
                kept: Kept::read(&reports.join(format!("{name}.json")))?,
                runs: workspace::folder(self.out.as_ref(), "runs")?.join(name),
                data: corpus.facts()?,
                corpus,
                on_board: pretrained::digest(Some(pretrained::ENGLISH), DIRECTION)?,
                documents: data_set.documents(),
                test_documents: recipe.data.test_documents,
                tokens_per_document: data_set.tokens_per_document(),
                recipe,
                device: self.device.clone(),
            },
            reports,
        })
    }

    /// The command that gives the report, whatever rows of it run this time; seeds are added by what is
    /// measured.
    fn command(&self, data_set: DataSet) -> String {
        let mut command = format!("cargo xtask reproduce ablations --data-set {data_set}");
        let mut add = |option: &str, value: &str| {
            write!(command, " --{option} {value}").expect("a String takes every write");
        };
        let data = match data_set {
            DataSet::Trec => &self.trec,
            DataSet::Imdb => &self.imdb,
        };
        if let Some(path) = data {
            add(&data_set.to_string(), &file_name(path));
        }
        if self.device != "cpu" {
            add("device", &self.device);
        }
        command
    }
}
