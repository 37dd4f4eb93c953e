use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use ulmfit_data::{DataError, Document, Rules, Tokenizer, TokenizerConfig};

use crate::output;
use crate::records::{self, RecordFormat};

/// Documents that are tokenized at a time, on all cores.
const BATCH_DOCUMENTS: usize = 1024;

const EXAMPLE: &str = "\
Examples:
  echo \"I LOVED it!!!\" | ulmfit tokenize
  ulmfit tokenize --jsonl reviews.jsonl > tokens.jsonl

A line end within a token is written as \\n, unless with --jsonl, which needs no such thing.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TokenizeArgs {
    /// Text, a document a line; standard input when it is - or left out
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Text rules and special tokens
    #[arg(long, value_enum, value_name = "RULES", default_value_t = RuleSet::Fastai)]
    rules: RuleSet,
    /// Read {"id", "text"} a line and write {"id", "tokens"} a line
    #[arg(long)]
    jsonl: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RuleSet {
    /// fastai v2's
    Fastai,
}

/// A line of the output with `--jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    tokens: Vec<String>,
}

pub(crate) fn run(args: &TokenizeArgs) -> anyhow::Result<()> {
    let rules = match args.rules {
        RuleSet::Fastai => Rules::FastaiV2,
    };
    let tokenizer = Tokenizer::new(TokenizerConfig {
        rules,
        ..TokenizerConfig::default()
    });
    let format = if args.jsonl {
        RecordFormat::Jsonl
    } else {
        RecordFormat::Text
    };
    let mut records = match records::open(&args.input, Some(format), &[]) {
        // No lines in, no lines out.
        Err(error) if matches!(error.downcast_ref(), Some(DataError::Empty { .. })) => {
            return Ok(());
        }
        records => records?,
    };
    let mut out = output::stdout();
    loop {
        let documents = records
            .by_ref()
            .take(BATCH_DOCUMENTS)
            .collect::<Result<Vec<Document>, _>>()?;
        if documents.is_empty() {
            return Ok(());
        }
        let tokens = tokenizer.tokenize_documents(&documents);
        for (document, tokens) in documents.iter().zip(tokens) {
            if args.jsonl {
                let id = document.id.as_ref();
                serde_json::to_writer(&mut out, &Line { id, tokens })
                    .map_err(std::io::Error::from)?;
                writeln!(out)?;
            } else {
                writeln!(out, "{}", tokens.join(" ").replace('\n', "\\n"))?;
            }
        }
        out.flush()?;
    }
}
