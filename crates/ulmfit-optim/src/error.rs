//! What can be wrong with a setting, a list of groups or a saved state, each with its remedy.

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A number outside its range.
    #[error("`{name}` is {value}: it must be {expected}")]
    Setting {
        /// The setting, as it is written in a recipe.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The values that work.
        expected: &'static str,
    },

    /// A schedule over nothing.
    #[error("a schedule of no steps: give it more epochs, or data that fill at least one batch")]
    NoSteps,

    /// No layer groups at all.
    #[error("no layer groups: pass the model's `layer_groups()`, bottom to top")]
    NoGroups,

    /// A list with one entry for each layer group has another length.
    #[error("{found} {what} for {n_groups} layer groups: give one for each, bottom to top")]
    GroupCount {
        /// What the list holds.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of layer groups.
        n_groups: usize,
    },

    /// A layer group that does not exist is to be trained.
    #[error(
        "`{trainable}` of {n_groups} layer groups: `last` takes 1 to {n_groups}, `only` takes 0 to \
         {max}",
        max = n_groups.saturating_sub(1)
    )]
    NoSuchGroup {
        /// The choice of groups.
        trainable: String,
        /// The number of layer groups.
        n_groups: usize,
    },

    /// A layer group that no parameter of the model belongs to.
    #[error("layer group {index} matches no parameter: take the groups from this very model")]
    EmptyGroup {
        /// Its index, from the bottom.
        index: usize,
    },

    /// A trainable parameter that belongs to no layer group, so that it has no rate.
    #[error("parameter `{path}` is in no layer group: add it to one, so that it has a rate")]
    UngroupedParameter {
        /// The parameter.
        path: String,
    },

    /// A parameter of two layer groups, so that its rate is not clear.
    #[error("parameter `{path}` is in layer groups {first} and {second}: leave it in one")]
    OverlappingGroups {
        /// The parameter.
        path: String,
        /// The lower group.
        first: usize,
        /// The upper group.
        second: usize,
    },

    /// Stages written out in a recipe do not add up.
    #[error("the stages take {stages} epochs and the run {epochs}: make the two agree")]
    EpochCount {
        /// The sum over the stages.
        stages: usize,
        /// The epochs of the run.
        epochs: usize,
    },

    /// A state of another kind of optimizer.
    #[error("the state is of `{found}` and the optimizer is `{expected}`: resume with `{found}`")]
    StateKind {
        /// The kind of the state.
        found: &'static str,
        /// The kind of the optimizer.
        expected: &'static str,
    },

    /// A state that does not fit the model.
    #[error(
        "the optimizer state does not fit the model (missing: {}; not in the model: {}; of another \
         shape or type: {}): resume with the model and the optimizer that wrote it",
        list(missing),
        list(extra),
        list(misshapen)
    )]
    StateMismatch {
        /// Tensors that the state should have and has not.
        missing: Vec<String>,
        /// Names in the state that the model does not know.
        extra: Vec<String>,
        /// Tensors of another shape or type, with both.
        misshapen: Vec<String>,
    },
}

/// Accepts a number, or says what it should have been.
pub(crate) fn check(
    accepted: bool,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), OptimError> {
    if accepted {
        Ok(())
    } else {
        Err(OptimError::Setting {
            name,
            value,
            expected,
        })
    }
}

/// `lr_max` of every schedule: a positive number. There is no upper bound, since SGD on a language
/// model is run at 30 (awd-lstm-lm).
pub(crate) fn check_lr_max(lr_max: f64) -> Result<(), OptimError> {
    check(
        lr_max > 0.0 && lr_max.is_finite(),
        "lr_max",
        lr_max,
        "more than 0",
    )
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_string()
    } else {
        names.join(", ")
    }
}
