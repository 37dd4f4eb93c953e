use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use ulmfit_data::{Document, Tokenizer};
use ulmfit_train::{ClassificationReport, TfidfLogistic, known_labels, number_labels};

use super::evaluate::{Timed, classification};
use crate::args::{CorpusArgs, GlobalArgs};
use crate::progress::Count;
use crate::{documents, output};

const EXAMPLE: &str = "\
Examples:
  ulmfit baseline train.csv --test test.csv
  ulmfit baseline aclImdb --split train --test aclImdb --test-split test --limit 2000 --json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// Labeled documents to measure on
    #[arg(long, required = true, num_args = 1.., value_name = "DATA")]
    test: Vec<PathBuf>,
    /// Splits to read of each --test
    #[arg(long, value_name = "SPLIT", value_delimiter = ',')]
    test_split: Vec<String>,
    /// Measure on a sample of this many documents; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    test_limit: usize,
    /// Seed of the samples that the limits draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Seed of the sample that --test-limit draws, to measure several draws of documents on the same
    /// ones [default: that of --seed]
    #[arg(long, value_name = "N")]
    test_seed: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &BaselineArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let train = documents::read(&args.corpus, args.seed, global)?;
    let (labels, classes) = number_labels(train.iter().map(|document| document.label.as_deref()))?;
    let test = CorpusArgs {
        data: args.test.clone(),
        layout: args.corpus.layout.clone(),
        split: args.test_split.clone(),
        limit: args.test_limit,
    };
    let test = documents::read(&test, args.test_seed.unwrap_or(args.seed), global)?;
    documents::check_labeled(&test)?;
    let truth = known_labels(&test, &labels)?;

    let count = Count::new(
        "documents to fit TF-IDF and logistic regression to",
        global.quiet,
    );
    count.set(train.len());
    let started = Instant::now();
    let tokens = |documents: &[Document]| Tokenizer::default().tokenize_documents(documents);
    let model = TfidfLogistic::fit(&tokens(&train), &classes, labels.len());
    let predicted = model.predict(&tokens(&test));
    let seconds = started.elapsed().as_secs_f64();
    count.clear();

    let timed = Timed {
        report: ClassificationReport::new(&labels, &truth, &predicted),
        seconds,
    };
    if args.json {
        output::json(&timed)
    } else {
        output::text(&classification(timed))
    }
}
