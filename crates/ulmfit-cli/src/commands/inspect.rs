use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use ulmfit_data::{CorpusStats, TokenizedCorpus, Tokenizer, VocabConfig};
use ulmfit_train::{ModelFile, Precision, TrainedClassifier, TrainedLanguageModel};

use crate::args::{CorpusArgs, GlobalArgs, LayoutArgs};
use crate::device::DeviceName;
use crate::{documents, output};

const EXAMPLE: &str = "\
Examples:
  ulmfit inspect train.csv
  ulmfit inspect aclImdb --split train --json
  ulmfit inspect runs/classifier/model.safetensors";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct InspectArgs {
    /// Data set, or a model file (.safetensors)
    #[arg(value_name = "DATA|MODEL")]
    path: PathBuf,
    #[command(flatten)]
    layout: LayoutArgs,
    /// Splits to read, in order
    #[arg(long, value_name = "SPLIT", value_delimiter = ',')]
    split: Vec<String>,
    /// Look at a sample of this many documents; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Seed of the sample that --limit draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &InspectArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    if args
        .path
        .extension()
        .is_some_and(|end| end == "safetensors")
    {
        ensure!(
            args.split.is_empty(),
            "a model file has no splits; leave out --split"
        );
        model(&args.path, args.json)
    } else {
        data(args, global)
    }
}

fn data(args: &InspectArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let layout = &args.layout;
    let corpus = CorpusArgs {
        data: vec![args.path.clone()],
        layout: LayoutArgs {
            format: layout.format,
            text: layout.text.clone(),
            label: layout.label.clone(),
        },
        split: args.split.clone(),
        limit: args.limit,
    };
    let documents = documents::read(&corpus, args.seed, global)?;
    let mut tokenized = TokenizedCorpus::new();
    tokenized.extend(&Tokenizer::default(), &documents);
    let config = VocabConfig::default();
    let vocab = tokenized.vocab(&config);
    let stats = CorpusStats::new(&documents, &tokenized.encode(&vocab), &vocab);
    if args.json {
        return output::json(&Inspected {
            vocab_size: vocab.len(),
            stats,
        });
    }
    let lengths = &stats.lengths;
    let mut lines = vec![
        format!(
            "documents   {} ({} empty, {} duplicates)",
            stats.documents, stats.empty_documents, stats.duplicate_documents
        ),
        format!(
            "tokens      {} ({} outside a vocabulary of {} words seen {} times or more)",
            stats.tokens,
            output::percent(stats.unknown_rate),
            vocab.len(),
            config.min_freq
        ),
        format!(
            "lengths     mean {:.1}, least {}, half {}, 90 % {}, 99 % {}, most {}",
            lengths.mean, lengths.min, lengths.p50, lengths.p90, lengths.p99, lengths.max
        ),
    ];
    if stats.labels.is_empty() {
        lines.push("labels      none".to_owned());
    }
    for (label, count) in &stats.labels {
        let share = output::percent(*count as f64 / stats.documents.max(1) as f64);
        lines.push(format!("label       {label}: {count} ({share})"));
    }
    output::text(&lines.join("\n"))
}

#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    stats: CorpusStats,
    /// The words of the default vocabulary, which `unknown_rate` refers to.
    vocab_size: usize,
}

fn model(path: &Path, as_json: bool) -> anyhow::Result<()> {
    let members = match ModelFile::open(path, &DeviceName::default().open()?)? {
        ModelFile::LanguageModel(trained) => vec![language_model(&trained)],
        ModelFile::Classifier(members) => members.iter().map(classifier).collect(),
    };
    let value = json!({ "members": members });
    if as_json {
        return output::json(&value);
    }
    let mut lines = Vec::new();
    for (index, member) in members.iter().enumerate() {
        if members.len() > 1 {
            lines.push(format!("member {} of {}", index + 1, members.len()));
        }
        describe("", member, &mut lines);
    }
    output::text(&lines.join("\n"))
}

/// A line a value; a name within a name is joined to it by a dot.
fn describe(prefix: &str, value: &Value, lines: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(_) => describe(&format!("{name}."), value, lines),
            Value::String(text) => lines.push(format!("{name:<32} {text}")),
            _ => lines.push(format!("{name:<32} {value}")),
        }
    }
}

/// The tokenizer's settings, and how many pieces its subwords have.
fn tokenizer(tokenizer: &Tokenizer) -> Value {
    let mut settings = json!(tokenizer.config());
    if let Some(subwords) = tokenizer.subwords() {
        settings["pieces"] = subwords.n_pieces().into();
    }
    settings
}

fn language_model(trained: &TrainedLanguageModel) -> Value {
    json!({
        "kind": "language-model",
        "direction": trained.direction,
        "vocab_size": trained.vocab.len(),
        "d_embedding": trained.config.encoder.d_embedding,
        "d_hidden": trained.config.encoder.d_hidden,
        "n_layers": trained.config.encoder.n_layers,
        "tokenizer": tokenizer(&trained.tokenizer),
        "provenance": trained.provenance,
    })
}

fn classifier(trained: &TrainedClassifier) -> Value {
    json!({
        "kind": "classifier",
        "direction": trained.direction,
        "labels": trained.labels,
        "vocab_size": trained.vocab.len(),
        "d_embedding": trained.config.encoder.d_embedding,
        "d_hidden": trained.config.encoder.d_hidden,
        "n_layers": trained.config.encoder.n_layers,
        "weights": match trained.precision {
            Precision::Float32 => "float32",
            Precision::Int8 => "int8",
        },
        "tokenizer": tokenizer(&trained.tokenizer),
        "provenance": trained.provenance,
    })
}
