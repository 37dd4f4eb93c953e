//! The command line, and the arguments that commands share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::builder::{NonEmptyStringValueParser, RangedU64ValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ulmfit_data::{CorpusFormat, Direction, LabelKind, Rules, Splitter, Subwords, TokenizerConfig};
use ulmfit_train::Target;

use crate::commands::{
    baseline::BaselineArgs, bench::BenchArgs, completions::CompletionsArgs, devices::DevicesArgs,
    encode::EncodeArgs, ensemble::EnsembleArgs, evaluate::EvaluateArgs, export::ExportArgs,
    finetune::FinetuneArgs, fit::FitArgs, generate::GenerateArgs, import::ImportArgs,
    inspect::InspectArgs, lr_find::LrFindArgs, models::ModelsArgs, predict::PredictArgs,
    pretrain::PretrainArgs, quantize::QuantizeArgs, tokenize::TokenizeArgs, train::TrainArgs,
};
use crate::device::DeviceName;
use crate::failure::UsageError;

const EXAMPLE: &str = "\
From labeled rows to a measured classifier, and to answers:
  ulmfit fit train.csv --unlabeled more.csv -o model.safetensors
  ulmfit predict model.safetensors new.csv > predictions.jsonl

Stage by stage, from raw text:
  ulmfit pretrain wiki.jsonl.gz --recipe recipe.toml --run runs/general
  ulmfit finetune train.csv more.csv --recipe recipe.toml --run runs/reviews \\
      --pretrained runs/general/model.safetensors
  ulmfit train train.csv --recipe recipe.toml --run runs/classifier \\
      --language-model runs/reviews/model.safetensors
  ulmfit evaluate runs/classifier/model.safetensors test.csv";

/// Few-label text classification: a language model, fine-tuned on your text, with a classifier
/// on top
#[derive(Debug, Parser)]
#[command(name = "ulmfit", version, after_help = EXAMPLE)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a classifier from labeled documents in one go, and measure it
    Fit(FitArgs),
    /// Cut any amount of text in tokens once, into a corpus that is read from disk
    Encode(EncodeArgs),
    /// Train a language model on general text
    Pretrain(PretrainArgs),
    /// Fine-tune a language model on your own text, labeled or not
    Finetune(FinetuneArgs),
    /// Train a classifier on top of a language model
    Train(TrainArgs),
    /// Look for a stage's learning rate: its steps at rising rates, until the loss rises too
    LrFind(LrFindArgs),
    /// Join classifiers into one file whose probabilities are averaged
    Ensemble(EnsembleArgs),
    /// Store weights in fewer bits: a smaller file, and of eight bits faster predictions
    Quantize(QuantizeArgs),
    /// Make a model of a checkpoint that fastai saved, without executing anything in it
    Import(ImportArgs),
    /// Write a model into a folder for fastai and other programs
    Export(ExportArgs),
    /// Measure a classifier on labeled documents, or a language model on any
    Evaluate(EvaluateArgs),
    /// Classify documents
    Predict(PredictArgs),
    /// Go on with a text by a language model
    Generate(GenerateArgs),
    /// Cut text in tokens, as the models do
    Tokenize(TokenizeArgs),
    /// Tell what a data set or a model file is like
    Inspect(InspectArgs),
    /// Measure TF-IDF with logistic regression, the result to beat
    Baseline(BaselineArgs),
    /// Measure how fast this machine trains, classifies and tokenizes
    Bench(BenchArgs),
    /// List the language models on board
    Models(ModelsArgs),
    /// List the kinds of device, and which of them this binary has
    Devices(DevicesArgs),
    /// Print a script by which a shell completes commands
    Completions(CompletionsArgs),
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// CPU threads [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = threads())]
    threads: Option<usize>,
    /// Show no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say on standard error what is being done
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl GlobalArgs {
    /// Sends what the libraries log to standard error, if it was asked for.
    pub(crate) fn set_up_log(&self) {
        if self.verbose {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            tracing_subscriber::fmt()
                .with_env_filter("info,ulmfit_data=debug,ulmfit_train=debug,ulmfit_model=debug")
                .with_ansi(!no_color && std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .with_writer(std::io::stderr)
                .init();
        }
    }

    /// Starts the threads that share the work, this one being the first of them: what it hands out
    /// it begins at once, where a thread outside would wait for another to wake, at every operation.
    pub(crate) fn set_up_threads(&self) -> anyhow::Result<()> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.unwrap_or(0)) // 0: one for each core
            .use_current_thread()
            .build_global()
            .context("cannot start the threads")
    }
}

