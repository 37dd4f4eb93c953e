//! From documents to a measured classifier in one call: [`plan`] looks at the documents and chooses
//! what is held out and with which recipe to train, [`fit`] does it.

mod calibration;
mod check;
mod decision;
mod drawn;
mod held_out;
mod interval;
mod plan;
mod recipe;
mod sample;
mod summary;

use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::tensor::Device;
use ulmfit_data::{Direction, Document, TokenizedCorpus, Tokenizer};

pub use calibration::Calibration;
pub use drawn::text_to_train_on;
pub use plan::{FitPlan, MeasureSpeed, PlannedStage, plan};
pub use recipe::Speed;
pub use summary::{FitSummary, Measured};

use crate::error::TrainError;
use crate::event::Observer;
use crate::model_file::{TrainedClassifier, TrainedLanguageModel};
use crate::options::{RunOptions, StopSignal};
use crate::predictor::{Member, Scored};
use crate::recipe::Recipe;
use crate::stages::{ClassifierData, finetune, train_classifier};
use crate::target::Target;

/// The recipe that the chosen ones differ from in a few numbers.
pub fn recipe() -> Recipe {
    recipe::base()
}

/// What a classifier is made from.
#[derive(Clone, Debug, Default)]
pub struct FitDocuments {
    /// Documents, each with its label.
    pub labeled: Vec<Document>,
    /// Documents for the language model alone.
    pub unlabeled: Vec<Document>,
    /// Labeled documents to measure on; where there are none, part of `labeled` is held out.
    pub validation: Vec<Document>,
}

/// How it is made.
#[derive(Clone, Debug)]
pub struct FitOptions {
    /// The folder of the runs; made if it is not there. A fit that was stopped goes on from it.
    pub work_dir: PathBuf,
    /// The device to train on, without autodiff.
    pub device: Device,
    /// Which ways documents are read: a model each, of which the ensemble is made.
    pub directions: Vec<Direction>,
    /// The seed of every draw.
    pub seed: u64,
    /// Text to tokens.
    pub tokenizer: Tokenizer,
    /// What the labels are to be.
    pub target: Target,
    /// The recipe, where it is not to be chosen. One that chooses the classifier's best epoch, ends it by its
    /// `patience`, or begins to average by `nt-asgd`, does so by the documents that are measured on.
    pub recipe: Option<Recipe>,
    /// Most words of the vocabulary, where it is not as many as the recipe says.
    pub max_vocab: Option<usize>,
    /// The time that training may take, where it is bounded.
    pub time_budget: Option<Duration>,
    /// The part of the labeled documents that is held out, where no others are given.
    pub held_out: f64,
    /// Wall time between two checkpoints.
    pub checkpoint_every: Duration,
    /// Raised by someone else, it stops the run after the step at hand, with a checkpoint.
    pub stop: StopSignal,
    /// The command line to note in `run.json`.
    pub command: Vec<String>,
}

impl FitOptions {
    /// A forward model of English text and of one class a document, with seed 0; a tenth is held out.
    pub fn new(work_dir: impl Into<PathBuf>, device: Device) -> Self {
        Self {
            work_dir: work_dir.into(),
            device,
            directions: vec![Direction::Forward],
            seed: 0,
            tokenizer: Tokenizer::default(),
            target: Target::SingleLabel,
            recipe: None,
            max_vocab: None,
            time_budget: None,
            held_out: 0.1,
            checkpoint_every: Duration::from_mins(1),
            stop: StopSignal::default(),
            command: Vec::new(),
        }
    }

    fn run_dir(&self, stage: &str, direction: Direction) -> PathBuf {
        self.work_dir.join(format!("{stage}-{direction}"))
    }

    /// The folders of all stages, which are removed in the end.
    fn run_dirs(&self) -> impl Iterator<Item = PathBuf> {
        let directions = self.directions.iter();
        directions.flat_map(|&it| ["finetune", "classifier"].map(|stage| self.run_dir(stage, it)))
    }

