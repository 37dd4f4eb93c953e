use std::path::PathBuf;

use clap::Args;
use ulmfit_train::{ClassifierData, ModelFile};

use super::stage::{self as stages, Prepared};
use crate::args::{GlobalArgs, StageArgs, TargetArgs};

const EXAMPLE: &str = "\
Examples:
  ulmfit train train.csv --recipe recipe.toml --run runs/classifier \\
      --language-model runs/reviews/model.safetensors
  ulmfit train tickets.jsonl --text subject --text body --label team --recipe recipe.toml \\
      --run runs/tickets --language-model runs/tickets-lm/model.safetensors
  ulmfit train posts.csv --label tags --label-separator \";\" --recipe recipe.toml \\
      --run runs/tags --language-model runs/posts/model.safetensors";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Fine-tuned language model to build on
    #[arg(long, value_name = "MODEL")]
    language_model: PathBuf,
}

pub(crate) fn run(args: &TrainArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let mut stage = args.stage.clone();
    stage.corpus.layout.labels = args.target.label_kind();
    let device = stage.device.device.open()?;
    let language_model = ModelFile::open_language_model(&args.language_model, &device)?;
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stages::prepare(&stage, None, Some(&language_model.tokenizer), global)?;
    let data = ClassifierData {
        corpus: &corpus,
        target: args.target.target(corpus.labels().iter()),
        held_out: None,
    };
    ulmfit_train::train_classifier(data, language_model, &recipe, &options, &mut *observer)?;
    drop(observer);
    stages::report(&stage)
}
