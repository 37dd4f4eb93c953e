use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use serde::Serialize;
use ulmfit_train::bench::{
    self, ClassifierBench, EncoderSizes, PredictorBench, Timing, TrainingBench,
};
use ulmfit_train::{Precision, Softmax};

use crate::args::DeviceArgs;
use crate::{memory, output};

const EXAMPLE: &str = "\
Examples:
  ulmfit bench train-lm
  ulmfit bench train-lm --vocab 10000 --emb 200 --hid 512 --bs 16 --threads 1
  ulmfit bench classify --bs 1 --docs 8 --int8
  ulmfit bench predict --texts aclImdb/train/unsup
  ulmfit bench tokenize --texts aclImdb/train/unsup

Models have random weights and read random tokens, or the texts that are named; an option that the work has no use for is ignored.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct BenchArgs {
    /// What to time
    #[arg(value_enum, value_name = "WORK")]
    what: Work,
    /// Words in the vocabulary
    #[arg(long, value_name = "N", default_value_t = 30_000, value_parser = count())]
    vocab: usize,
    /// Features of the embedding and of the last layer
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = count())]
    emb: usize,
    /// Features of the layers before the last
    #[arg(long, value_name = "N", default_value_t = 1152, value_parser = count())]
    hid: usize,
    /// LSTM layers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count())]
    layers: usize,
    /// Rows or documents in a batch
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = count())]
    bs: usize,
    /// Tokens of a row that are read at once
    #[arg(long, value_name = "N", default_value_t = 70, value_parser = count())]
    bptt: usize,
    /// Words that a sampled softmax draws in training, beside the targets [default: the full softmax]
    #[arg(long, value_name = "N", value_parser = count())]
    sampled: Option<usize>,
    /// How often the work is timed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count())]
    steps: usize,
    /// Documents to read each time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = count())]
    docs: usize,
    /// Tokens in each document to classify
    #[arg(long, value_name = "N", default_value_t = 280, value_parser = count())]
    doc_len: usize,
    /// Classes
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = count())]
    classes: usize,
    /// Classify with weights in eight bits
    #[arg(long)]
    int8: bool,
    /// Folder of .txt files to classify or to tokenize, the first of them by name
    #[arg(long, value_name = "DIR", required_if_eq_any([("what", "predict"), ("what", "tokenize")]))]
    texts: Option<PathBuf>,
    /// Side of the square matrices whose product the speed is compared with
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = side())]
    peak: usize,
    #[command(flatten)]
    device: DeviceArgs,
    /// Print the result as a line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Work {
    /// Training steps of a language model, the update included
    TrainLm,
    /// Classification of documents, without tokenization
    Classify,
    /// Classification of texts, tokenization included
    Predict,
    /// Text rules and word tokenizer, on all threads
    Tokenize,
}

/// A count that is neither zero nor a slip of the hand.
fn count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=10_000_000)
}

/// The side of matrices that a machine is likely to hold: a gigabyte each.
fn side() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=16_384)
}

/// The result, with the keys that the peers' scripts have too.
#[derive(Serialize)]
struct Report {
    tool: &'static str,
    what: &'static str,
    tokens_per_second: f64,
    median_s: f64,
    min_s: f64,
    max_s: f64,
    threads: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<usize>,
    /// Of the dense products, in 10⁹ operations a second; `null` without any.
    gflops: Option<f64>,
    /// Of the best large product, in the same unit.
    peak_gflops: Option<f64>,
    /// The most memory that the process had resident; `null` where the system does not tell.
    peak_rss_bytes: Option<u64>,
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let device = args.device.device.open()?;
    let (timing, documents) = match args.what {
        Work::TrainLm => (
            bench::train_language_model(&args.training(), &device)?,
            None,
        ),
        Work::Classify => {
            let bench = args.classifier();
            let documents = bench.n_batches * bench.batch_size;
            (bench::classify(&bench, &device)?, Some(documents))
        }
        Work::Predict => {
            let texts = args.read_texts()?;
            let timing = bench::predict(&args.predictor(), &texts, &device)?;
            (timing, Some(texts.len()))
        }
        Work::Tokenize => {
            let texts = args.read_texts()?;
            (bench::tokenize(&texts, args.steps), Some(texts.len()))
        }
    };
    // Before the peak product, which would count as well.
    let peak_rss_bytes = memory::peak_resident_bytes();
    let peak_gflops = timing
        .flops
        .is_some()
        .then(|| bench::peak_flops(args.peak, &device) / 1e9);
    let report = Report {
        peak_gflops,
        peak_rss_bytes,
        ..Report::new(args.what, &timing, documents)
    };
    if args.json {
        output::json_line(&report)
    } else {
        output::text(&report.table())
    }
}

