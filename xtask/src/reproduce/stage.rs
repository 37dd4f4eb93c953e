//! One stage of an experiment: a folder under `runs`, and whether it still has to run.
//!
//! Beside the folder lies `STAGE.plan.json`: everything that decides the stage's result. A finished
//! run counts only for the plan it was started with, and the plan of a stage contains the digest of
//! the one before, so that a change anywhere shows in all that follows.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::atomic_file::write_atomically;
use crate::checksum;
use crate::reproduce::corpus::DataFacts;
use crate::ulmfit::Ulmfit;
use crate::workspace::shown;

/// Everything that decides a stage's result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    pub(crate) stage: &'static str,
    /// See [`Recipe::stage_sha256`](crate::reproduce::recipe::Recipe::stage_sha256).
    pub(crate) recipe_sha256: String,
    pub(crate) direction: &'static str,
    pub(crate) seed: u64,
    pub(crate) device: String,
    pub(crate) data: Vec<DataFacts>,
    pub(crate) splits: Vec<String>,
    /// 0 for all of them.
    pub(crate) documents: usize,
    /// The digest of the plan of the stage before.
    pub(crate) after: Option<String>,
}

impl RunFacts {
    /// Reads a `run.json`.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path)?;
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is not the record of a run; remove its folder to start over",
                shown(path)
            )
        })
    }
}

impl Plan {
    pub(crate) fn digest(&self) -> String {
        checksum::sha256(self.json().as_bytes())
    }

    /// Leaves the plan beside a run that is about to start.
    pub(crate) fn write(&self, run: &Path) -> std::io::Result<()> {
        write_atomically(&Self::path(run), self.json())
    }

    /// Fails if a run was not started with this plan.
    pub(crate) fn check(&self, run: &Path) -> anyhow::Result<()> {
        let started_with = fs_err::read_to_string(Self::path(run)).unwrap_or_default();
        ensure!(
            started_with == self.json(),
            "{} holds a run of another recipe, seed, device or data than this one; remove it, or name \
             another place with --out",
            shown(run)
        );
        Ok(())
    }

    fn path(run: &Path) -> PathBuf {
        run.with_extension("plan.json")
    }

    fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plan has only strings and numbers") + "\n"
    }
}

/// What a run says of itself in `run.json`, as far as it matters here.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct RunFacts {
    pub(crate) status: String,
    /// Of work, over every resumption.
    #[serde(default)]
    pub(crate) seconds: f64,
    #[serde(default)]
    pub(crate) steps: u64,
    #[serde(default)]
    pub(crate) metrics: Map<String, Value>,
}

/// What is to be done about a stage.
#[derive(Debug, PartialEq, Eq)]
enum Todo {
    Start,
    Resume,
    Nothing,
}

/// A stage, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    pub(crate) plan: Plan,
    /// Of `ulmfit encode`, which makes the corpus that the stage reads, unless it is there; none where the
    /// stage reads texts.
    pub(crate) encoding: Vec<OsString>,
    /// Of `ulmfit`: the command and its own arguments, without `--run` and `--resume`.
    pub(crate) arguments: Vec<OsString>,
}

impl Stage {
    /// Fails if the folder holds something that this stage must not touch.
    pub(crate) fn check(&self, resume: bool) -> anyhow::Result<()> {
        self.todo(resume).map(|_| ())
    }

    /// Whether it has nothing left to do. Fails if the folder holds something that it must not touch.
    pub(crate) fn is_done(&self) -> anyhow::Result<bool> {
        Ok(self.todo(true)? == Todo::Nothing)
    }

    /// Runs the stage unless it is done already.
    pub(crate) fn complete(&self, ulmfit: &Ulmfit, resume: bool) -> anyhow::Result<RunFacts> {
        let todo = self.todo(resume)?;
        if todo == Todo::Nothing {
            eprintln!("{} is done already", shown(&self.folder));
        } else {
            let parent = self
                .folder
                .parent()
                .context("a stage's folder has a parent")?;
            fs_err::create_dir_all(parent)?;
            if !self.encoding.is_empty() {
                ulmfit.run(&self.encoding)?;
            }
            self.plan.write(&self.folder)?;
            let mut arguments = self.arguments.clone();
            arguments.extend(["--run".into(), self.folder.clone().into()]);
            if todo == Todo::Resume {
                arguments.push("--resume".into());
            }
            ulmfit.run(&arguments)?;
        }
        match self.run_facts()? {
            Some(run) if run.status == "finished" => Ok(run),
            _ => bail!(
                "{} does not say \"finished\"",
                shown(&self.folder.join("run.json"))
            ),
        }
    }

