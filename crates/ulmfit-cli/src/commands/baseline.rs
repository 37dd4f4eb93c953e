use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use ulmfit_data::{Document, Tokenizer};
use ulmfit_train::{Truth, tfidf_answers};

use super::evaluate::{self, Report, Timed};
use crate::args::{CorpusArgs, GlobalArgs, TargetArgs};
use crate::failure::paths;
use crate::progress::Count;
use crate::{documents, output};

const EXAMPLE: &str = "\
Examples:
  ulmfit baseline train.csv --test test.csv
  ulmfit baseline posts.csv --test more.csv --label tags --label-separator \";\"
  ulmfit baseline aclImdb --split train --test aclImdb --test-split test --limit 2000 --json";

/// Most documents times classes, for each of which there is a score: 2 GB of them.
const MOST_ANSWERS: usize = 1 << 28;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Labeled documents to measure on
    #[arg(long, required = true, num_args = 1.., value_name = "DATA")]
    test: Vec<PathBuf>,
    /// Splits to read of each --test [default: test (aclimdb)]
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
    let mut corpus = args.corpus.clone();
    corpus.layout.labels = args.target.label_kind();
    let train = documents::read(&corpus, args.seed, global)?;
    let labels = || train.iter().map(|document| document.label.as_deref());
    let target = args.target.target(labels());
    let trained_on = || paths(&args.corpus.data);
    let (labels, truth) = Truth::new(&target, labels()).with_context(trained_on)?;
    let test = CorpusArgs {
        data: args.test.clone(),
        layout: corpus.layout,
        split: args.test_split.clone(),
        limit: args.test_limit,
    };
    let test = documents::read_to_measure(&test, args.test_seed.unwrap_or(args.seed), global)?;
    let n_labels = labels.len();
    if matches!(truth, Truth::Classes(_)) {
        let documents = train.len().max(test.len());
        ensure!(
            n_labels.saturating_mul(documents) <= MOST_ANSWERS,
            "{}: {n_labels} different labels of {documents} documents are too many for classes; name the \
             column of the classes with --label, or measure fewer documents with --limit and --test-limit",
            trained_on()
        );
    }
    let (labels, test_truth) =
        evaluate::truth(&target, &test, &labels).with_context(|| paths(&args.test))?;

    let count = Count::new(
        "documents to fit TF-IDF and a linear model to",
        global.quiet,
    );
    count.set(train.len());
    let started = Instant::now();
    let tokens = |documents: &[Document]| Tokenizer::default().tokenize_documents(documents);
    let answers = tfidf_answers(&tokens(&train), &truth, n_labels, &tokens(&test));
    let seconds = started.elapsed().as_secs_f64();
    count.clear();

    let report = Report::new(&labels, &test_truth, &answers);
    ensure!(
        report.is_finite(),
        "{}: the numbers are too large or too close together to be learned; write them in another unit",
        trained_on()
    );
    let timed = Timed { report, seconds };
    if args.json {
        output::json(&timed)
    } else {
        output::text(&evaluate::text(&timed))
    }
}
