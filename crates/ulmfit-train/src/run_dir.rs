//! The folder of one stage's run.
//!
//! ```text
//! run.json                    what goes in and what came out
//! metrics.jsonl               losses and validations, one line each
//! checkpoint-last.safetensors where to go on
//! checkpoint-best.safetensors the weights with the least validation loss
//! model.safetensors           the result
//! corpus/                     the encoded texts, while `ulmfit` runs on texts
//! ```

use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ulmfit_data::Direction;

use crate::atomic_file;
use crate::error::TrainError;
use crate::recipe::Recipe;

const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";
const LAST_CHECKPOINT: &str = "checkpoint-last.safetensors";
const BEST_CHECKPOINT: &str = "checkpoint-best.safetensors";
const MODEL: &str = "model.safetensors";

/// What `run.json` holds: everything that affects the result, and the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The version of this crate.
    pub version: String,
    /// `pretrain`, `finetune` or `classifier`.
    pub stage: String,
    /// Whether the run is done.
    pub status: RunStatus,
    /// The seed of every draw.
    pub seed: u64,
    /// Which way documents are read.
    pub direction: Direction,
    /// The device, as burn names it.
    pub device: String,
    /// The kernels of the CPU: the vector instructions that they use, or `portable` for burn's own
    /// operations. Another choice rounds differently.
    #[serde(default)]
    pub kernels: String,
    /// The threads of the CPU.
    pub threads: usize,
    /// The command line, when there was one.
    pub command: Vec<String>,
    /// The digest of the recipe.
    pub recipe_digest: String,
    /// The digest of the encoded documents, those to validate on included, labels and vocabulary.
    pub data_digest: String,
    /// The digest of the model that the stage started from, if it did from any: its weights, its
    /// vocabulary and what made it.
    pub pretrained_digest: Option<String>,
    /// Documents to train on and to validate on.
    pub documents: [usize; 2],
    /// Tokens to train on and to validate on.
    pub tokens: [usize; 2],
    /// Words in the vocabulary.
    pub vocab_size: usize,
    /// Trained parameters.
    pub parameters: usize,
    /// Training steps done.
    pub steps: u64,
    /// Wall time over all parts of a resumed run.
    pub seconds: f64,
    /// The final validation, by name.
    pub metrics: std::collections::BTreeMap<String, f64>,
    /// The whole recipe.
    pub recipe: Recipe,
}

/// Whether a run is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Under way, or interrupted.
    Running,
    /// Done.
    Finished,
}

/// An open run folder; no second process can open it.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Opens the folder of a run, new or to be resumed; returns the run as far as it came.
    ///
    /// # Errors
    ///
    /// [`TrainError::RunDir`] when another process runs in it, or it cannot be locked; when it holds a
    /// run and `resume` is not asked for; when it holds another run than `info` describes.
    pub(crate) fn open(
        path: &Path,
        info: &RunInfo,
        resume: bool,
    ) -> Result<(Self, Option<RunInfo>), TrainError> {
        let refuse = |message: String| TrainError::RunDir {
            path: path.to_owned(),
            message,
        };
        fs_err::create_dir_all(path)?;
        let lock_path = path.join("run.lock");
        let lock = File::create(&lock_path).map_err(|error| {
            refuse(format!(
                "cannot write into the run directory ({error}); name another one"
            ))
        })?;
        lock.try_lock().map_err(|error| {
            refuse(match error {
                TryLockError::WouldBlock => {
                    "another process is running in this directory; wait for it or name another"
                        .to_owned()
                }
                TryLockError::Error(error) => format!(
                    "cannot lock the run directory ({error}); name one on a file system with locks"
                ),
            })
        })?;
        let this = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        check_run_dir(path, resume)?;
        if !this.file(RUN).exists() {
            this.write_info(info)?;
            return Ok((this, None));
        }
        let earlier = read_run_info(path)?;
        let differing = differences(&earlier, info);
        if !differing.is_empty() {
            return Err(refuse(format!(
                "holds a run with another {}; repeat that run's command, or name another directory",
                differing.join(" and another ")
            )));
        }
        if earlier.status == RunStatus::Finished && !this.model().exists() {
            return Err(refuse(format!(
                "holds a run that is finished, and its {MODEL} is gone; put it back, or remove the directory \
                 to start over"
            )));
        }
        Ok((this, Some(earlier)))
    }

    pub(crate) fn write_info(&self, info: &RunInfo) -> Result<(), TrainError> {
        let text = serde_json::to_string_pretty(info).expect("run information serializes");
        atomic_file::write(&self.file(RUN), text.as_bytes())?;
        Ok(())
    }

    pub(crate) fn last_checkpoint(&self) -> PathBuf {
        self.file(LAST_CHECKPOINT)
    }

    pub(crate) fn best_checkpoint(&self) -> PathBuf {
        self.file(BEST_CHECKPOINT)
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.file(MODEL)
    }

    /// Opens `metrics.jsonl` at `length` bytes; what is behind was written after the checkpoint
    /// that the run goes on from, and will be written again. A file that lost its end goes on from what
    /// is left of it.
    pub(crate) fn metrics(&self, length: u64) -> Result<MetricsLog, TrainError> {
        let mut file = fs_err::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.file(METRICS))?;
        let length = length.min(file.metadata()?.len());
        file.set_len(length)?;
        file.seek(std::io::SeekFrom::End(0))?;
        Ok(MetricsLog { file, length })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Fails if a folder holds a run and is not to be resumed, or files of which no run says that they are its
