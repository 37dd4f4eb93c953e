use std::path::PathBuf;

use clap::Args;
use ulmfit_train::ModelFile;

use super::stage::{self, Prepared};
use crate::args::{GlobalArgs, StageArgs};

const EXAMPLE: &str = "\
Examples:
  ulmfit train train.csv --recipe recipe.toml --run runs/classifier \\
      --language-model runs/reviews/model.safetensors
  ulmfit train tickets.jsonl --text subject --text body --label team --recipe recipe.toml \\
      --run runs/tickets --language-model runs/tickets-lm/model.safetensors";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Fine-tuned language model to build on
    #[arg(long, value_name = "MODEL")]
    language_model: PathBuf,
}

pub(crate) fn run(args: &TrainArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let device = args.stage.device.device.open()?;
    let language_model = ModelFile::open_language_model(&args.language_model, &device)?;
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stage::prepare(&args.stage, None, Some(&language_model.tokenizer), global)?;
    ulmfit_train::train_classifier(&corpus, language_model, &recipe, &options, &mut *observer)?;
    drop(observer);
    stage::report(&args.stage)
}
