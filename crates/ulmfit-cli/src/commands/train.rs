use clap::{Args, ValueHint};

use super::stage::{self, Prepared};
use crate::args::{GlobalArgs, StageArgs};
use crate::pretrained::Pretrained;

const EXAMPLE: &str = "\
Examples:
  ulmfit train train.csv --recipe recipe.toml --run runs/classifier \\
      --language-model runs/reviews/model.safetensors
  ulmfit train tickets.jsonl --text subject --text body --label team --recipe recipe.toml \\
      --run runs/tickets --language-model runs/tickets-lm/model.safetensors
  ulmfit train train.csv --recipe recipe.toml --run runs/from-scratch --language-model none";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Language model to build on: a fine-tuned one, a name that `ulmfit models` lists, or `none` for
    /// random weights and a vocabulary of DATA's own, as the recipe's [model] and [vocab] say
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    language_model: Pretrained,
}

pub(crate) fn run(args: &TrainArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let device = args.stage.device.device.open()?;
    let named = &args.language_model;
    let language_model = named.open("--language-model", args.stage.direction, &device)?;
    let earlier = language_model.as_ref().map(|trained| &trained.tokenizer);
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stage::prepare(&args.stage, None, earlier, global)?;
    ulmfit_train::train_classifier(&corpus, language_model, &recipe, &options, &mut *observer)?;
    drop(observer);
    stage::report(&args.stage)
}
