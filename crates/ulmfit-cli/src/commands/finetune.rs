use std::path::{Path, PathBuf};

use clap::Args;
use ulmfit_train::ModelFile;

use super::stage::{self, Prepared};
use crate::args::{GlobalArgs, StageArgs, TokenizerArgs};

const EXAMPLE: &str = "\
Examples:
  ulmfit finetune train.csv unlabeled.csv --recipe recipe.toml --run runs/reviews \\
      --pretrained runs/general/model.safetensors
  ulmfit finetune aclImdb --split train,unsup --recipe recipe.toml --run runs/reviews";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct FinetuneArgs {
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// Language model to start from, or `none` to start from scratch
    #[arg(long, value_name = "MODEL", default_value = "none")]
    pretrained: PathBuf,
}

pub(crate) fn run(args: &FinetuneArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let device = args.stage.device.device.open()?;
    let pretrained = match args.pretrained.as_path() {
        none if none == Path::new("none") => None,
        path => Some(ModelFile::open_language_model(path, &device)?),
    };
    let earlier = pretrained.as_ref().map(|trained| &trained.tokenizer);
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stage::prepare(&args.stage, Some(&args.tokenizer), earlier, global)?;
    ulmfit_train::finetune(&corpus, pretrained, &recipe, &options, &mut *observer)?;
    drop(observer);
    stage::report(&args.stage)
}
