use std::time::Duration;

/// What happens during a run, for whoever shows it: a progress bar, a dashboard, a log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A stage starts or goes on.
    StageStarted {
        /// `pretrain`, `finetune` or `classifier`.
        stage: &'static str,
        /// Steps done before, when the run was resumed.
        step: u64,
        /// Steps of the whole stage.
        n_steps: u64,
        /// Epochs of the whole stage.
        n_epochs: usize,
    },
    /// A training step was done.
    Step {
        /// Steps done so far.
        step: u64,
        /// Tokens or documents of this step.
        items: usize,
    },
    /// The mean training loss since the last such event was read.
    TrainingLoss {
        /// Steps done so far.
        step: u64,
        /// The mean loss, in nats, regularization left out.
        loss: f64,
        /// The last layer group's learning rate.
        learning_rate: f64,
    },
    /// An epoch ended and was validated.
    EpochEnded {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The validation result, when part of the data is held out; a classifier's may be of a sample of
        /// it, see [`ClassifierData`](crate::ClassifierData).
        validation: Option<Validation>,
    },
    /// A checkpoint was written.
    Checkpointed {
        /// Steps done so far.
        step: u64,
    },
    /// The stage is done.
    StageFinished {
        /// The stage's name.
        stage: &'static str,
        /// Wall time, earlier parts of a resumed run included.
        elapsed: Duration,
    },
}

/// A result on held-out data.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Validation {
    /// Mean negative log-likelihood, in nats; where a classifier's target is a number, the mean squared
    /// error in units of the standard deviation.
    pub loss: f64,
    /// The part of the predictions that were right, of several labels with all of them; `None` for
    /// numbers.
    pub accuracy: Option<f64>,
}

impl Validation {
    /// The exponential of the loss.
    pub fn perplexity(&self) -> f64 {
        self.loss.exp()
    }
}

/// Someone who watches a run.
pub trait Observer {
    /// Takes note of an event.
    fn observe(&mut self, event: &Event);
}

/// Watches nothing.
impl Observer for () {
    fn observe(&mut self, _event: &Event) {}
}

impl<F: FnMut(&Event)> Observer for F {
    fn observe(&mut self, event: &Event) {
        self(event);
    }
}