    /// Refuses a folder to begin in where a stage's own folder has something in it.
    fn check_work_dir(&self) -> Result<(), TrainError> {
        for path in self.run_dirs().flat_map(|it| [removed(&it), it]) {
            if path.is_dir() && fs_err::read_dir(&path)?.next().is_some() {
                return Err(TrainError::RunDir {
                    path,
                    message: "has something in it, and would be removed in the end; remove it yourself, or \
                              name another work folder"
                        .to_owned(),
                });
            }
        }
        Ok(())
    }

    fn run(&self, stage: &str, direction: Direction) -> RunOptions {
        let run_dir = self.run_dir(stage, direction);
        RunOptions {
            // What was begun here is gone on with.
            resume: run_dir.join("run.json").is_file(),
            direction,
            seed: self.seed,
            checkpoint_every: self.checkpoint_every,
            stop: self.stop.clone(),
            command: self.command.clone(),
            ..RunOptions::new(run_dir, self.device.clone())
        }
    }
}

/// What the folder of a stage is called while it is removed.
fn removed(run_dir: &Path) -> PathBuf {
    run_dir.with_added_extension("removed")
}

/// Removes what a fit has kept to go on from, once its result is safe; the folder goes too when nothing
/// else is in it and it is no link.
///
/// # Errors
///
/// [`TrainError::Io`] when something cannot be removed.
pub fn clean_up(options: &FitOptions) -> Result<(), TrainError> {
    for run_dir in options.run_dirs() {
        // Renamed first: of a removal that is killed there is no half of a run left to go on from.
        let removed = removed(&run_dir);
        if removed.is_dir() {
            fs_err::remove_dir_all(&removed)?;
        }
        if run_dir.is_dir() {
            fs_err::rename(&run_dir, &removed)?;
            fs_err::remove_dir_all(&removed)?;
        }
    }
    fs_err::remove_file(options.work_dir.join(decision::FILE))?;
    // The folder behind a link is somebody's.
    if !options.work_dir.is_symlink() && fs_err::read_dir(&options.work_dir)?.next().is_none() {
        fs_err::remove_dir(&options.work_dir)?;
    }
    Ok(())
}

/// What came of a fit.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// A classifier for each direction, in the order of the options.
    pub classifiers: Vec<TrainedClassifier>,
    /// How good it is.
    pub summary: FitSummary,
}

/// Fine-tunes a language model on all text but that held out, be it among the documents without labels
/// too, trains a classifier on the labeled part of it, fits the temperature of its probabilities (Guo et al. 2017), and measures the whole on what
/// was held out, beside TF-IDF with logistic regression, or for numbers with ridge regression.
///
/// `pretrained` gives the language model of a direction to start from, none for a start from scratch.
///
/// # Errors
///
/// Any [`TrainError`]. The same call goes on where one was stopped.
pub fn fit(
    plan: &FitPlan,
    mut pretrained: impl FnMut(Direction) -> Result<Option<TrainedLanguageModel>, TrainError>,
    options: &FitOptions,
    observer: &mut dyn Observer,
) -> Result<Fitted, TrainError> {
    let text = TokenizedCorpus::from_documents(&options.tokenizer, &plan.text());
    let labeled = TokenizedCorpus::from_documents(&options.tokenizer, &plan.documents);
    let (documents, truth) = plan.held_out();
    let mut classifiers = Vec::with_capacity(options.directions.len());
    let mut scored: Vec<Scored> = Vec::with_capacity(options.directions.len());
    for &direction in &options.directions {
        let language_model = finetune(
            &text,
            pretrained(direction)?,
            &plan.recipe,
            &options.run("finetune", direction),
            observer,
        )?;
        let data = ClassifierData {
            corpus: &labeled,
            target: plan.target.clone(),
            held_out: Some(plan.held_out.clone()),
        };
        let mut classifier = train_classifier(
            data,
            Some(language_model),
            &plan.recipe,
            &options.run("classifier", direction),
            observer,
        )?;
        let mut of_member = Member::from(classifier.clone()).scored(&documents);
        of_member.temperature = calibration::temperature(&of_member.scores, &truth);
        classifier.temperature = of_member.temperature;
        scored.push(of_member);
        classifiers.push(classifier);
    }
    let summary = FitSummary::measure(plan, &scored, &options.tokenizer, options.seed);
    Ok(Fitted {
        classifiers,
        summary,
    })
}
