use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use ulmfit_data::{CorpusFormat, CorpusOptions, CorpusReader, DataError, Document};
use ulmfit_train::{Prediction, Predictor, Target};

use crate::answers::{AnswerFormat, AnswerOptions, AnswerWriter};
use crate::args::{DeviceArgs, GlobalArgs, probability};
use crate::documents;
use crate::failure::UsageError;
use crate::output;
use crate::progress::Count;
use crate::records;

/// Documents that are held at a time: what bounds the memory, and how long an answer may wait.
const BATCH_DOCUMENTS: usize = 64;

const EXAMPLE: &str = "\
Examples:
  ulmfit predict model.safetensors new.csv > predictions.jsonl
  ulmfit predict model.safetensors tickets.jsonl --text subject --text body
  ulmfit predict model.safetensors folder-of-txt-files > predictions.jsonl
  ulmfit predict model.safetensors new.csv --top-k 3 --output-format csv > predictions.csv
  echo '{\"id\": 7, \"text\": \"a fine film\"}' | ulmfit predict model.safetensors

Answers are JSON lines in the order of the input, with its ids, or the names of files:
  {\"id\":7,\"label\":\"pos\",\"probabilities\":{\"neg\":0.1,\"pos\":0.9}}
of a model of several labels a document, those at least as probable as --threshold:
  {\"id\":7,\"labels\":[\"sport\"],\"probabilities\":{\"news\":0.2,\"sport\":0.9}}
and of a model of numbers:
  {\"id\":7,\"value\":3.7}";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct PredictArgs {
    /// Classifier or ensemble
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Documents to classify: a file, a folder or an archive; standard input when it is - or left out
    #[arg(value_name = "DATA", default_value = "-")]
    input: PathBuf,
    /// Column of the text; more than once for several [default: `text` or the like]
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// aclimdb, trec, class-csv, csv, tsv, jsonl, wiki-jsonl, wikitext, text, parquet or archive [default: told from the path, of standard input from its first byte]
    #[arg(long, value_name = "FORMAT")]
    format: Option<CorpusFormat>,
    /// Split to read: train, test or unsup (aclimdb)
    #[arg(long, value_name = "SPLIT")]
    split: Option<String>,
    /// Tell the K largest probabilities, the largest first [default: all, by the labels' names]
    #[arg(long, value_name = "K")]
    top_k: Option<NonZeroUsize>,
    /// The probability from which a label is an answer, of a model of several labels [default: 0.5]
    #[arg(long, value_name = "P", value_parser = probability)]
    threshold: Option<f32>,
    /// How answers are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = AnswerFormat::Jsonl)]
    output_format: AnswerFormat,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &PredictArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let predictor = Predictor::open(&args.model, &args.device.device.open()?)?;
    let mut records = records::open(&args.input, args.corpus()?)?;
    args.check(predictor.target())?;
    let options = AnswerOptions {
        format: args.output_format,
        top_k: args.top_k.map(NonZeroUsize::get),
        threshold: args.threshold.unwrap_or(Prediction::THRESHOLD),
    };
    let mut answers = AnswerWriter::new(&predictor, options)?;
    let mut out = output::stdout();
    // On a terminal the answers themselves show how far it is.
    let shown = std::io::stdout().is_terminal();
    let count = Count::new("documents classified", global.quiet || shown);
    let mut done = 0;
    loop {
        // Answers to the rows before a bad one are given; then comes the error.
        let (documents, failure) = next_batch(&mut records);
        if !documents.is_empty() {
            answers.write(&mut out, &documents)?;
        }
        done += documents.len();
        count.set(done);
        match failure {
            Some(error) => return Err(error.into()),
            None if documents.len() < BATCH_DOCUMENTS => return Ok(()),
            None => {}
        }
    }
}

impl PredictArgs {
    /// How the documents are to be read.
    fn corpus(&self) -> anyhow::Result<CorpusOptions> {
        if self.split.is_some() {
            if self.input == Path::new("-") {
                return Err(
                    UsageError("standard input has no splits; leave out --split".into()).into(),
                );
            }
            documents::ensure_splits(&self.input, self.format)?;
        }
        Ok(CorpusOptions {
            format: self.format,
            split: self.split.clone(),
            text_columns: self.text.clone(),
            ..CorpusOptions::default()
        })
    }

    /// Fails for what makes no sense for the model.
    fn check(&self, target: &Target) -> Result<(), UsageError> {
        let model = self.model.display();
        match target {
            Target::SingleLabel if self.threshold.is_some() => Err(UsageError(format!(
                "{model} answers with the most probable label alone, which needs no --threshold; \
                 leave it out"
            ))),
            Target::Regression if self.threshold.is_some() || self.top_k.is_some() => {
                Err(UsageError(format!(
                    "{model} answers with a number, which has no probabilities; leave out --threshold \
                     and --top-k"
                )))
            }
            _ => Ok(()),
        }
    }
}

fn next_batch(records: &mut CorpusReader) -> (Vec<Document>, Option<DataError>) {
    let mut batch = Vec::with_capacity(BATCH_DOCUMENTS);
    for record in records.take(BATCH_DOCUMENTS) {
        match record {
            Ok(record) => batch.push(record),
            Err(error) => return (batch, Some(error)),
        }
    }
    (batch, None)
}
