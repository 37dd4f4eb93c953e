//! ULMFiT from texts to a measured classifier: stages, recipes, runs and evaluation.
//!
//! The three stages of Howard and Ruder (2018), *Universal Language Model Fine-tuning for Text
//! Classification*, are three functions:
//!
//! 1. [`pretrain`]: a language model on general text.
//! 2. [`finetune`]: that model on the task's text, labels or not.
//! 3. [`train_classifier`]: a classifier on top of its encoder, on labeled documents.
//!
//! Each takes a [`TokenizedCorpus`](ulmfit_data::TokenizedCorpus), in memory or on disk, a [`Recipe`]
//! that states every hyper-parameter, [`RunOptions`] and an [`Observer`], and returns a model with its
//! vocabulary and tokenizer. Each works in a run folder
//! with `run.json`, `metrics.jsonl` and checkpoints, from which a run that was killed goes on to
//! the same result. [`ModelFile`] reads and writes the one file of a model, [`import_fastai`] makes one of fastai's,
//! [`Predictor`] uses it,
//! [`ClassificationReport`] and [`evaluate_language_model`] measure it, [`find_learning_rate`] looks
//! for the rate to train it with, and [`mod@bench`] measures how
//! fast all this is.
//!
//! A classifier answers with one class, with any number of labels, or with a number: its [`Target`].
//!
//! [`mod@fit`] does all of it in one call, with a recipe that is chosen from the data.
//!
//! The crate prints nothing and turns no burn backend on.

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod atomic_file;
mod baseline;
pub mod bench;
mod checkpoint;
#[cfg(feature = "tui")]
mod dashboard;
mod digest;
mod direction;
mod error;
mod event;
mod exchange;
pub mod fit;
mod generate;
mod labels;
mod lr_curve;
mod model_file;
mod options;
mod predictor;
mod prepare;
mod recipe;
mod report;
mod run_dir;
mod stages;
mod target;
mod tensor_file;
mod truth;

pub use atomic_file::write as write_atomically;
pub use baseline::{TfidfLogistic, TfidfOneVsRest, TfidfRidge, tfidf_answers};
#[cfg(feature = "tui")]
pub use dashboard::Dashboard;
pub use error::TrainError;
pub use event::{Event, Observer, Validation};
pub use exchange::{FastaiImport, Imported, export_fastai, import_export, import_fastai};
pub use generate::{GenerateOptions, generate};
pub use labels::{known_labels, number_labels};
pub use lr_curve::{LrCurve, LrPoint};
pub use model_file::{ModelFile, Provenance, TrainedClassifier, TrainedLanguageModel};
pub use options::{RunOptions, StopSignal};
pub use predictor::{Prediction, Predictor};
pub use recipe::{
    ClassWeights, ClassifierRecipe, DataRecipe, Keep, LanguageModelRecipe, ModelRecipe, Recipe,
    Softmax, TrainingRecipe, VocabRecipe,
};
pub use report::{ClassReport, ClassificationReport, MultiLabelReport, RegressionReport};
pub use run_dir::{RunInfo, RunStatus, check_run_dir, read_run_info};
pub use stages::{
    ClassifierData, LanguageModelReport, LrFindOptions, LrFindStage, evaluate_language_model,
    find_learning_rate, finetune, pretrain, train_classifier,
};
pub use target::{Standardization, Target};
pub use truth::Truth;
pub use ulmfit_model::{FastaiPart, FastaiVersion, Precision};
