//! One measurement of a study: its stages, then an evaluation, whose result stays in a file.
//!
//! `result.json` counts only for what it was made from, by a digest as of a stage's plan, so that a
//! change of recipe, data or test documents is measured anew.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::step::{PREDICTION_SPEED, Step};
use crate::atomic_file::write_atomically;
use crate::reproduce::evaluation::Evaluation;
use crate::ulmfit::Ulmfit;
use crate::workspace::shown;

/// One measurement, ready to run.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) folder: PathBuf,
    /// In order; the first of them may be those of other cells too.
    pub(crate) steps: Vec<Step>,
    /// Of `ulmfit`, for a command that makes one model of those of the stages, where they are several.
    pub(crate) join: Option<Vec<OsString>>,
    /// Of `ulmfit`, for a command that prints an evaluation.
    pub(crate) measure: Vec<OsString>,
    pub(crate) test_documents: usize,
    /// Of everything that decides the result.
    pub(crate) digest: String,
    /// The result that a report has already.
    pub(crate) kept: Option<Outcome>,
}

/// What a cell came to.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Outcome {
    pub(super) digest: String,
    pub(crate) evaluation: Evaluation,
    pub(crate) stages: Vec<StageOutcome>,
}

/// What `run.json` says of a stage of the cell.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct StageOutcome {
    pub(crate) stage: String,
    /// Whether it is of other cells too.
    pub(crate) shared: bool,
    pub(crate) seconds: f64,
    pub(crate) metrics: Map<String, Value>,
}

impl Outcome {
    /// The stages that are those of other cells too.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &StageOutcome> {
        self.stages.iter().filter(|stage| stage.shared)
    }

    /// Wall time of the cell's own stages and of its evaluation.
    pub(crate) fn seconds(&self) -> f64 {
        let own = self.stages.iter().filter(|stage| !stage.shared);
        own.map(|stage| stage.seconds).sum::<f64>() + self.evaluation.seconds
    }
}

impl Cell {
    /// Fails if a folder of its stages holds something that must not be touched.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.steps
            .iter()
            .try_for_each(|step| step.stage.check(true))
    }

    /// The result, if the cell is finished.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        let text = fs_err::read_to_string(self.result()).unwrap_or_default();
        let outcome: Option<Outcome> = serde_json::from_str(&text).ok();
        let current = outcome.filter(|outcome| outcome.digest == self.digest);
        current.or_else(|| self.kept.clone())
    }

    /// Runs what is not done yet.
    pub(crate) fn complete(&self, ulmfit: &Ulmfit) -> anyhow::Result<Outcome> {
        if let Some(outcome) = self.outcome() {
            eprintln!("{} is done already", shown(&self.folder));
            return Ok(outcome);
        }
        let mut stages = vec![];
        for step in &self.steps {
            let run = step.complete(ulmfit)?;
            stages.push(StageOutcome {
                stage: step.stage.plan.stage.to_owned(),
                shared: !self.owns(step),
                seconds: run.seconds,
                metrics: run.metrics,
            });
        }
        fs_err::create_dir_all(&self.folder)?;
        if let Some(join) = &self.join {
            ulmfit.run(join)?;
        }
        let outcome = Outcome {
            digest: self.digest.clone(),
            evaluation: ulmfit.json(&self.measure)?,
            stages,
        };
        let json = serde_json::to_string_pretty(&outcome)? + "\n";
        write_atomically(&self.result(), json)?;
        self.forget_checkpoints();
        Ok(outcome)
    }

    /// About how long it takes in seconds, shared stages left out.
    pub(crate) fn seconds(&self, tokens_per_document: f64) -> anyhow::Result<f64> {
        let evaluation = self.test_documents as f64 * tokens_per_document / PREDICTION_SPEED;
        let own = self.steps.iter().filter(|step| self.owns(step));
        own.map(|step| step.seconds(tokens_per_document))
            .try_fold(evaluation, |sum, seconds| Ok(sum + seconds?))
    }

    /// The stages that are those of other cells too.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !self.owns(step))
    }

    fn owns(&self, step: &Step) -> bool {
        step.stage.folder.starts_with(&self.folder)
    }

    fn result(&self) -> PathBuf {
        self.folder.join("result.json")
    }

    /// A finished stage needs its checkpoint no more, which is three times as large as its model.
    fn forget_checkpoints(&self) {
        for step in self.steps.iter().filter(|step| self.owns(step)) {
            let last = step.stage.folder.join("checkpoint-last.safetensors");
            // If it is not there, all the better.
            let _gone = fs_err::remove_file(last);
        }
    }
}
