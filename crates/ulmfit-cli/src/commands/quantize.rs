use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use ulmfit_train::{ModelFile, TrainedClassifier};

use crate::device::DeviceName;
use crate::{output, output_file};

const EXAMPLE: &str = "\
Examples:
  ulmfit quantize runs/classifier/model.safetensors --output small.safetensors
  ulmfit evaluate small.safetensors test.csv
  ulmfit quantize runs/general/model.safetensors --half --output general.safetensors

Answers change a little: measure the new file before you rely on it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct QuantizeArgs {
    /// Classifier, ensemble, or with --half a language model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Half precision in place of eight bits: half of the size, and as good as the same answers
    #[arg(long)]
    half: bool,
}

pub(crate) fn run(args: &QuantizeArgs) -> anyhow::Result<()> {
    output_file::check("--output", &args.output, [args.model.as_path()])?;
    let device = DeviceName::default().open()?;
    let before = size(&args.model)?;
    if args.half {
        ModelFile::open(&args.model, &device)?.save_half(&args.output)?;
    } else {
        let members = ModelFile::open_classifiers(&args.model, &device)?;
        let members = members.into_iter().map(TrainedClassifier::quantized);
        ModelFile::Classifier(members.collect::<Result<_, _>>()?).save(&args.output)?;
    }
    output::text(&format!(
        "{}: {:.1} MB, from {before:.1} MB",
        args.output.display(),
        size(&args.output)?
    ))
}

/// In megabytes.
fn size(path: &Path) -> anyhow::Result<f64> {
    let metadata =
        std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.len() as f64 / 1e6)
}
