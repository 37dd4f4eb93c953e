use clap::{Args, ValueHint};

use super::stage::{self, Prepared};
use crate::args::{GlobalArgs, StageArgs, TokenizerArgs};
use crate::documents;
use crate::pretrained::Pretrained;

const EXAMPLE: &str = "\
Examples:
  ulmfit finetune train.csv unlabeled.csv --recipe recipe.toml --run runs/reviews \\
      --pretrained runs/general/model.safetensors
  ulmfit finetune aclImdb --split train,unsup --recipe recipe.toml --run runs/reviews
  ulmfit finetune tickets-de.csv --recipe recipe.toml --run runs/tickets --pretrained none \\
      --tokenizer unicode-words --rules keep-case";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct FinetuneArgs {
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// Language model to start from: a file, a name that `ulmfit models` lists, or `none` for a
    /// start from scratch
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath, default_value = ulmfit_pretrained::ENGLISH)]
    pretrained: Pretrained,
}

pub(crate) fn run(args: &FinetuneArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let device = args.stage.device.device.open()?;
    let pretrained = args
        .pretrained
        .open("--pretrained", args.stage.direction, &device)?;
    let earlier = pretrained.as_ref().map(|trained| &trained.tokenizer);
    let texts = documents::texts_alone(&args.stage);
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stage::prepare(&texts, Some(&args.tokenizer), earlier, global)?;
    ulmfit_train::finetune(&corpus, pretrained, &recipe, &options, &mut *observer)?;
    drop(observer);
    stage::report(&args.stage)
}
