use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use ulmfit_data::{EncodeOptions, EncodeOutcome, TokenizedCorpus, TokenizerConfig, VocabConfig};
use ulmfit_train::Recipe;

use crate::args::{CorpusArgs, GlobalArgs, LayoutArgs, TokenizerArgs};
use crate::failure::UsageError;
use crate::{documents, output};

const EXAMPLE: &str = "\
Examples:
  ulmfit encode wiki/*.jsonl.gz -o wiki.corpus
  ulmfit pretrain wiki.corpus --recipe recipe.toml --run runs/general
  ulmfit encode aclImdb_v1.tar.gz --split train,unsup --recipe recipe.toml -o reviews.corpus

Memory does not grow with the text. A run that was stopped goes on when the command is repeated; a
corpus that was made from the same files in the same way is left alone.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EncodeArgs {
    /// Files, folders or archives, packed or not
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// Folder of the encoded corpus
    #[arg(short, long, value_name = "CORPUS")]
    output: PathBuf,
    /// Recipe that says how to tokenize [default: as the bundled recipes]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    /// Splits to read of each DATA, in order: train, test, unsup (aclimdb)
    #[arg(long, value_name = "SPLIT", value_delimiter = ',')]
    split: Vec<String>,
    /// Most distinct tokens to keep; the rarest become unknown [default: 1800000]
    #[arg(long, value_name = "N")]
    max_tokens: Option<NonZeroUsize>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Encoded {
    corpus: String,
    documents: usize,
    tokens: usize,
    distinct_tokens: usize,
    /// Tokens that there were too many different ones of.
    unknown: u64,
    /// Whether the corpus was there already.
    up_to_date: bool,
}

pub(crate) fn run(args: &EncodeArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let (mut config, mut max_size) = match &args.recipe {
        Some(recipe) => {
            let recipe = Recipe::open(recipe)?;
            (recipe.text, recipe.vocab.max_size)
        }
        None => (TokenizerConfig::default(), VocabConfig::default().max_size),
    };
    let wanted = args.tokenizer.wanted(&mut config, &mut max_size)?;
    let mut options = EncodeOptions::default();
    if args.tokenizer.vocab_size.is_some() && wanted.config.splitter.subword_kind().is_none() {
        let reason = "words are chosen when a model is trained on the corpus; leave out --vocab-size, or bound \
                      the tokens of the corpus with --max-tokens";
        return Err(UsageError(reason.into()).into());
    }
    if let Some(max_tokens) = args.max_tokens.map(NonZeroUsize::get) {
        options.max_tokens = max_tokens;
        options.max_counted = options.max_counted.max(max_tokens);
    }
    let corpus = CorpusArgs {
        data: args.data.clone(),
        layout: args.layout.clone(),
        split: args.split.clone(),
        limit: 0,
    };
    let tokenizer = documents::tokenizer(&corpus, wanted, global)?;
    let outcome = documents::encode(&corpus, &tokenizer, &args.output, &options, global)?;
    let corpus = TokenizedCorpus::open(&args.output)?;
    let encoded = Encoded {
        corpus: args.output.display().to_string(),
        documents: corpus.len(),
        tokens: corpus.n_tokens(),
        distinct_tokens: corpus.tokens().len(),
        unknown: corpus.n_unknown(),
        up_to_date: outcome == EncodeOutcome::UpToDate,
    };
    if args.json {
        return output::json(&encoded);
    }
    let there = if encoded.up_to_date {
        " (was there already)"
    } else {
        ""
    };
    output::text(&format!(
        "corpus     {}{there}\ndocuments  {}\ntokens     {}, {} different",
        encoded.corpus, encoded.documents, encoded.tokens, encoded.distinct_tokens
    ))
}
