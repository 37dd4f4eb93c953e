use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use ulmfit_data::{CorpusStats, Fingerprints, LengthBucket, Tokenizer, Vocab, VocabConfig};
use ulmfit_train::{ModelFile, Precision, Target, TrainedClassifier, TrainedLanguageModel};

use crate::args::{CorpusArgs, GlobalArgs, LayoutArgs};
use crate::device::DeviceName;
use crate::failure::UsageError;
use crate::{documents, output};

const EXAMPLE: &str = "\
Examples:
  ulmfit inspect train.csv test.csv
  ulmfit inspect aclImdb --split train,test --json
  ulmfit inspect wiki.corpus
  ulmfit inspect runs/classifier/model.safetensors";

/// Columns of the longest bar, where there is room.
const PLOT_WIDTH: usize = 40;
/// Columns that the numbers to the left and the right of a bar take.
const BESIDE_BAR: usize = 32;
/// Labels that are listed, at most.
const MOST_LABELS: usize = 50;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct InspectArgs {
    /// Data sets, encoded or not, each described by itself; or a model file (.safetensors)
    #[arg(required = true, value_name = "DATA|MODEL")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    layout: LayoutArgs,
    /// Splits to read, each described by itself
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
    let is_model = |path: &&PathBuf| path.extension().is_some_and(|end| end == "safetensors");
    if let Some(path) = args.paths.iter().find(is_model) {
        args.check_for_model(path)?;
        model(path, args.json)
    } else {
        data(args, global)
    }
}

