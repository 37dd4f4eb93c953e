use std::path::PathBuf;

use ulmfit_data::DataError;
use ulmfit_model::ModelError;
use ulmfit_optim::OptimError;

/// Everything that can go wrong between a recipe and a trained model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Something about texts, labels or vocabularies.
    #[error(transparent)]
    Data(#[from] DataError),

    /// Something about schedules, layer groups or optimizers.
    #[error(transparent)]
    Optim(#[from] OptimError),

    /// Something about configurations or weights that no file is to blame for.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// A file could not be read or written; the message has its path.
    #[error("{0}")]
    Io(#[from] std::io::Error),

    /// A recipe that does not parse or that contradicts itself.
    #[error("{}: {message}", path.display())]
    Recipe {
        /// The recipe's file.
        path: PathBuf,
        /// What is wrong, with the line where there is one.
        message: String,
    },

    /// A model file that cannot be used.
    #[error("{}: {message}", path.display())]
    ModelFile {
        /// The model file.
        path: PathBuf,
        /// What is wrong and what would help.
        message: String,
    },

    /// A run directory in a state that the request does not fit.
    #[error("{}: {message}", path.display())]
    RunDir {
        /// The run directory.
        path: PathBuf,
        /// What is wrong and what would help.
        message: String,
    },

    /// Texts or labels that a stage cannot be run on.
    #[error("{0}")]
    Unusable(String),

    /// A pretrained model whose text is prepared otherwise than the recipe says.
    #[error(
        "the pretrained model was made with another tokenizer than the recipe's [text]; words would not mean \
         the same; start from a model of that tokenizer, or from none"
    )]
    OtherTokenizer,

    /// The loss or a weight became infinite or not a number.
    #[error(
        "the loss or a weight became {loss} by step {step} of {stage}; lower `lr_max` in the recipe, or \
         `clip_norm`, of which 0 is no clipping and 0.25 usual, and start again in another directory \
         (`ulmfit fit` takes both by --recipe and --work)"
    )]
    Diverged {
        /// The stage's name.
        stage: &'static str,
        /// The step at which it was found, counted from 1.
        step: u64,
        /// The loss; not a number where only the weights are known.
        loss: f64,
    },

    /// The caller asked to stop; a checkpoint of this very step was written.
    #[error("stopped at step {step} of {stage}; run the same command with --resume to go on")]
    Stopped {
        /// The stage's name.
        stage: &'static str,
        /// Steps done so far.
        step: u64,
    },
}
