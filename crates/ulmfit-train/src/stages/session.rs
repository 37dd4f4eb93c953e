//! What surrounds a training loop: where it stands, its log, its checkpoints, its end.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use serde::Serialize;
use ulmfit_model::NamedTensor;
use ulmfit_optim::OptimizerState;

use crate::checkpoint::{Checkpoint, Progress};
use crate::error::TrainError;
use crate::event::{Event, Observer, Validation};
use crate::options::StopSignal;
use crate::recipe::TrainingRecipe;
use crate::run_dir::{MetricsLog, RunDir};

/// Steps between two lines of `metrics.jsonl`: reading the loss waits for the device.
const STEPS_PER_LINE: u32 = 20;

pub(super) struct Session<'a> {
    stage: &'static str,
    dir: &'a RunDir,
    observer: &'a mut dyn Observer,
    metrics: MetricsLog,
    checkpoint_every: Duration,
    stop: StopSignal,
    progress: Progress,
    /// The training losses since the last line, summed on the device.
    loss_sum: Option<Tensor<1>>,
    resumed: Instant,
    checkpointed: Instant,
}

/// A line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    stage: &'a str,
    epoch: usize,
    step: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_accuracy: Option<f64>,
}

impl<'a> Session<'a> {
    pub(super) fn start(
        stage: &'static str,
        dir: &'a RunDir,
        observer: &'a mut dyn Observer,
        progress: Progress,
        checkpoint_every: Duration,
        stop: StopSignal,
    ) -> Result<Self, TrainError> {
        let metrics = dir.metrics(progress.metrics_bytes)?;
        let now = Instant::now();
        Ok(Self {
            stage,
            dir,
            observer,
            metrics,
            checkpoint_every,
            stop,
            progress,
            loss_sum: None,
            resumed: now,
            checkpointed: now,
        })
    }

    pub(super) fn announce(&mut self, n_steps: u64, n_epochs: usize) {
        let (stage, step) = (self.stage, self.progress.step);
        self.observer.observe(&Event::StageStarted {
            stage,
            step,
            n_steps,
            n_epochs,
        });
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Wall time over all parts of the run, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.progress.seconds + self.resumed.elapsed().as_secs_f64()
    }

    /// Takes note of a training step; `loss`, `[1]`, is without regularization.
    pub(super) fn step(
        &mut self,
        loss: Tensor<1>,
        learning_rate: f64,
        items: usize,
    ) -> Result<(), TrainError> {
        self.progress.step += 1;
        self.progress.batch += 1;
        self.progress.loss_count += 1;
        self.progress.learning_rate = learning_rate;
        let loss = loss.inner();
        self.loss_sum = Some(match self.loss_sum.take() {
            Some(sum) => sum + loss,
            None => loss + self.progress.loss_sum,
        });
        self.observer.observe(&Event::Step {
            step: self.progress.step,
            items,
        });
        if self.progress.loss_count >= STEPS_PER_LINE {
            self.log_loss()?;
        }
        Ok(())
    }

    /// Whether a checkpoint is to be written before the next step.
    pub(super) fn checkpoint_is_due(&self) -> bool {
        self.stop.is_raised() || self.checkpointed.elapsed() >= self.checkpoint_every
    }

    /// Writes a checkpoint, and ends the run there if the caller asked to stop.
    pub(super) fn checkpoint(
        &mut self,
        weights: Vec<NamedTensor>,
        optimizer: OptimizerState,
        state: Option<ulmfit_model::AwdLstmState>,
    ) -> Result<(), TrainError> {
        self.progress.loss_sum = match &self.loss_sum {
            Some(sum) => sum.clone().into_scalar(),
            None => self.progress.loss_sum,
        };
        if !self.progress.loss_sum.is_finite() {
            return Err(self.diverged(f64::from(self.progress.loss_sum)));
        }
        let mut progress = self.progress.clone();
        progress.seconds = self.seconds();
        progress.metrics_bytes = self.metrics.length();
        Checkpoint {
            progress,
            weights,
            optimizer,
            state,
        }
        .save(&self.dir.last_checkpoint())?;
        self.checkpointed = Instant::now();
        let step = self.progress.step;
        self.observer.observe(&Event::Checkpointed { step });
        if self.stop.is_raised() {
            return Err(TrainError::Stopped {
                stage: self.stage,
                step,
            });
        }
        Ok(())
    }

    /// Ends an epoch: logs what is left of the training loss, and the validation. Returns whether
    /// these are the best weights so far.
    pub(super) fn end_epoch(&mut self, validation: Option<Validation>) -> Result<bool, TrainError> {
        if self.progress.loss_count > 0 {
            self.log_loss()?;
        }
        let epoch = self.progress.epoch + 1;
        if let Some(validation) = validation {
            if !validation.loss.is_finite() {
                return Err(self.diverged(validation.loss));
            }
            let line = self.line();
            let line = Line {
                valid_loss: Some(validation.loss),
                valid_accuracy: validation.accuracy,
                ..line
            };
            self.metrics.append(&line)?;
        }
        self.observer
            .observe(&Event::EpochEnded { epoch, validation });
        let best = validation.is_some_and(|validation| {
            self.progress
                .best_loss
                .is_none_or(|best| validation.loss < best)
        });
        if best {
            self.progress.best_loss = validation.map(|validation| validation.loss);
            self.progress.epochs_since_best = 0;
        } else if validation.is_some() {
            self.progress.epochs_since_best += 1;
        }
        self.progress.epoch = epoch;
        self.progress.batch = 0;
        Ok(best)
    }

    /// Whether there was no progress for as long as the recipe's patience lasts.
    pub(super) fn is_out_of_patience(&self, recipe: &TrainingRecipe) -> bool {
        recipe.patience > 0 && self.progress.epochs_since_best >= recipe.patience
    }

    /// Fails when the weights that the stage ends with are not numbers: the last update may have made them
    /// so, and no loss has been computed with them since.
    pub(super) fn check_weights(&self, weights: &[NamedTensor]) -> Result<(), TrainError> {
        let finite = |tensor: &NamedTensor| tensor.values.iter().all(|value| value.is_finite());
        if weights.iter().all(finite) {
            return Ok(());
        }
        Err(self.diverged(f64::NAN))
    }

    fn log_loss(&mut self) -> Result<(), TrainError> {
        let sum: f32 = match self.loss_sum.take() {
            Some(sum) => sum.into_scalar(),
            None => self.progress.loss_sum,
        };
        let loss = f64::from(sum) / f64::from(self.progress.loss_count);
        let (step, learning_rate) = (self.progress.step, self.progress.learning_rate);
        if !loss.is_finite() {
            return Err(self.diverged(loss));
        }
        self.progress.loss_sum = 0.0;
        self.progress.loss_count = 0;
        let line = self.line();
        let line = Line {
            loss: Some(loss),
            learning_rate: Some(learning_rate),
            ..line
        };
        self.metrics.append(&line)?;
        self.observer.observe(&Event::TrainingLoss {
            step,
            loss,
            learning_rate,
        });
        Ok(())
    }

    fn diverged(&self, loss: f64) -> TrainError {
        TrainError::Diverged {
            stage: self.stage,
            step: self.progress.step,
            loss,
        }
    }

    fn line(&self) -> Line<'static> {
        Line {
            stage: self.stage,
            epoch: self.progress.epoch + 1,
            step: self.progress.step,
            loss: None,
            learning_rate: None,
            valid_loss: None,
            valid_accuracy: None,
        }
    }
}
