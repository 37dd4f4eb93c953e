use clap::{Args, ValueHint};
use ulmfit_train::ClassifierData;

use super::stage::{self as stages, Prepared};
use crate::args::{GlobalArgs, StageArgs, TargetArgs};
use crate::pretrained::Pretrained;

const EXAMPLE: &str = "\
Examples:
  ulmfit train train.csv --recipe recipe.toml --run runs/classifier \\
      --language-model runs/reviews/model.safetensors
  ulmfit train tickets.jsonl --text subject --text body --label team --recipe recipe.toml \\
      --run runs/tickets --language-model runs/tickets-lm/model.safetensors
  ulmfit train posts.csv --label tags --label-separator \";\" --recipe recipe.toml \\
      --run runs/tags --language-model runs/posts/model.safetensors
  ulmfit train train.csv --recipe recipe.toml --run runs/from-scratch --language-model none";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Language model to build on: a fine-tuned one, a name that `ulmfit models` lists, or `none` for
    /// random weights and a vocabulary of DATA's own, as the recipe says
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    language_model: Pretrained,
}

pub(crate) fn run(args: &TrainArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let mut stage = args.stage.clone();
    stage.corpus.layout.labels = args.target.label_kind();
    let device = stage.device.device.open()?;
    let named = &args.language_model;
    let language_model = named.open("--language-model", stage.direction, &device)?;
    let earlier = language_model.as_ref().map(|trained| &trained.tokenizer);
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stages::prepare(&stage, None, earlier, global)?;
    let data = ClassifierData {
        corpus: &corpus,
        target: args.target.target(corpus.labels().iter()),
        held_out: None,
    };
    ulmfit_train::train_classifier(data, language_model, &recipe, &options, &mut *observer)?;
    drop(observer);
    stages::report(&stage)
}
