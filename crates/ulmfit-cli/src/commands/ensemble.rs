use std::path::PathBuf;

use clap::Args;
use ulmfit_train::{ModelFile, Predictor};

use crate::device::DeviceName;
use crate::{output, overwrite};

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
    overwrite::refuse("--output", &args.output, read)?;
    let device = DeviceName::default().open()?;
    let mut members = Vec::new();
    for path in &args.models {
        members.extend(ModelFile::open_classifiers(path, &device)?);
    }
    Predictor::new(members.clone())?;
    let count = members.len();
    ModelFile::Classifier(members).save(&args.output)?;
    output::text(&format!("{}: {count} classifiers", args.output.display()))
}
