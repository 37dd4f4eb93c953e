use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use ulmfit_data::{CorpusReader, DataError, Document};
use ulmfit_train::Predictor;

use crate::args::{DeviceArgs, GlobalArgs};
use crate::output;
use crate::progress::Count;
use crate::records::{self, RecordFormat};

/// Documents that are held at a time: what bounds the memory, and how long an answer may wait.
const BATCH_DOCUMENTS: usize = 64;

const EXAMPLE: &str = "\
Examples:
  ulmfit predict model.safetensors new.csv > predictions.jsonl
  ulmfit predict model.safetensors tickets.jsonl --text subject --text body
  echo '{\"id\": 7, \"text\": \"a fine film\"}' | ulmfit predict model.safetensors

Answers are JSON lines in the order of the input:
  {\"id\":7,\"label\":\"pos\",\"probabilities\":{\"neg\":0.1,\"pos\":0.9}}";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct PredictArgs {
    /// Classifier or ensemble
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Documents to classify; standard input when it is - or left out
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Column of the text; more than once for several [default: `text` or the like]
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// How documents are stored [default: told from the name, or from the first byte]
    #[arg(long, value_name = "FORMAT")]
    format: Option<RecordFormat>,
    #[command(flatten)]
    device: DeviceArgs,
}

/// A line of the output.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    label: &'a str,
    probabilities: BTreeMap<&'a str, f32>,
}

pub(crate) fn run(args: &PredictArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let predictor = Predictor::open(&args.model, &args.device.device.open()?)?;
    let mut records = records::open(&args.input, args.format, &args.text)?;
    let mut out = output::stdout();
    // On a terminal the answers themselves show how far it is.
    let shown = std::io::stdout().is_terminal();
    let count = Count::new("documents classified", global.quiet || shown);
    let mut done = 0;
    loop {
        // Answers to the rows before a bad one are given; then comes the error.
        let (documents, failure) = next_batch(&mut records);
        if !documents.is_empty() {
            write_answers(&mut out, &predictor, &documents)?;
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

fn write_answers(
    out: &mut impl Write,
    predictor: &Predictor,
    documents: &[Document],
) -> anyhow::Result<()> {
    let labels = predictor.labels();
    for (document, prediction) in documents.iter().zip(predictor.predict_documents(documents)) {
        let names = labels.iter().map(String::as_str);
        let answer = Answer {
            id: document.id.as_ref(),
            label: &labels[prediction.class],
            probabilities: names.zip(prediction.probabilities).collect(),
        };
        serde_json::to_writer(&mut *out, &answer).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
