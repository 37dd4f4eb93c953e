//! `cargo xtask reproduce`: from raw text to a report, in one command.
//!
//! This file knows what each experiment is: its data, its recipe and the figures to stand beside.
//! How one runs is in `reproduce::experiment`; the studies, of many small runs, have files of their own.

mod ablations;
mod low_shot;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::error::ErrorKind;
use clap::{Args, Subcommand, ValueEnum};

use super::wrong_arguments;
use crate::manifest::Manifest;
use crate::reproduce::corpus::{Corpus, Place};
use crate::reproduce::experiment::Experiment;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::report::Published;
use crate::reproduce::{aclimdb, ag_news, pretrained, trec};
use crate::ulmfit::Ulmfit;
use crate::workspace::file_name;
use crate::{fetch, workspace};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    experiment: Which,
}

#[derive(Subcommand)]
enum Which {
    /// Sentiment of movie reviews; without arguments, minutes on a bundled sample
    Imdb(Imdb),
    /// Types of questions, six classes
    Trec(Options),
    /// Topics of news, four classes; with whatever part of the training rows --data has
    AgNews(Options),
    /// Sentiment from 100 to 5,000 labeled reviews, from scratch and pretrained, beside TF-IDF
    LowShot(low_shot::Arguments),
    /// The rows of the paper's tables 4 to 7, on questions and on reviews
    Ablations(ablations::Arguments),
}

#[derive(Args)]
struct Imdb {
    /// How much of the experiment
    #[arg(long, value_enum, default_value_t = Profile::Smoke)]
    profile: Profile,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// A bundled sample of short reviews: does everything work?
    Smoke,
    /// Part of the reviews, within half an hour on two cores
    Quick,
    /// All reviews and a smaller model
    Cpu,
    /// The paper's sizes; wants a GPU and --pretrain-data with WikiText-103
    Paper,
}

#[derive(Args)]
struct Options {
    /// The data, where it is not to be downloaded: the published archive, or its folder
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// The language model to start from: wiki-small, which is on board, a model file, or none, so that
    /// one is pretrained first
    #[arg(long, value_name = "MODEL", default_value = pretrained::ENGLISH)]
    pretrained: String,
    /// Text to pretrain a language model on, instead of one on board and of the recipe's splits
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "pretrained")]
    pretrain_data: Vec<PathBuf>,
    /// cpu, ndarray, wgpu or cuda; of several GPUs one by its number, as in cuda:1
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Which way the models read; both adds their ensemble
    #[arg(long, value_enum, default_value_t = Direction::Forward)]
    direction: Direction,
    /// Decides every random draw
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Go on where an earlier call was stopped
    #[arg(long)]
    resume: bool,
    /// Show the language model the text of the test documents too, as fastai's examples do
    #[arg(long)]
    transductive: bool,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    Forward,
    Backward,
    Both,
}

/// The test errors in tables 2 and 3 of the paper and in its section on both directions.
const IMDB_PUBLISHED: [Published; 2] = [
    Published {
        what: "ULMFiT, forward and backward, 25,000 labels",
        error_rate: 0.046,
    },
    Published {
        what: "ULMFiT, one direction, 25,000 labels",
        error_rate: 0.053,
    },
];
const TREC_PUBLISHED: [Published; 1] = [Published {
    what: "ULMFiT, forward and backward, 5,452 labels",
    error_rate: 0.036,
}];

const AG_NEWS_PUBLISHED: [Published; 1] = [Published {
    what: "ULMFiT, forward and backward, 120,000 labels",
    error_rate: 0.0501,
}];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (experiment, options) = match &arguments.experiment {
        Which::Imdb(imdb) => (imdb.experiment()?, &imdb.options),
        Which::AgNews(options) => (ag_news_experiment(options)?, options),
        Which::Trec(options) => (trec_experiment(options)?, options),
        Which::LowShot(arguments) => return low_shot::run(arguments),
        Which::Ablations(arguments) => return ablations::run(arguments),
    };
    let binary = options.binary.as_ref();
    experiment.run(&Ulmfit::named_or_built(binary, &options.device)?)
}

