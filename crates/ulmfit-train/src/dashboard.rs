//! burn-train's terminal dashboard as an [`Observer`].

use std::sync::Arc;

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger;
use burn::train::metric::{
    MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry, SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};

use crate::event::{Event, Observer, Validation};
use crate::options::StopSignal;

/// Draws losses, accuracies and progress on the terminal, which it takes over until it is dropped.
///
/// The dashboard's "stop the training" raises the run's [`StopSignal`], so that the run ends with a
/// checkpoint; its "stop immediately" panics.
pub struct Dashboard {
    renderer: TuiMetricsRendererWrapper,
    interrupter: Interrupter,
    stop: StopSignal,
    n_epochs: usize,
    /// Steps done, and steps that were done when the epoch in progress began.
    step: u64,
    epoch_start: u64,
    steps_per_epoch: u64,
}

/// What is drawn: a name and whether more of it is better.
const LOSS: (&str, bool) = ("Loss", false);
const LEARNING_RATE: (&str, bool) = ("Learning rate", false);
const ACCURACY: (&str, bool) = ("Accuracy", true);
const PERPLEXITY: (&str, bool) = ("Perplexity", false);

impl Dashboard {
    /// Takes over the terminal; `stop` is the signal of the run that is to be watched.
    ///
    /// # Panics
    ///
    /// When standard output is not a terminal.
    pub fn new(stop: StopSignal) -> Self {
        let interrupter = Interrupter::new();
        let mut renderer = TuiMetricsRendererWrapper::new(interrupter.clone(), None);
        for (name, higher_is_better) in [LOSS, LEARNING_RATE, ACCURACY, PERPLEXITY] {
            renderer.register_metric(MetricDefinition {
                metric_id: id(name),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: NumericAttributes {
                    unit: None,
                    higher_is_better,
                }
                .into(),
            });
        }
        Self {
            renderer,
            interrupter,
            stop,
            n_epochs: 1,
            step: 0,
            epoch_start: 0,
            steps_per_epoch: 1,
        }
    }

    fn start(&mut self, stage: &str, step: u64, n_steps: u64, n_epochs: usize) {
        self.n_epochs = n_epochs.max(1);
        // Epochs have about the same number of steps; nothing but the display depends on it.
        self.steps_per_epoch = n_steps.div_ceil(self.n_epochs as u64).max(1);
        let epochs_done = (step / self.steps_per_epoch).min(self.n_epochs as u64 - 1);
        self.step = step;
        self.epoch_start = epochs_done * self.steps_per_epoch;
        let items = self.steps_per_epoch as usize;
        self.renderer.start(
            self.n_epochs,
            epochs_done as usize + 1,
            Some(items),
            Some(stage),
        );
        self.renderer.start_split("train", items);
    }

    fn step(&mut self, step: u64) {
        self.step = step;
        let done = step
            .saturating_sub(self.epoch_start)
            .min(self.steps_per_epoch);
        self.renderer.update_split(done as usize);
    }

    fn end_epoch(&mut self, epoch: usize, validation: Option<&Validation>) {
        if let Some(validation) = validation {
            self.renderer.update_valid(state(LOSS.0, validation.loss));
            if let Some(accuracy) = validation.accuracy {
                self.renderer.update_valid(state(ACCURACY.0, accuracy));
            }
            self.renderer
                .update_valid(state(PERPLEXITY.0, validation.perplexity()));
        }
        self.epoch_start = self.step;
        if epoch < self.n_epochs {
            self.renderer.update_epoch(epoch);
        }
    }
}

impl Observer for Dashboard {
    fn observe(&mut self, event: &Event) {
        if self.interrupter.should_stop() {
            self.stop.raise();
        }
        match *event {
            Event::StageStarted {
                stage,
                step,
                n_steps,
                n_epochs,
            } => {
                self.start(stage, step, n_steps, n_epochs);
            }
            Event::Step { step, .. } => self.step(step),
            Event::TrainingLoss {
                loss,
                learning_rate,
                ..
            } => {
                self.renderer.update_train(state(LOSS.0, loss));
                self.renderer
                    .update_train(state(LEARNING_RATE.0, learning_rate));
            }
            Event::EpochEnded {
                epoch,
                ref validation,
            } => {
                self.end_epoch(epoch, validation.as_ref());
            }
            Event::Checkpointed { .. } => {
                self.renderer.log_event_training("checkpoints".to_owned());
            }
            _ => {}
        }
    }
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}

fn state(name: &str, value: f64) -> MetricState {
    let text = SerializedEntry::new(format!("{value:.4}"), value.to_string());
    MetricState::Numeric(
        MetricEntry::new(id(name), text),
        Some(NumericEntry::Value(value)),
    )
}