impl InspectArgs {
    /// Fails for what makes no sense for a model file.
    fn check_for_model(&self, path: &Path) -> Result<(), UsageError> {
        if self.paths.len() > 1 {
            let path = path.display();
            return Err(UsageError(format!(
                "{path} is a model file, which is inspected by itself; name it alone"
            )));
        }
        if !self.split.is_empty() {
            return Err(UsageError(
                "a model file has no splits; leave out --split".into(),
            ));
        }
        if self.limit > 0 || !self.layout.is_default() {
            return Err(UsageError(
                "a model file has no documents; leave out --limit, --format, --text and --label"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// A split: what is counted, and what it shares with the splits before it.
#[derive(Serialize)]
struct Part {
    name: String,
    #[serde(flatten)]
    stats: CorpusStats,
    /// The words of the default vocabulary of the first part, which `unknown_rate` refers to.
    vocab_size: usize,
    /// Documents that another part has too, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    documents_also_in: BTreeMap<String, usize>,
}

/// What `--json` prints: of a single part just that.
#[derive(Serialize)]
#[serde(untagged)]
enum Inspected {
    One(Box<Part>),
    Several { parts: Vec<Part> },
}

fn data(args: &InspectArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let config = VocabConfig::default();
    let mut vocab: Option<Vocab> = None;
    let mut parts: Vec<Part> = Vec::new();
    let mut fingerprints: Vec<Fingerprints> = Vec::new();
    for (name, corpus) in requests(args) {
        // On disk, so that memory does not grow with the texts.
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let place = folder.path().join("corpus");
        let corpus = documents::tokenized(
            &corpus,
            || Ok(Tokenizer::default()),
            &place,
            args.seed,
            global,
        )?;
        if vocab.is_none() {
            let everything: Vec<usize> = (0..corpus.len()).collect();
            vocab = Some(corpus.vocab(&everything, &config)?);
        }
        let vocab = vocab.as_ref().context("a vocabulary was just chosen")?;
        let prints = Fingerprints::of(&corpus)?;
        let others = parts.iter().zip(&fingerprints);
        let documents_also_in =
            others.map(|(other, those)| (other.name.clone(), prints.among(those)));
        parts.push(Part {
            name,
            stats: CorpusStats::new(&corpus, vocab)?,
            vocab_size: vocab.len(),
            documents_also_in: documents_also_in.collect(),
        });
        fingerprints.push(prints);
    }
    let lines: Vec<String> = parts
        .iter()
        .map(|part| describe_part(part, &parts[0], config.min_freq))
        .collect();
    if !args.json {
        return output::text(&lines.join("\n\n"));
    }
    output::json(&match <[Part; 1]>::try_from(parts) {
        Ok([part]) => Inspected::One(Box::new(part)),
        Err(parts) => Inspected::Several { parts },
    })
}

/// Each split of each path by itself, with its name.
fn requests(args: &InspectArgs) -> Vec<(String, CorpusArgs)> {
    let mut requests = Vec::new();
    for path in &args.paths {
        let request = |split: Option<&String>| {
            let shown = path.display();
            let name = split.map_or_else(|| shown.to_string(), |split| format!("{shown}, {split}"));
            let corpus = CorpusArgs {
                data: vec![path.clone()],
                layout: args.layout.clone(),
                split: split.cloned().into_iter().collect(),
                limit: args.limit,
            };
            (name, corpus)
        };
        if args.split.is_empty() {
            requests.push(request(None));
        }
        requests.extend(args.split.iter().map(|split| request(Some(split))));
    }
    requests
}

fn describe_part(part: &Part, first: &Part, min_freq: u64) -> String {
    let stats = &part.stats;
    let lengths = &stats.lengths;
    let share = |count: usize| output::percent(count as f64 / stats.documents.max(1) as f64);
    let mut lines = vec![
        format!("data        {}", part.name),
        format!(
            "documents   {} ({} empty, {} duplicates)",
            stats.documents, stats.empty_documents, stats.duplicate_documents
        ),
    ];
    for (other, count) in &part.documents_also_in {
        lines.push(format!(
            "shared      {count} ({}) are in {other} too",
            share(*count)
        ));
    }
    lines.push(format!(
        "tokens      {} ({} different)",
        stats.tokens, stats.distinct_tokens
    ));
    lines.push(format!(
        "unknown     {} outside the {} words that {} has {min_freq} times or more",
        output::percent(stats.unknown_rate),
        part.vocab_size,
        first.name
    ));
    let coverage = stats.coverage.iter();
    let coverage = coverage.map(|coverage| {
        format!(
            "{} {}",
            coverage.vocab_size,
            output::percent(coverage.share)
        )
    });
    lines.push(format!(
        "coverage    by the most frequent {}",
        coverage.collect::<Vec<_>>().join(", ")
    ));
    lines.push(format!(
        "lengths     mean {:.1}, least {}, half {}, 90 % {}, 99 % {}, most {}",
        lengths.mean, lengths.min, lengths.p50, lengths.p90, lengths.p99, lengths.max
    ));
    lines.extend(histogram(
        &stats.length_histogram,
        stats.documents,
        output::columns(),
    ));
    if stats.labels.is_empty() {
        lines.push("labels      none".to_owned());
    }
    for (label, count) in stats.labels.iter().take(MOST_LABELS) {
        lines.push(format!("label       {label}: {count} ({})", share(*count)));
    }
    if let Some(more @ 1..) = stats.labels.len().checked_sub(MOST_LABELS) {
        lines.push(format!("labels      {more} more, which --json lists"));
    }
    lines.join("\n")
}

/// A bar for each bucket of lengths, of so many documents, no wider than the terminal.
fn histogram(buckets: &[LengthBucket], documents: usize, columns: usize) -> Vec<String> {
    let most = buckets.iter().map(|bucket| bucket.documents).max();
    let most = most.unwrap_or(0).max(1);
    let longest = columns.saturating_sub(BESIDE_BAR).clamp(1, PLOT_WIDTH);
    let line = |bucket: &LengthBucket| {
        let bar = "█".repeat((longest * bucket.documents).div_ceil(most));
        let share = output::percent(bucket.documents as f64 / documents.max(1) as f64);
        format!("{:>11} to {:<7} {bar} {share}", bucket.from, bucket.to)
    };
    buckets.iter().map(line).collect()
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
    let target = match &trained.target {
        Target::SingleLabel => json!("single-label"),
        Target::MultiLabel { .. } => json!("multi-label"),
        Target::Regression => json!({ "regression": trained.standardization }),
    };
    json!({
        "kind": "classifier",
        "direction": trained.direction,
        "target": target,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fit_the_terminal() {
        let buckets = [(0, 7, 3), (8, 4_194_303, 100), (4_194_304, 9_999_999, 0)];
        let buckets = buckets.map(|(from, to, documents)| LengthBucket {
            from,
            to,
            documents,
        });
        for (columns, longest) in [(40, 8), (72, 40), (200, 40), (5, 1)] {
            let lines = histogram(&buckets, 100, columns);
            let bars = lines.iter().map(|line| line.matches('█').count());
            assert_eq!(bars.max(), Some(longest), "{lines:?}");
            let widest = lines.iter().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns.max(33)), "{lines:?}");
        }
    }
}
