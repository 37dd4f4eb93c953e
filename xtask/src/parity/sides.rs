//! The two sides: each trains a language model and a classifier, unless it did so already. A run counts only
//! for the plan that it was started with, which lies beside it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::atomic_file::write_atomically;
use crate::bench::peer::Python;
use crate::reproduce::aclimdb;
use crate::reproduce::corpus::DataFacts;
use crate::reproduce::evaluation::Evaluation;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::stage::{Plan, Stage};
use crate::ulmfit::Ulmfit;
use crate::{checksum, process, workspace};

/// The other side.
pub(crate) const SCRIPT: &str = "xtask/peer/fastai_imdb.py";
/// Ours is `recipes/NAME.toml`; the runs and the report have that name too.
pub(crate) const NAME: &str = "fastai-parity";
/// CPU threads of each side.
pub(crate) const THREADS: usize = 2;

/// Where both sides train, and on what.
#[derive(Debug)]
pub(crate) struct Sides {
    python: Python,
    ulmfit: Ulmfit,
    recipe: Recipe,
    archive: PathBuf,
    /// Of the archive.
    reviews: DataFacts,
    pub(crate) folder: PathBuf,
    /// The documents of each stage, as the script draws them for both.
    sample: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Learner {
    Ulmfit,
    Fastai,
}

/// One side with one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) learner: Learner,
}

/// What one side's run came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) learner: Learner,
    pub(crate) seed: u64,
    /// Of the language model and of the classifier.
    pub(crate) steps: [u64; 2],
    /// In nats a token, on the documents held out.
    pub(crate) language_model_loss: f64,
    pub(crate) language_model_accuracy: f64,
    /// The language model's, in nats a token.
    pub(crate) training: Vec<TrainingLoss>,
    /// Of the classifier on the test documents.
    pub(crate) accuracy: f64,
    pub(crate) seconds: f64,
}

/// The mean of the steps since the one before, which are twenty but at an end or after a stop.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
pub(crate) struct TrainingLoss {
    pub(crate) step: u64,
    pub(crate) loss: f64,
}

/// A line that the script prints after a stage.
#[derive(Debug, Deserialize)]
struct PeerStage {
    steps: u64,
    /// Since the first stage began.
    wall_s: f64,
    valid_loss: f64,
    accuracy: f64,
    /// Of the language model alone.
    #[serde(default)]
    training: Vec<TrainingLoss>,
}

/// A line of `metrics.jsonl`, which has other kinds of lines too.
#[derive(Debug, Deserialize)]
struct MetricsLine {
    step: u64,
    loss: Option<f64>,
}

/// What `ulmfit evaluate` says of a language model.
#[derive(Debug, Deserialize)]
struct LanguageModelEvaluation {
    loss: f64,
    accuracy: f64,
}

impl Outcome {
    pub(crate) fn run(&self) -> Run {
        let Self { seed, learner, .. } = *self;
        Run { seed, learner }
    }
}

impl Learner {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ulmfit => "ulmfit",
            Self::Fastai => "fastai",
        }
    }
}

impl Sides {
    /// Draws the documents, unless `folder` has them.
    pub(crate) fn new(
        python: Python,
        ulmfit: Ulmfit,
        archive: &Path,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        fs_err::create_dir_all(&folder)?;
        let sides = Self {
            python,
            ulmfit,
            recipe: Recipe::load(NAME)?,
            reviews: aclimdb::read(archive)?.facts,
            archive: std::path::absolute(archive)?,
            sample: folder.join("sample"),
            folder,
        };
        if !sides.sample.is_dir() {
            // Under its own name only once it is whole.
            let part = sides.folder.join("sample.part");
            process::run(sides.script().arg("--sample").arg(&part))?;
            fs_err::rename(part, &sides.sample)?;
        }
        Ok(sides)
    }