impl Imdb {
    fn experiment(&self) -> anyhow::Result<Experiment> {
        let Self { profile, options } = self;
        let profile_name = profile
            .to_possible_value()
            .context("every profile has a name")?;
        let name = format!("imdb-{}", profile_name.get_name());
        if *profile == Profile::Paper && options.pretrain_data.is_empty() {
            let wikitext = Manifest::load("wikitext-103")?;
            let message = format!(
                "the paper pretrains on {}; get it from {} and name its files with --pretrain-data",
                wikitext.title, wikitext.homepage
            );
            return Err(wrong_arguments(ErrorKind::MissingRequiredArgument, message));
        }
        let recipe = Recipe::load(&name)?;
        let manifest = Manifest::load("imdb")?;
        let corpus = if *profile == Profile::Smoke {
            if options.data.is_some() {
                let message = "the smoke profile runs on the bundled sample; --data goes with --profile quick, \
                               cpu or paper";
                return Err(wrong_arguments(ErrorKind::ArgumentConflict, message));
            }
            Corpus {
                format: "csv".into(),
                place: Place::Files(manifest.sample()?),
                // The sample was drawn without texts that repeat.
                repeated: None,
            }
        } else {
            imdb_corpus(manifest, options.data.as_ref())?
        };
        let title = format!("IMDb, profile {}", profile_name.get_name());
        let typed = format!("imdb --profile {}", profile_name.get_name());
        options.experiment(name, title, &typed, corpus, recipe, IMDB_PUBLISHED.into())
    }
}

/// All the reviews: a copy that the person named, or the published archive.
fn imdb_corpus(manifest: Manifest, data: Option<&PathBuf>) -> anyhow::Result<Corpus> {
    let archive = match data {
        Some(path) => given(path, |path| {
            manifest.check_counts(&aclimdb::read(path)?.splits)
        })?,
        None => fetch::cached(manifest.files.first().context("imdb.toml lists no file")?)?,
    };
    Ok(Corpus {
        repeated: manifest.repeated(),
        format: manifest.format,
        place: Place::Whole(archive),
    })
}

/// All the questions: a copy that the person named, or the published files.
fn trec_corpus(manifest: Manifest, data: Option<&PathBuf>) -> anyhow::Result<Corpus> {
    let folder = match data {
        Some(path) => given(path, |path| {
            manifest.check_counts(&trec::count(&trec::files(path)?)?)
        })?,
        None => fetch::folder(&manifest)?,
    };
    Ok(Corpus {
        repeated: manifest.repeated(),
        format: manifest.format,
        place: Place::Files(trec::files(&folder)?),
    })
}

fn trec_experiment(options: &Options) -> anyhow::Result<Experiment> {
    let recipe = Recipe::load("trec")?;
    let corpus = trec_corpus(Manifest::load("trec")?, options.data.as_ref())?;
    let title = "TREC-6".to_owned();
    options.experiment(
        "trec".into(),
        title,
        "trec",
        corpus,
        recipe,
        TREC_PUBLISHED.into(),
    )
}

fn ag_news_experiment(options: &Options) -> anyhow::Result<Experiment> {
    let recipe = Recipe::load("ag-news")?;
    let manifest = Manifest::load("ag_news")?;
    let folder = if let Some(folder) = &options.data {
        ensure!(folder.is_dir(), "--data: {} is no folder", folder.display());
        std::path::absolute(folder)?
    } else {
        fetch::folder(&manifest)?
    };
    let corpus = Corpus {
        repeated: manifest.repeated(),
        format: manifest.format,
        place: Place::Files(ag_news::files(&folder)?),
    };
    options.experiment(
        "ag-news".into(),
        "AG News".to_owned(),
        "ag-news",
        corpus,
        recipe,
        AG_NEWS_PUBLISHED.into(),
    )
}

