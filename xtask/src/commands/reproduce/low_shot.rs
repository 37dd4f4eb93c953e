//! `cargo xtask reproduce low-shot`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::{Direction, Imdb, Options, Profile};
use crate::reproduce::low_shot::{Arm, LABELS, LowShot, SEEDS, TEST_DOCUMENTS, TOKENS_PER_REVIEW};
use crate::reproduce::pretrained;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::study::design::{DIRECTION, Design};
use crate::reproduce::study::kept::Kept;
use crate::reproduce::study::step::Step;
use crate::ulmfit::Ulmfit;
use crate::workspace::{self, file_name};

/// The seed of the `cpu` profile.
const PROFILE_SEED: u64 = 42;
/// Of the training split, and of the test split.
const DOCUMENTS: usize = 25_000;

/// Which part of the study to run; what is finished is kept, and what was stopped goes on.
#[derive(Args)]
pub(super) struct Arguments {
    /// Numbers of labels
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = LABELS, value_parser = reviews(1))]
    labels: Vec<usize>,
    /// Seeds: each draws its labeled reviews, the same for every arm
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = SEEDS)]
    seeds: Vec<u64>,
    /// Ways to a classifier
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Arm::ALL)]
    arms: Vec<Arm>,
    /// Test reviews, always the same ones; 0 for all
    #[arg(long, value_name = "N", default_value_t = TEST_DOCUMENTS, value_parser = reviews(0))]
    test_documents: usize,
    /// The reviews, where they are not to be downloaded: the published archive, or its folder
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
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

/// A number of reviews, of those that have labels. Zero stands for all of them, which is no number of labels.
fn reviews(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=DOCUMENTS as u64)
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let study = arguments.study()?;
    let binary = arguments.binary.as_ref();
    study.run(&Ulmfit::named_or_built(binary, &arguments.device)?)
}

impl Arguments {
    fn study(&self) -> anyhow::Result<LowShot> {
        // The language models of the semi-supervised arms are the `cpu` profile's, in its folders.
        let profile = Imdb {
            profile: Profile::Cpu,
            options: Options {
                data: self.data.clone(),
                pretrained: pretrained::ENGLISH.to_owned(),
                pretrain_data: vec![],
                device: self.device.clone(),
                direction: Direction::Forward,
                seed: PROFILE_SEED,
                resume: true,
                transductive: false,
                out: self.out.clone(),
                reports: self.reports.clone(),
                binary: None,
            },
        };
        let source = profile.experiment()?;
        let data = source.corpus.facts()?;
        let language_model = |direction| {
            let mut stages = source.stages(direction, &data, &[])?.into_iter();
            let tuned = stages.find(|it| it.plan.stage == "finetune");
            anyhow::Ok(Step {
                stage: tuned.context("the cpu profile fine-tunes a language model")?,
                recipe: source.recipe.clone(),
                // As many reviews again as have labels are to test on, and twice as many have none.
                documents: 3 * DOCUMENTS,
            })
        };
        let language_models = [language_model(DIRECTION)?, language_model("backward")?];
        let mut labels = self.labels.clone();
        labels.sort_unstable();
        labels.dedup();
        let reports = workspace::folder(self.reports.as_ref(), "docs/results")?;
        Ok(LowShot {
            command: self.command(),
            design: Design {
                runs: workspace::folder(self.out.as_ref(), "runs")?.join("low-shot"),
                corpus: source.corpus,
                data,
                on_board: pretrained::digest(Some(pretrained::ENGLISH), DIRECTION)?,
                recipe: Recipe::load("low-shot")?,
                device: self.device.clone(),
                documents: DOCUMENTS,
                test_documents: self.test_documents,
                tokens_per_document: TOKENS_PER_REVIEW,
                kept: Kept::read(&reports.join("low-shot.json"))?,
            },
            language_models,
            labels,
            seeds: self.seeds.clone(),
            arms: self.arms.clone(),
            reports,
        })
    }

    /// The command that gives the whole report, whatever part of it runs this time; labels and seeds are
    /// added by what is measured.
    fn command(&self) -> String {
        let mut command = "cargo xtask reproduce low-shot".to_owned();
        let mut add = |option: &str, value: &str| {
            write!(command, " --{option} {value}").expect("a String takes every write");
        };
        if let Some(path) = &self.data {
            add("data", &file_name(path));
        }
        if self.device != "cpu" {
            add("device", &self.device);
        }
        if self.test_documents != TEST_DOCUMENTS {
            add("test-documents", &self.test_documents.to_string());
        }
        command
    }
}
