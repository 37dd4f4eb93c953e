use crate::fastai::Misfits;

/// What can go wrong when weights and configurations meet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A configuration that no model can be built from.
    #[error("invalid model configuration: {0}")]
    Config(String),

    /// Weights that do not fit the model they are loaded into; each line names a tensor.
    #[error("the weights do not fit the model:\n{}", .0.join("\n"))]
    Weights(Vec<String>),

    /// Bytes that are no checkpoint, or none that can be read: a sentence without its subject, which
    /// is the file.
    #[error("{0}")]
    Checkpoint(String),

    /// A checkpoint whose tensors are not those of a model.
    #[error("does not have the tensors of {model}:\n{misfits}")]
    Layout {
        /// What kind of model it seems to be.
        model: &'static str,
        /// The tensors, as a table.
        misfits: Misfits,
    },
}