    /// The runs in the folder that are whole.
    pub(crate) fn finished(&self) -> anyhow::Result<BTreeSet<Run>> {
        let mut runs = BTreeSet::new();
        for entry in fs_err::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            let seed = |before: &str, after: &str| {
                let seed = name.strip_prefix(before)?.strip_suffix(after)?;
                seed.parse::<u64>().ok()
            };
            let (run, is_finished) = if let Some(seed) = seed("train-", "") {
                let [language_model, classifier] = self.stages(seed)?;
                let learner = Learner::Ulmfit;
                let is_finished = language_model.is_done()? && classifier.is_done()?;
                (Run { seed, learner }, is_finished)
            } else if let Some(seed) = seed("fastai-", ".jsonl") {
                self.peer_plan(seed)?.check(&self.printed(seed))?;
                let learner = Learner::Fastai;
                (Run { seed, learner }, true)
            } else {
                continue;
            };
            if is_finished {
                runs.insert(run);
            }
        }
        Ok(runs)
    }

    /// What a run came to, once it is done.
    pub(crate) fn outcome(&self, run: Run) -> anyhow::Result<Outcome> {
        match run.learner {
            Learner::Ulmfit => self.ours(run.seed),
            Learner::Fastai => self.theirs(run.seed),
        }
    }

    /// Both stages, each with its evaluation.
    fn ours(&self, seed: u64) -> anyhow::Result<Outcome> {
        let [language_model, classifier] = self.stages(seed)?;
        let pretraining = language_model.complete(&self.ulmfit, true)?;
        let held_out: LanguageModelEvaluation = self.evaluate(&language_model, "lm-valid.jsonl")?;
        let training = classifier.complete(&self.ulmfit, true)?;
        let test: Evaluation = self.evaluate(&classifier, "test.jsonl")?;
        Ok(Outcome {
            learner: Learner::Ulmfit,
            seed,
            steps: [pretraining.steps, training.steps],
            language_model_loss: held_out.loss,
            language_model_accuracy: held_out.accuracy,
            training: training_losses(&language_model.folder.join("metrics.jsonl"))?,
            accuracy: test.accuracy,
            seconds: pretraining.seconds + training.seconds,
        })
    }

    /// What the script prints, kept once it ends well.
    fn theirs(&self, seed: u64) -> anyhow::Result<Outcome> {
        let path = self.printed(seed);
        let plan = self.peer_plan(seed)?;
        if path.is_file() {
            plan.check(&path)?;
        } else {
            plan.write(&path)?;
            let mut command = self.script();
            command.args(["--train", "--seed", &seed.to_string()]);
            command.args(["--threads", &THREADS.to_string()]);
            let printed = process::output(command.current_dir(&self.folder))?;
            write_atomically(&path, printed)?;
        }
        let stages: Vec<PeerStage> = lines(&path)?;
        let [first, .., last] = &stages[..] else {
            bail!("{} has no stages; remove it", workspace::shown(&path));
        };
        let of_classifier = stages[1..].iter().map(|stage| stage.steps).sum();
        Ok(Outcome {
            learner: Learner::Fastai,
            seed,
            steps: [first.steps, of_classifier],
            language_model_loss: first.valid_loss,
            language_model_accuracy: first.accuracy,
            training: first.training.clone(),
            accuracy: last.accuracy,
            seconds: last.wall_s,
        })
    }

    fn printed(&self, seed: u64) -> PathBuf {
        self.folder.join(format!("fastai-{seed}.jsonl"))
    }

    /// The plan of the script, which is its own recipe and draws from the archive itself.
    fn peer_plan(&self, seed: u64) -> anyhow::Result<Plan> {
        let script = workspace::root().join(SCRIPT);
        let recipe_sha256 = checksum::sha256_of_file(&script)?;
        Ok(plan("fastai", recipe_sha256, seed, self.reviews.clone()))
    }

    /// The language model of a seed, and the classifier on it.
    fn stages(&self, seed: u64) -> anyhow::Result<[Stage; 2]> {
        let language_model = self.stage("pretrain", seed, "lm-train.jsonl", None)?;
        let classifier = self.stage("train", seed, "train.jsonl", Some(&language_model))?;
        Ok([language_model, classifier])
    }

    fn stage(
        &self,
        stage: &'static str,
        seed: u64,
        data: &str,
        before: Option<&Stage>,
    ) -> anyhow::Result<Stage> {
        let data = self.sample.join(data);
        let mut arguments: Vec<OsString> = vec![stage.into(), data.clone().into()];
        arguments.extend(["--recipe".into(), self.recipe.path.clone().into()]);
        arguments.extend(["--seed".into(), seed.to_string().into()]);
        arguments.extend(["--threads".into(), THREADS.to_string().into()]);
        if let Some(before) = before {
            arguments.extend(["--language-model".into(), before.model().into()]);
        }
        let recipe_sha256 = self.recipe.stage_sha256(stage)?;
        Ok(Stage {
            folder: self.folder.join(format!("{stage}-{seed}")),
            plan: Plan {
                after: before.map(|before| before.plan.digest()),
                ..plan(stage, recipe_sha256, seed, DataFacts::of(&data)?)
            },
            encoding: vec![],
            arguments,
        })
    }

    fn evaluate<T: DeserializeOwned>(&self, stage: &Stage, data: &str) -> anyhow::Result<T> {
        let (model, data) = (stage.model(), self.sample.join(data));
        let mut words = vec!["evaluate".into(), model.into(), data.into()];
        words.extend(["--threads".into(), THREADS.to_string().into()]);
        self.ulmfit.json(&words)
    }

    fn script(&self) -> Command {
        let mut command = self.python.command(&workspace::root().join(SCRIPT));
        command.arg(&self.archive);
        command
    }
}

/// All of some data, from nothing.
fn plan(stage: &'static str, recipe_sha256: String, seed: u64, data: DataFacts) -> Plan {
    Plan {
        stage,
        recipe_sha256,
        direction: "forward",
        seed,
        device: "cpu".into(),
        data: vec![data],
        splits: vec![],
        documents: 0,
        after: None,
    }
}

fn training_losses(metrics: &Path) -> anyhow::Result<Vec<TrainingLoss>> {
    let lines: Vec<MetricsLine> = lines(metrics)?;
    let losses = lines.into_iter().filter_map(|MetricsLine { step, loss }| {
        let loss = loss?;
        Some(TrainingLoss { step, loss })
    });
    Ok(losses.collect())
}

/// A JSON value a line.
fn lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = fs_err::read_to_string(path)?;
    let values = text.lines().map(serde_json::from_str);
    let values: Result<_, _> = values.collect();
    values.with_context(|| format!("could not read {}", workspace::shown(path)))
}
