use clap::Args;

use super::stage::{self, Prepared};
use crate::args::{GlobalArgs, StageArgs, TokenizerArgs};
use crate::documents;

const EXAMPLE: &str = "\
Examples:
  ulmfit pretrain wiki/*.jsonl.gz --recipe recipe.toml --run runs/general
  ulmfit pretrain wiki.train.tokens --recipe recipe.toml --run runs/general --limit 5000 --device cuda
  ulmfit pretrain de.jsonl.gz --recipe recipe.toml --run runs/de --rules keep-case --tokenizer unigram
  ulmfit pretrain wiki/*.jsonl.gz --recipe recipe.toml --run runs/general --resume";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct PretrainArgs {
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
}

pub(crate) fn run(args: &PretrainArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let texts = documents::texts_alone(&args.stage);
    let Prepared {
        recipe,
        options,
        mut observer,
        corpus,
    } = stage::prepare(&texts, Some(&args.tokenizer), None, global)?;
    ulmfit_train::pretrain(&corpus, &recipe, &options, &mut *observer)?;
    drop(observer);
    stage::report(&args.stage)
}
