use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use ulmfit_train::{ModelFile, Predictor, Target, TrainedClassifier};

use super::fit_report;
use crate::device::DeviceName;
use crate::{output, output_file};

const EXAMPLE: &str = "\
Example:
  ulmfit ensemble runs/forward/model.safetensors runs/backward/model.safetensors --output both.safetensors";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EnsembleArgs {
    /// Classifiers with the same labels, such as a forward and a backward one
    #[arg(required = true, num_args = 2.., value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(args: &EnsembleArgs) -> anyhow::Result<()> {
    let read = args.models.iter().map(PathBuf::as_path);
    output_file::check("--output", &args.output, read)?;
    let device = DeviceName::default().open()?;
    let mut members: Vec<TrainedClassifier> = Vec::new();
    for path in &args.models {
        let more = ModelFile::open_classifiers(path, &device)?;
        if let (Some(one), Some(other)) = (members.first(), more.first()) {
            ensure!(
                one.agrees_with(other),
                "{} answers with {}, and {} with {}; join classifiers that were trained on the same \
                 labels",
                args.models[0].display(),
                answers(one),
                path.display(),
                answers(other)
            );
        }
        members.extend(more);
    }
    Predictor::new(members.clone())?;
    let count = members.len();
    ModelFile::Classifier(members).save(&args.output)?;
    output::text(&format!("{}: {count} classifiers", args.output.display()))
}

/// What a classifier answers with, so far as others have to agree.
fn answers(classifier: &TrainedClassifier) -> String {
    let labels = fit_report::some(&classifier.labels);
    match &classifier.target {
        Target::SingleLabel => format!("one of the labels {labels}"),
        Target::MultiLabel { separator: None } => format!("any of the labels {labels}"),
        Target::MultiLabel {
            separator: Some(separator),
        } => format!("any of the labels {labels}, with \"{separator}\" between them"),
        Target::Regression => "a number".to_owned(),
    }
}