/// A number of threads that is neither zero nor a slip of the hand.
fn threads() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1024)
}

/// Which documents to read.
#[derive(Clone, Debug, Args)]
pub(crate) struct CorpusArgs {
    /// Files, folders or archives, packed or not; to train on, also an encoded corpus
    #[arg(required = true, value_name = "DATA")]
    pub(crate) data: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) layout: LayoutArgs,
    /// Splits to read of each DATA, in order: train, test, unsup (aclimdb)
    #[arg(long, value_name = "SPLIT", value_delimiter = ',')]
    pub(crate) split: Vec<String>,
    /// Take a sample of this many documents, of each class its share; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) limit: usize,
}

/// How documents are stored.
#[derive(Clone, Debug, Args)]
pub(crate) struct LayoutArgs {
    /// aclimdb, trec, class-csv, csv, tsv, jsonl, wiki-jsonl, wikitext, text, parquet or archive [default: told from the path]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<CorpusFormat>,
    /// Column of the text, for CSV, TSV, JSON lines and Parquet; more than once for several [default: `text` or the like]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) text: Vec<String>,
    /// Column of the label [default: `label` or the like]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Option<String>,
    /// What a label is, as [`TargetArgs`] or a model says.
    #[arg(skip)]
    pub(crate) labels: LabelKind,
    /// Whether labels are left unread, for a stage that learns from texts alone.
    #[arg(skip)]
    pub(crate) ignore_labels: bool,
}

impl LayoutArgs {
    /// Whether everything is to be found out.
    pub(crate) fn is_default(&self) -> bool {
        self.format.is_none() && self.text.is_empty() && self.label.is_none()
    }
}

/// Reads a probability.
pub(crate) fn probability(text: &str) -> Result<f32, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "a probability is from 0 to 1".to_owned())
}

/// What labels are, where they are not a class each.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArgs {
    /// Several labels a document, with this between them, such as ";" [default: one label; several where JSON lines have lists]
    #[arg(long, value_name = "SEP", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "regression")]
    label_separator: Option<String>,
    /// Labels are numbers, and numbers are to be predicted
    #[arg(long)]
    regression: bool,
}

impl TargetArgs {
    /// What documents with these labels are to be answered with.
    pub(crate) fn target<'a>(&self, labels: impl IntoIterator<Item = Option<&'a str>>) -> Target {
        match &self.label_separator {
            _ if self.regression => Target::Regression,
            None => Target::of_labels(labels),
            separator => Target::MultiLabel {
                separator: separator.clone(),
            },
        }
    }

    /// How labels are to be read.
    pub(crate) fn label_kind(&self) -> LabelKind {
        self.target([]).label_kind()
    }

    /// How the labels of documents are to be read that a model is measured on; none for a model without
    /// labels. The model knows by itself, but for another separator.
    pub(crate) fn of_model(
        &self,
        known: Option<&Target>,
        model: &Path,
    ) -> Result<Target, UsageError> {
        let model = model.display();
        let answers = match (known, self.label_kind()) {
            (known, LabelKind::Name) => return Ok(known.cloned().unwrap_or_default()),
            (Some(Target::MultiLabel { .. }), LabelKind::Joined(separator)) => {
                let separator = Some(separator);
                return Ok(Target::MultiLabel { separator });
            }
            (Some(Target::Regression), LabelKind::Number) => return Ok(Target::Regression),
            (None, _) => "is a language model, which has no labels",
            (Some(Target::SingleLabel), _) => "answers with one label a document",
            (Some(Target::MultiLabel { .. }), _) => "answers with several labels a document",
            (Some(Target::Regression), _) => "answers with a number a document",
        };
        let option = if self.regression {
            "--regression"
        } else {
            "--label-separator"
        };
        Err(UsageError(format!("{model} {answers}; leave out {option}")))
    }
}

/// How texts become tokens, where it is not as the recipe says.
#[derive(Debug, Default, Args)]
pub(crate) struct TokenizerArgs {
    /// Text rules and special tokens [default: the recipe's]
    #[arg(long, value_enum, value_name = "RULES")]
    rules: Option<RuleSet>,
    /// What a text is cut in [default: the recipe's]
    #[arg(
        long,
        value_enum,
        value_name = "TOKENIZER",
        conflicts_with = "tokenizer_file"
    )]
    tokenizer: Option<SplitterName>,
    /// Subwords made elsewhere: a tokenizer.json, or a SentencePiece .model
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer_file: Option<PathBuf>,
    /// Most tokens in the vocabulary, or pieces of subwords [default: the recipe's]
    #[arg(long, value_name = "N", conflicts_with = "tokenizer_file")]
    pub(crate) vocab_size: Option<usize>,
}

