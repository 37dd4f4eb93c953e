//! The three stages of ULMFiT: pretrain, fine-tune, train the classifier.

mod classifier;
mod evaluation;
mod finetune;
pub(crate) mod language_model;
mod lr_find;
mod objective;
mod plan;
mod pretrain;
mod run;
mod session;
mod weights;

pub use classifier::{ClassifierData, train_classifier};
pub use evaluation::{LanguageModelReport, evaluate_language_model};
pub use finetune::finetune;
pub use lr_find::{LrFindOptions, LrFindStage, find_learning_rate};
pub use pretrain::pretrain;
