use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use ulmfit_data::{
    CorpusFormat, CorpusOptions, DataError, Document, Tokenizer, TokenizerConfig, Vocab,
};
use ulmfit_train::ModelFile;

use crate::args::TokenizerArgs;
use crate::device::DeviceName;
use crate::failure::UsageError;
use crate::output;
use crate::records;

/// Documents that are tokenized at a time, on all cores.
const BATCH_DOCUMENTS: usize = 1024;

const EXAMPLE: &str = "\
Examples:
  echo \"I LOVED it!!!\" | ulmfit tokenize
  ulmfit tokenize --model runs/classifier/model.safetensors --ids new.txt
  ulmfit tokenize --jsonl reviews.jsonl > tokens.jsonl

A line end within a token is written as \\n, unless with --jsonl, which needs no such thing. In a
terminal, special tokens and those that the model does not know are in color, unless NO_COLOR is set.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TokenizeArgs {
    /// Text, a document a line; standard input when it is - or left out
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Model whose tokenizer and vocabulary to use
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["rules", "tokenizer", "tokenizer_file"])]
    model: Option<PathBuf>,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// Write each token with its id; needs a vocabulary, which --model and --tokenizer-file have
    #[arg(long)]
    ids: bool,
    /// Read {"id", "text"} a line and write {"id", "tokens"} a line
    #[arg(long)]
    jsonl: bool,
}

/// A line of the output with `--jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    tokens: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<u32>>,
}

pub(crate) fn run(args: &TokenizeArgs) -> anyhow::Result<()> {
    if args.tokenizer.vocab_size.is_some() {
        let reason = "nothing is trained here that could have a --vocab-size; leave it out";
        return Err(UsageError(reason.into()).into());
    }
    let (tokenizer, vocab) = open(args)?;
    if args.ids && vocab.is_none() {
        let reason = "words have ids by a vocabulary; name a model with --model";
        return Err(UsageError(reason.into()).into());
    }
    let format = if args.jsonl {
        CorpusFormat::JsonLines
    } else {
        CorpusFormat::PlainText
    };
    let options = CorpusOptions {
        format: Some(format),
        ..CorpusOptions::default()
    };
    let mut records = match records::open(&args.input, options) {
        // No lines in, no lines out.
        Err(DataError::Empty { .. }) => return Ok(()),
        records => records?,
    };
    let style = Style {
        is_colored: std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        with_ids: args.ids,
        vocab: vocab.as_ref(),
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
                let known = vocab.as_ref().filter(|_| args.ids);
                let ids = known.map(|vocab| vocab.numericalize(&tokens));
                serde_json::to_writer(&mut out, &Line { id, tokens, ids })
                    .map_err(std::io::Error::from)?;
                writeln!(out)?;
            } else {
                let tokens: Vec<String> = tokens.iter().map(|token| style.show(token)).collect();
                writeln!(out, "{}", tokens.join(" "))?;
            }
        }
        out.flush()?;
    }
}

/// The tokenizer asked for, and the vocabulary that comes with it, if one does.
fn open(args: &TokenizeArgs) -> anyhow::Result<(Tokenizer, Option<Vocab>)> {
    let Some(path) = &args.model else {
        let mut config = TokenizerConfig::default();
        let subwords = args.tokenizer.apply(&mut config)?;
        let tokenizer = Tokenizer::from_parts(config, subwords)?;
        let vocab = tokenizer.vocab(1)?;
        return Ok((tokenizer, vocab));
    };
    let device = DeviceName::default().open()?;
    Ok(match ModelFile::open(path, &device)? {
        ModelFile::LanguageModel(trained) => (trained.tokenizer, Some(trained.vocab)),
        ModelFile::Classifier(mut members) => {
            // Members of an ensemble read alike or do not; the first speaks for them.
            let first = members.swap_remove(0);
            (first.tokenizer, Some(first.vocab))
        }
    })
}

/// How tokens are shown to people.
struct Style<'a> {
    is_colored: bool,
    with_ids: bool,
    vocab: Option<&'a Vocab>,
}

impl Style<'_> {
    const SPECIAL: &'static str = "\u{1b}[36m";
    const UNKNOWN: &'static str = "\u{1b}[31m";
    const ID: &'static str = "\u{1b}[2m";
    const PLAIN: &'static str = "\u{1b}[0m";

    fn show(&self, token: &str) -> String {
        let id = self
            .vocab
            .map(|vocab| (vocab.id(token), vocab.unknown_id()));
        let is_unknown = matches!(id, Some((None, _))) || token == ulmfit_data::special::UNK;
        let is_special = ulmfit_data::special::ALL.contains(&token);
        let mut shown = token.replace('\n', "\\n");
        if self.is_colored && (is_unknown || is_special) {
            let color = if is_unknown {
                Self::UNKNOWN
            } else {
                Self::SPECIAL
            };
            shown = format!("{color}{shown}{}", Self::PLAIN);
        }
        if let Some((id, unknown)) = id.filter(|_| self.with_ids) {
            let id = id.unwrap_or(unknown);
            let id = format!("/{id}");
            if self.is_colored {
                shown = shown + Self::ID + &id + Self::PLAIN;
            } else {
                shown.push_str(&id);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_plain_or_in_color() {
        let vocab = Vocab::from_strings(["xxunk", "xxbos", "a"].map(str::to_owned).to_vec());
        let vocab = vocab.expect("three tokens");
        let show = |is_colored, with_ids| {
            let vocab = Some(&vocab);
            let style = Style {
                is_colored,
                with_ids,
                vocab,
            };
            ["xxbos", "a", "b\n"]
                .map(|token| style.show(token))
                .join(" ")
        };
        assert_eq!(show(false, false), "xxbos a b\\n");
        assert_eq!(show(false, true), "xxbos/1 a/2 b\\n/0");
        assert_eq!(
            show(true, true),
            "\u{1b}[36mxxbos\u{1b}[0m\u{1b}[2m/1\u{1b}[0m a\u{1b}[2m/2\u{1b}[0m \
             \u{1b}[31mb\\n\u{1b}[0m\u{1b}[2m/0\u{1b}[0m"
        );
    }
}