    /// The model that the stage leaves behind.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    fn todo(&self, resume: bool) -> anyhow::Result<Todo> {
        let Some(run) = self.run_facts()? else {
            return Ok(Todo::Start);
        };
        let folder = shown(&self.folder);
        self.plan.check(&self.folder)?;
        match (run.status.as_str(), resume) {
            ("finished", _) if self.model().is_file() => Ok(Todo::Nothing),
            ("finished", _) => {
                bail!("{folder} has lost its model; remove the folder to run it again")
            }
            (_, true) => Ok(Todo::Resume),
            (_, false) => bail!(
                "{folder} holds an unfinished run; continue it with --resume, or remove the folder \
                 to start over"
            ),
        }
    }

    fn run_facts(&self) -> anyhow::Result<Option<RunFacts>> {
        let path = self.folder.join("run.json");
        if !path.exists() {
            return Ok(None);
        }
        RunFacts::read(&path).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        stage: Stage,
        _folder: tempfile::TempDir,
    }

    fn case(run: Option<&str>, plan: bool, model: bool) -> Case {
        let folder = tempfile::tempdir().expect("a folder");
        let stage = Stage {
            folder: folder.path().join("pretrain"),
            plan: Plan {
                stage: "pretrain",
                recipe_sha256: "ab".into(),
                direction: "forward",
                seed: 1,
                device: "cpu".into(),
                data: vec![],
                splits: vec!["unsup".into()],
                documents: 0,
                after: None,
            },
            encoding: vec![],
            arguments: vec![],
        };
        fs_err::create_dir_all(&stage.folder).expect("a folder");
        let write = |path: PathBuf, text: &str| fs_err::write(path, text).expect("a file");
        if let Some(run) = run {
            write(stage.folder.join("run.json"), run);
        }
        if plan {
            stage.plan.write(&stage.folder).expect("a plan");
        }
        if model {
            write(stage.model(), "");
        }
        Case {
            stage,
            _folder: folder,
        }
    }

    const RUNNING: Option<&str> = Some(r#"{"status": "running"}"#);
    const FINISHED: Option<&str> =
        Some(r#"{"status": "finished", "seconds": 2.5, "metrics": {"valid_loss": 4.5}}"#);

    #[test]
    fn what_is_done_is_not_done_again_and_what_is_not_goes_on_when_asked() {
        let todo = |run, plan, model, resume| case(run, plan, model).stage.todo(resume).ok();
        assert_eq!(todo(None, false, false, false), Some(Todo::Start));
        assert_eq!(todo(FINISHED, true, true, false), Some(Todo::Nothing));
        assert_eq!(todo(FINISHED, true, true, true), Some(Todo::Nothing));
        assert_eq!(todo(RUNNING, true, false, true), Some(Todo::Resume));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let check = |run, plan, model, resume, expected: &str| {
            let error = case(run, plan, model)
                .stage
                .todo(resume)
                .expect_err("a refusal");
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(
            RUNNING,
            true,
            false,
            false,
            "continue it with --resume, or remove the folder",
        );
        check(
            FINISHED,
            false,
            true,
            true,
            "a run of another recipe, seed, device or data",
        );
        check(
            RUNNING,
            false,
            false,
            true,
            "a run of another recipe, seed, device or data",
        );
        check(FINISHED, true, false, false, "has lost its model");
        check(
            Some("{"),
            true,
            false,
            false,
            "remove its folder to start over",
        );
    }

    #[test]
    fn a_change_before_shows_in_every_plan_after() {
        let plan = case(None, false, false).stage.plan;
        let mut changed = plan.clone();
        changed.seed = 2;
        let next = |before: &Plan| Plan {
            after: Some(before.digest()),
            ..plan.clone()
        };
        assert_ne!(next(&plan).digest(), next(&changed).digest());
    }
}
