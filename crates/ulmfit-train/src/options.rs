use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use burn::tensor::Device;
use ulmfit_data::Direction;

/// How a stage is run, beside its recipe.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The folder of the run; made if it is not there.
    pub run_dir: PathBuf,
    /// The device to train on, without autodiff.
    pub device: Device,
    /// Which way documents are read.
    pub direction: Direction,
    /// The seed of every draw.
    pub seed: u64,
    /// Go on with the run in the folder instead of refusing it.
    pub resume: bool,
    /// Wall time between two checkpoints.
    pub checkpoint_every: Duration,
    /// Raised by someone else, it stops the run after the step at hand, with a checkpoint.
    pub stop: StopSignal,
    /// The command line to note in `run.json`.
    pub command: Vec<String>,
}

impl RunOptions {
    /// A new forward run with seed 0 and a checkpoint a minute.
    pub fn new(run_dir: impl Into<PathBuf>, device: Device) -> Self {
        Self {
            run_dir: run_dir.into(),
            device,
            direction: Direction::Forward,
            seed: 0,
            resume: false,
            checkpoint_every: Duration::from_mins(1),
            stop: StopSignal::default(),
            command: Vec::new(),
        }
    }
}

/// A request to stop that can be raised from another thread or a signal handler.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Asks the run to stop after the step at hand.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone asked.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