impl Options {
    fn experiment(
        &self,
        name: String,
        title: String,
        typed: &str,
        corpus: Corpus,
        recipe: Recipe,
        published: Vec<Published>,
    ) -> anyhow::Result<Experiment> {
        for path in &self.pretrain_data {
            ensure!(
                path.exists(),
                "--pretrain-data: there is no {}",
                path.display()
            );
        }
        let absolute = |path: &PathBuf| Ok(std::path::absolute(path)?);
        let suffix = if self.transductive {
            "-transductive"
        } else {
            ""
        };
        Ok(Experiment {
            name: name + suffix,
            title,
            command: self.command(typed),
            published,
            corpus,
            pretrained: (self.pretrain_data.is_empty() && self.pretrained != "none")
                .then(|| pretrained::anywhere(&self.pretrained))
                .transpose()?,
            pretrain_data: self
                .pretrain_data
                .iter()
                .map(absolute)
                .collect::<anyhow::Result<_>>()?,
            recipe,
            directions: match self.direction {
                Direction::Forward => &["forward"],
                Direction::Backward => &["backward"],
                Direction::Both => &["forward", "backward"],
            },
            device: self.device.clone(),
            seed: self.seed,
            resume: self.resume,
            transductive: self.transductive,
            runs: workspace::folder(self.out.as_ref(), "runs")?,
            reports: workspace::folder(self.reports.as_ref(), "docs/results")?,
        })
    }

    /// The command that gives this report again; of paths only the last part, which is all that
    /// another machine shares.
    fn command(&self, typed: &str) -> String {
        let mut command = format!("cargo xtask reproduce {typed}");
        let mut add = |option: &str, value: &str| {
            write!(command, " --{option} {value}").expect("a String takes every write");
        };
        if let Some(path) = &self.data {
            add("data", &file_name(path));
        }
        if self.pretrained != pretrained::ENGLISH {
            add("pretrained", &file_name(Path::new(&self.pretrained)));
        }
        if !self.pretrain_data.is_empty() {
            let names: Vec<_> = self
                .pretrain_data
                .iter()
                .map(|path| file_name(path))
                .collect();
            add("pretrain-data", &names.join(" "));
        }
        if self.device != "cpu" {
            add("device", &self.device);
        }
        match self.direction {
            Direction::Forward => {}
            Direction::Backward => add("direction", "backward"),
            Direction::Both => add("direction", "both"),
        }
        add("seed", &self.seed.to_string());
        if self.transductive {
            command.push_str(" --transductive");
        }
        command
    }
}

/// A copy of the data that the person named, once it is checked.
fn given(path: &Path, check: impl Fn(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    ensure!(path.exists(), "--data: there is no {}", path.display());
    check(path).with_context(|| format!("{} is not the data set", path.display()))?;
    Ok(std::path::absolute(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Result<Arguments, clap::Error> {
        crate::commands::parse(typed)
    }

    #[test]
    fn arguments_that_do_not_go_together_are_wrong_usage() {
        for typed in [
            "trec --pretrained lm.safetensors --pretrain-data wiki.jsonl",
            "low-shot --labels 0",
            "low-shot --labels 100,25001",
            "low-shot --test-documents 25001",
        ] {
            let error = parse(typed).err().expect(typed);
            assert_eq!(error.exit_code(), 2, "{typed}");
        }
        for typed in [
            "trec --pretrained none",
            "trec --pretrain-data a.jsonl b.jsonl",
            "low-shot --labels 1,25000 --test-documents 0",
        ] {
            assert!(parse(typed).is_ok(), "{typed}");
        }
    }

    #[test]
    fn what_a_profile_does_not_take_or_lacks_is_wrong_usage() {
        for typed in ["imdb --data reviews", "imdb --profile paper"] {
            let Which::Imdb(imdb) = parse(typed).expect("well-formed").experiment else {
                panic!("{typed} is about the reviews");
            };
            let error = imdb.experiment().expect_err("a refusal");
            let error = error.downcast::<clap::Error>().expect("wrong arguments");
            assert_eq!(error.exit_code(), 2, "{typed}");
            let said = error.to_string();
            assert!(
                said.starts_with("error: the ") && said.ends_with('\n'),
                "{said:?}"
            );
        }
    }
}
