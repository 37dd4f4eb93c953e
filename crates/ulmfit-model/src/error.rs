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
}