impl TokenizerArgs {
    /// Whether nothing was asked for.
    pub(crate) fn is_default(&self) -> bool {
        self.rules.is_none() && self.tokenizer.is_none() && self.tokenizer_file.is_none()
    }

    /// Writes what was asked for into a recipe's settings; returns the tokenizer that they call for.
    pub(crate) fn wanted(
        &self,
        config: &mut TokenizerConfig,
        max_size: &mut usize,
    ) -> anyhow::Result<WantedTokenizer> {
        let subwords = self.apply(config)?;
        if let Some(size) = self.vocab_size {
            *max_size = size;
        }
        Ok(WantedTokenizer {
            config: config.clone(),
            max_size: *max_size,
            subwords,
        })
    }

    /// Writes what was asked for into the settings; returns the pieces that were given.
    pub(crate) fn apply(&self, config: &mut TokenizerConfig) -> anyhow::Result<Option<Subwords>> {
        if let Some(rules) = self.rules {
            config.rules = rules.into();
        }
        if let Some(splitter) = self.tokenizer {
            config.splitter = splitter.into();
        }
        let Some(path) = &self.tokenizer_file else {
            return Ok(None);
        };
        let subwords = Subwords::open(path)?;
        config.splitter = subwords.kind().into();
        Ok(Some(subwords))
    }
}

/// A tokenizer that may have to be trained.
pub(crate) struct WantedTokenizer {
    pub(crate) config: TokenizerConfig,
    /// Most pieces to train, of subwords.
    pub(crate) max_size: usize,
    /// Pieces that are there already.
    pub(crate) subwords: Option<Subwords>,
}

/// The names of [`Rules`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RuleSet {
    /// fastai v2's
    #[value(name = "fastai-v2", alias = "fastai")]
    FastaiV2,
    /// fastai 1.0's, for checkpoints made with it
    #[value(name = "fastai-v1")]
    FastaiV1,
    /// fastai v2's without those for capitals, for other languages than English
    KeepCase,
}

impl From<RuleSet> for Rules {
    fn from(rules: RuleSet) -> Self {
        match rules {
            RuleSet::FastaiV2 => Self::FastaiV2,
            RuleSet::FastaiV1 => Self::FastaiV1,
            RuleSet::KeepCase => Self::KeepCase,
        }
    }
}

/// The names of [`Splitter`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SplitterName {
    /// English words and punctuation
    Word,
    /// Words by Unicode's boundaries
    UnicodeWords,
    /// Subwords by a Unigram model, trained on the documents
    Unigram,
    /// Subwords by byte-pair encoding, trained on the documents
    Bpe,
}

impl From<SplitterName> for Splitter {
    fn from(name: SplitterName) -> Self {
        match name {
            SplitterName::Word => Self::Word,
            SplitterName::UnicodeWords => Self::UnicodeWords,
            SplitterName::Unigram => Self::Unigram,
            SplitterName::Bpe => Self::Bpe,
        }
    }
}

/// Where to compute.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Device to compute on: cpu, cpu:portable, ndarray, wgpu, wgpu:1, wgpu:cpu, cuda or cuda:1
    #[arg(long, value_name = "DEVICE", default_value_t)]
    pub(crate) device: DeviceName,
}

/// How a stage is run.
#[derive(Clone, Debug, Args)]
pub(crate) struct StageArgs {
    #[command(flatten)]
    pub(crate) corpus: CorpusArgs,
    /// Recipe with every hyper-parameter, in TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: PathBuf,
    /// Folder of the run: its log, its checkpoints, and model.safetensors in the end
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Which way to read: forward or backward
    #[arg(long, value_name = "DIRECTION", default_value_t)]
    pub(crate) direction: Direction,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Go on with the run in the folder
    #[arg(long)]
    pub(crate) resume: bool,
    /// Time between checkpoints; 0 for one each step
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    checkpoint_every: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Show burn's terminal dashboard (needs the `tui` feature)
    #[arg(long)]
    pub(crate) tui: bool,
}

impl StageArgs {
    pub(crate) fn checkpoint_every(&self) -> Duration {
        Duration::from_secs(self.checkpoint_every)
    }
}
