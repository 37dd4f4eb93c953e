//! A stage's weights: taken up from a checkpoint, kept when they are the best, chosen at the end.

use std::fmt::Display;
use std::path::Path;

use burn::module::Module;
use ulmfit_model::{AwdLstmState, load_weights, named_weights};
use ulmfit_optim::Optimizer;

use super::run::Run;
use crate::checkpoint::Progress;
use crate::error::TrainError;
use crate::recipe::Keep;
use crate::run_dir::RunDir;
use crate::tensor_file::{self, TensorFile};

/// Where a stage goes on: the weights, the progress, and a language model's hidden state.
pub(super) type Restored<M> = (M, Progress, Option<AwdLstmState>);

/// Takes up the run's checkpoint, if there is one; else the start.
pub(super) fn restore<M: Module>(
    run: &mut Run,
    model: M,
    optimizer: &mut Optimizer,
) -> Result<Restored<M>, TrainError> {
    let Some(checkpoint) = run.checkpoint.take() else {
        return Ok((model, Progress::default(), None));
    };
    let path = run.dir.last_checkpoint();
    let model = load_weights(model, checkpoint.weights).map_err(|error| misfit(&path, &error))?;
    optimizer
        .load_state(&model, checkpoint.optimizer)
        .map_err(|error| misfit(&path, &error))?;
    Ok((model, checkpoint.progress, checkpoint.state))
}

/// A checkpoint that is not of the run that its folder describes.
pub(super) fn misfit(path: &Path, error: &dyn Display) -> TrainError {
    TrainError::ModelFile {
        path: path.to_owned(),
        message: format!("{error}; remove the run's folder to start over"),
    }
}

/// Writes the weights as the best so far.
pub(super) fn keep_best<M: Module>(dir: &RunDir, model: &M) -> Result<(), TrainError> {
    tensor_file::write(
        &dir.best_checkpoint(),
        "ulmfit-weights",
        &(),
        &named_weights(model),
    )
}

/// The weights that the stage ends with. Where nothing was `validated`, no epoch was better than
/// another, and the last ones are as good as any.
pub(super) fn chosen<M: Module>(
    dir: &RunDir,
    model: M,
    optimizer: &Optimizer,
    keep: Keep,
    validated: bool,
) -> Result<M, TrainError> {
    match keep {
        Keep::Best if validated => {
            let path = dir.best_checkpoint();
            let best = TensorFile::open(&path)?.tensors("");
            let best = best.map_err(|error| misfit(&path, &error))?;
            load_weights(model, best).map_err(|error| misfit(&path, &error))
        }
        Keep::Best | Keep::Last => Ok(optimizer.averaged(model)),
    }
}
