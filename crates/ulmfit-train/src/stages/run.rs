//! The opening of a stage's run: its description, its folder, its checkpoint.

use std::time::Duration;

use burn::tensor::Device;
use ulmfit_data::TokenIds;

use crate::checkpoint::Checkpoint;
use crate::error::TrainError;
use crate::event::{Event, Observer};
use crate::model_file::Provenance;
use crate::options::RunOptions;
use crate::recipe::Recipe;
use crate::run_dir::{RunDir, RunInfo, RunStatus};

/// A stage's run, opened.
pub(super) struct Run {
    pub(super) stage: &'static str,
    pub(super) dir: RunDir,
    pub(super) info: RunInfo,
    /// Where to go on, when the run was interrupted.
    pub(super) checkpoint: Option<Checkpoint>,
    /// Whether there is nothing left to do.
    pub(super) finished: bool,
}

/// What a run works on.
pub(super) struct Subject<'a> {
    pub(super) stage: &'static str,
    pub(super) recipe: &'a Recipe,
    pub(super) train: &'a dyn TokenIds,
    pub(super) valid: &'a dyn TokenIds,
    pub(super) data_digest: String,
    pub(super) pretrained_digest: Option<String>,
    pub(super) vocab_size: usize,
    pub(super) parameters: usize,
}

impl Run {
    pub(super) fn open(subject: Subject<'_>, options: &RunOptions) -> Result<Self, TrainError> {
        let info = RunInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stage: subject.stage.to_owned(),
            status: RunStatus::Running,
            seed: options.seed,
            direction: options.direction,
            device: device_name(&options.device),
            kernels: ulmfit_kernels::cpu_kernels(),
            threads: rayon::current_num_threads(),
            command: options.command.clone(),
            recipe_digest: subject.recipe.digest(),
            data_digest: subject.data_digest,
            pretrained_digest: subject.pretrained_digest,
            documents: [subject.train.n_documents(), subject.valid.n_documents()],
            tokens: [subject.train.n_tokens(), subject.valid.n_tokens()],
            vocab_size: subject.vocab_size,
            parameters: subject.parameters,
            steps: 0,
            seconds: 0.0,
            metrics: std::collections::BTreeMap::new(),
            recipe: subject.recipe.clone(),
        };
        let (dir, earlier) = RunDir::open(&options.run_dir, &info, options.resume)?;
        let finished = earlier
            .as_ref()
            .is_some_and(|run| run.status == RunStatus::Finished);
        let last = dir.last_checkpoint();
        let checkpoint = if earlier.is_some() && !finished && last.exists() {
            Some(Checkpoint::load(&last, &options.device.clone().autodiff())?)
        } else {
            None
        };
        let info = if finished {
            earlier.unwrap_or(info)
        } else {
            info
        };
        Ok(Self {
            stage: subject.stage,
            dir,
            info,
            checkpoint,
            finished,
        })
    }

    pub(super) fn provenance(&self) -> Provenance {
        Provenance {
            version: self.info.version.clone(),
            stage: self.info.stage.clone(),
            seed: self.info.seed,
            recipe_digest: self.info.recipe_digest.clone(),
            data_digest: self.info.data_digest.clone(),
            steps: self.info.steps,
            metrics: self.info.metrics.clone(),
        }
    }

    /// Notes the end of the run in `run.json`, and tells the observer.
    pub(super) fn finish(&mut self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        self.info.status = RunStatus::Finished;
        self.dir.write_info(&self.info)?;
        let elapsed = Duration::try_from_secs_f64(self.info.seconds).unwrap_or_default();
        observer.observe(&Event::StageFinished {
            stage: self.stage,
            elapsed,
        });
        Ok(())
    }
}

fn device_name(device: &Device) -> String {
    format!("{device:?}")
}