/// own, and which one would write over: what is cheap to find out before any work.
///
/// # Errors
///
/// [`TrainError::RunDir`] when it does.
pub fn check_run_dir(run_dir: &Path, resume: bool) -> Result<(), TrainError> {
    let is_there = |name: &&str| run_dir.join(name).exists();
    let others = [MODEL, METRICS, LAST_CHECKPOINT, BEST_CHECKPOINT];
    let message = if is_there(&RUN) {
        if resume {
            return Ok(());
        }
        "holds a run already; go on with it by --resume, or name another directory".to_owned()
    } else if let Some(name) = others.into_iter().find(is_there) {
        format!(
            "holds a {name} that is of no run here and would be written over; name another directory, or \
             move the file away"
        )
    } else {
        return Ok(());
    };
    Err(TrainError::RunDir {
        path: run_dir.to_owned(),
        message,
    })
}

/// Reads the `run.json` of a run folder.
///
/// # Errors
///
/// [`TrainError::Io`] when it cannot be read, [`TrainError::RunDir`] when it does not parse.
pub fn read_run_info(run_dir: &Path) -> Result<RunInfo, TrainError> {
    let text = fs_err::read_to_string(run_dir.join(RUN))?;
    serde_json::from_str(&text).map_err(|error| TrainError::RunDir {
        path: run_dir.to_owned(),
        message: format!("its run.json is damaged or of another version ({error})"),
    })
}

/// What differs between two runs that would change the result.
fn differences(earlier: &RunInfo, info: &RunInfo) -> Vec<&'static str> {
    let pairs = [
        ("stage", earlier.stage == info.stage),
        ("recipe", earlier.recipe_digest == info.recipe_digest),
        ("seed", earlier.seed == info.seed),
        ("direction", earlier.direction == info.direction),
        ("data set", earlier.data_digest == info.data_digest),
        (
            "pretrained model",
            earlier.pretrained_digest == info.pretrained_digest,
        ),
        ("version of ulmfit", earlier.version == info.version),
    ];
    pairs
        .iter()
        .filter(|(_, same)| !same)
        .map(|(name, _)| *name)
        .collect()
}

/// `metrics.jsonl`: lines that repeat from run to run, and so hold no times.
#[derive(Debug)]
pub(crate) struct MetricsLog {
    file: fs_err::File,
    length: u64,
}

impl MetricsLog {
    pub(crate) fn append(&mut self, line: &impl Serialize) -> Result<(), TrainError> {
        let mut text = serde_json::to_string(line).expect("metrics serialize");
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.length += text.len() as u64;
        Ok(())
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_go_on_where_the_checkpoint_says_or_where_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir {
            path: folder.path().to_owned(),
            _lock: File::create(folder.path().join("run.lock")).unwrap(),
        };
        let path = folder.path().join("metrics.jsonl");
        for (there, length, expected) in [
            ("1\n2\n", 2, "1\n0\n"),
            // As after a loss of power, or a file that was moved away.
            ("1\n", 4, "1\n0\n"),
            ("", 4, "0\n"),
        ] {
            std::fs::write(&path, there).unwrap();
            let mut metrics = dir.metrics(length).unwrap();
            metrics.append(&0).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
            assert_eq!(metrics.length(), expected.len() as u64);
        }
    }
}