impl BenchArgs {
    fn training(&self) -> TrainingBench {
        TrainingBench {
            encoder: self.encoder(),
            batch_size: self.bs,
            seq_len: self.bptt,
            softmax: self.sampled.map_or(Softmax::Full, Softmax::Sampled),
            steps: self.steps,
        }
    }

    fn classifier(&self) -> ClassifierBench {
        ClassifierBench {
            encoder: self.encoder(),
            n_classes: self.classes,
            bptt: self.bptt,
            batch_size: self.bs,
            n_batches: (self.docs / self.bs).max(1),
            document_len: self.doc_len,
            steps: self.steps,
            precision: self.precision(),
        }
    }

    fn predictor(&self) -> PredictorBench {
        PredictorBench {
            encoder: self.encoder(),
            n_classes: self.classes,
            bptt: self.bptt,
            steps: self.steps,
            precision: self.precision(),
        }
    }

    const fn precision(&self) -> Precision {
        if self.int8 {
            Precision::Int8
        } else {
            Precision::Float32
        }
    }

    fn read_texts(&self) -> anyhow::Result<Vec<String>> {
        let folder = self.texts.as_deref().context("there is no --texts")?;
        read_texts(folder, self.docs)
    }

    fn encoder(&self) -> EncoderSizes {
        EncoderSizes {
            vocab_size: self.vocab,
            d_embedding: self.emb,
            d_hidden: self.hid,
            n_layers: self.layers,
        }
    }
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::TrainLm => "train-lm",
            Self::Classify => "classify",
            Self::Predict => "predict",
            Self::Tokenize => "tokenize",
        }
    }
}

impl Report {
    fn new(what: Work, timing: &Timing, documents: Option<usize>) -> Self {
        let mut seconds = timing.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        let median_s = f64::midpoint(seconds[(seconds.len() - 1) / 2], seconds[seconds.len() / 2]);
        Self {
            tool: "ulmfit",
            what: what.name(),
            tokens_per_second: timing.tokens as f64 / median_s,
            median_s,
            min_s: seconds[0],
            max_s: seconds[seconds.len() - 1],
            threads: rayon::current_num_threads(),
            params: timing.parameters.filter(|_| documents.is_none()),
            documents,
            gflops: timing.flops.map(|flops| flops / median_s / 1e9),
            peak_gflops: None,
            peak_rss_bytes: None,
        }
    }

    fn table(&self) -> String {
        let mut rows = vec![
            row("tokens a second", self.tokens_per_second, 0),
            row("median, s", self.median_s, 4),
            row("fastest, s", self.min_s, 4),
            row("slowest, s", self.max_s, 4),
            row("threads", self.threads as f64, 0),
        ];
        let megabytes = self.peak_rss_bytes.map(|bytes| bytes as f64 / 1e6);
        let more = [
            ("weights", self.params.map(|count| count as f64), 0),
            ("documents", self.documents.map(|count| count as f64), 0),
            ("dense products, GFLOP/s", self.gflops, 1),
            ("large product, GFLOP/s", self.peak_gflops, 1),
            ("peak memory, MB", megabytes, 1),
        ];
        for (name, value, digits) in more {
            rows.extend(value.map(|value| row(name, value, digits)));
        }
        output::table(&rows)
    }
}

fn row(name: &str, value: f64, digits: usize) -> Vec<String> {
    vec![name.to_owned(), format!("{value:.digits$}")]
}

/// The first files of a folder by name.
fn read_texts(folder: &Path, limit: usize) -> anyhow::Result<Vec<String>> {
    let cannot_read = || format!("cannot read {}", folder.display());
    ensure!(
        folder.is_dir(),
        "{} is not a folder of .txt files",
        folder.display()
    );
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| {
            let paths = entries.map(|entry| Ok(entry?.path()));
            paths.collect::<std::io::Result<Vec<_>>>()
        })
        .with_context(cannot_read)?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    ensure!(!paths.is_empty(), "{} has no .txt files", folder.display());
    paths.sort();
    let texts = paths.iter().take(limit).map(|path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    });
    texts.collect()
}
