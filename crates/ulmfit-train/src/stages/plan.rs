//! A stage's epochs, laid out before the first step.

use ulmfit_optim::{Schedule, Trainable};

use crate::error::TrainError;
use crate::recipe::TrainingRecipe;

/// One epoch of a stage.
#[derive(Clone, Debug)]
pub(super) struct EpochPlan {
    /// The layer groups that train.
    pub(super) trainable: Trainable,
    /// The learning rate over the phase that the epoch belongs to.
    pub(super) schedule: Schedule,
    /// The phase's steps before this epoch.
    pub(super) schedule_offset: usize,
    /// Whether a phase starts here: the optimizer starts anew with it, as in fastai.
    pub(super) starts_phase: bool,
}

/// The epochs of a stage, and its number of steps.
///
/// `batches(epoch)` is the number of batches of an epoch, counted from 0 over the whole stage.
pub(super) fn epochs(
    recipe: &TrainingRecipe,
    n_groups: usize,
    batches: impl Fn(usize) -> usize,
) -> Result<(Vec<EpochPlan>, u64), TrainError> {
    let mut epochs = Vec::new();
    let mut n_steps = 0;
    for phase in recipe.phases(n_groups)? {
        let first = epochs.len();
        let counts = (first..first + phase.epochs)
            .map(&batches)
            .collect::<Vec<_>>();
        let phase_steps = counts.iter().sum::<usize>();
        let schedule = phase.schedule(&recipe.schedule).init(phase_steps)?;
        let mut schedule_offset = 0;
        for (index, count) in counts.into_iter().enumerate() {
            epochs.push(EpochPlan {
                trainable: phase.trainable,
                schedule: schedule.clone(),
                schedule_offset,
                starts_phase: index == 0,
            });
            schedule_offset += count;
        }
        n_steps += phase_steps as u64;
    }
    Ok((epochs, n_steps))
}
