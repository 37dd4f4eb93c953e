//! The two sides: each trains a language model and a classifier, unless it did so already.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::atomic_file::write_atomically;
use crate::bench::peer::Python;
use crate::reproduce::evaluation::Evaluation;
use crate::reproduce::stage::RunFacts;
use crate::ulmfit::Ulmfit;
use crate::{process, workspace};

/// The other side.
pub(crate) const SCRIPT: &str = "xtask/peer/fastai_imdb.py";
/// Ours.
pub(crate) const RECIPE: &str = "recipes/fastai-parity.toml";

/// Where both sides train, and on what.
#[derive(Debug)]
pub(crate) struct Sides {
    python: Python,
    ulmfit: Ulmfit,
    archive: PathBuf,
    folder: PathBuf,
    /// The documents of each stage, as the script draws them for both.
    sample: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Learner {
    Ulmfit,
    Fastai,
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

    /// Both stages, each with its evaluation.
    pub(crate) fn ours(&self, seed: u64) -> anyhow::Result<Outcome> {
        let general = self.stage("pretrain", seed, "lm-train.jsonl", None)?;
        let language_model: LanguageModelEvaluation = self.evaluate(&general, "lm-valid.jsonl")?;
        let classifier = self.stage("train", seed, "train.jsonl", Some(&general))?;
        let test: Evaluation = self.evaluate(&classifier, "test.jsonl")?;
        let facts = |run: &Path| RunFacts::read(&run.join("run.json"));
        let (pretraining, training) = (facts(&general)?, facts(&classifier)?);
        Ok(Outcome {
            learner: Learner::Ulmfit,
            seed,
            steps: [pretraining.steps, training.steps],
            language_model_loss: language_model.loss,
            language_model_accuracy: language_model.accuracy,
            training: training_losses(&general.join("metrics.jsonl"))?,
            accuracy: test.accuracy,
            seconds: pretraining.seconds + training.seconds,
        })
    }

    /// What the script prints, kept once it ends well.
    pub(crate) fn theirs(&self, seed: u64) -> anyhow::Result<Outcome> {
        let path = self.folder.join(format!("fastai-{seed}.jsonl"));
        if !path.is_file() {
            let mut command = self.script();
            command.args(["--train", "--seed", &seed.to_string()]);
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

    /// The run of a stage, which is gone on with where it was stopped.
    fn stage(
        &self,
        command: &str,
        seed: u64,
        data: &str,
        language_model: Option<&Path>,
    ) -> anyhow::Result<PathBuf> {
        let run = self.folder.join(format!("{command}-{seed}"));
        if run.join("model.safetensors").is_file() {
            return Ok(run);
        }
        let mut words: Vec<OsString> = vec![command.into(), self.sample.join(data).into()];
        words.extend(["--recipe".into(), RECIPE.into()]);
        words.extend(["--seed".into(), seed.to_string().into()]);
        words.extend(["--run".into(), run.clone().into()]);
        if let Some(run) = language_model {
            let model = run.join("model.safetensors");
            words.extend(["--language-model".into(), model.into()]);
        }
        if run.join("run.json").is_file() {
            words.push("--resume".into());
        }
        self.ulmfit.run(&words)?;
        Ok(run)
    }

    fn evaluate<T: DeserializeOwned>(&self, run: &Path, data: &str) -> anyhow::Result<T> {
        let (model, data) = (run.join("model.safetensors"), self.sample.join(data));
        let words = ["evaluate".into(), model.into(), data.into()];
        self.ulmfit.json(&words)
    }

    fn script(&self) -> Command {
        let mut command = self.python.command(&workspace::root().join(SCRIPT));
        command.arg(&self.archive);
        command
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
