use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use ulmfit_data::Document;
use ulmfit_train::{
    ClassificationReport, LanguageModelReport, ModelFile, Predictor, TrainedLanguageModel,
    evaluate_language_model, known_labels,
};

use crate::args::{CorpusArgs, DeviceArgs, GlobalArgs};
use crate::{documents, output, progress};

/// Documents that are classified between two updates of the bar. They are sorted by length among
/// themselves, so more of them are faster.
const DOCUMENTS_PER_UPDATE: usize = 512;

const EXAMPLE: &str = "\
Examples:
  ulmfit evaluate runs/classifier/model.safetensors test.csv
  ulmfit evaluate runs/classifier/model.safetensors aclImdb --split test --json
  ulmfit evaluate runs/general/model.safetensors wiki.test.tokens";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EvaluateArgs {
    /// Classifier, ensemble or language model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    corpus: CorpusArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of the sample that --limit draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// A result with how long it took.
#[derive(Serialize)]
pub(super) struct Timed<R> {
    #[serde(flatten)]
    pub(super) report: R,
    /// Wall time of the predictions, reading and loading left out.
    pub(super) seconds: f64,
}

pub(crate) fn run(args: &EvaluateArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let device = args.device.device.open()?;
    let model = ModelFile::open(&args.model, &device)?;
    let documents = documents::read(&args.corpus, args.seed, global)?;
    match model {
        ModelFile::Classifier(members) => {
            let timed = classify(&Predictor::new(members)?, &documents, global)?;
            if args.json {
                output::json(&timed)
            } else {
                output::text(&classification(&timed))
            }
        }
        ModelFile::LanguageModel(trained) => {
            let timed = read(&trained, &documents, &device)?;
            if args.json {
                output::json(&timed)
            } else {
                output::text(&language_model(&timed))
            }
        }
    }
}

fn classify(
    predictor: &Predictor,
    documents: &[Document],
    global: &GlobalArgs,
) -> anyhow::Result<Timed<ClassificationReport>> {
    documents::check_labeled(documents)?;
    let truth = known_labels(documents, predictor.labels())?;
    let bar = progress::bar(documents.len() as u64, "documents", global.quiet);
    let started = Instant::now();
    let mut predicted = Vec::with_capacity(documents.len());
    for part in documents.chunks(DOCUMENTS_PER_UPDATE) {
        let predictions = predictor.predict_documents(part);
        predicted.extend(predictions.iter().map(|prediction| prediction.class));
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    Ok(Timed {
        report: ClassificationReport::new(predictor.labels(), &truth, &predicted),
        seconds,
    })
}

fn read(
    trained: &TrainedLanguageModel,
    documents: &[Document],
    device: &burn::tensor::Device,
) -> anyhow::Result<Timed<LanguageModelReport>> {
    let started = Instant::now();
    let report = evaluate_language_model(documents, trained, device)?;
    Ok(Timed {
        report,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The report for people: figures, classes, confusion.
pub(super) fn classification(timed: &Timed<ClassificationReport>) -> String {
    let Timed { report, seconds } = timed;
    let figures = format!(
        "accuracy {}, error {}, macro F1 {:.4} on {} documents in {seconds:.1} s",
        output::percent(report.accuracy),
        output::percent(report.error_rate),
        report.macro_f1,
        report.documents,
    );
    format!(
        "{figures}\n\n{}\n\n{}",
        output::table(&class_rows(report)),
        output::table(&confusion_rows(report))
    )
}

/// Precision, recall and F1 of each class.
pub(super) fn class_rows(report: &ClassificationReport) -> Vec<Vec<String>> {
    let head = ["class", "precision", "recall", "F1", "documents"];
    let mut classes = vec![head.map(str::to_owned).to_vec()];
    for label in &report.labels {
        let class = report.per_class[label];
        let figures =
            [class.precision, class.recall, class.f1].map(|figure| format!("{figure:.4}"));
        let mut row = vec![label.clone()];
        row.extend(figures);
        row.push(class.support.to_string());
        classes.push(row);
    }
    classes
}

/// How often a class was taken for which.
pub(super) fn confusion_rows(report: &ClassificationReport) -> Vec<Vec<String>> {
    let mut confusion = vec![vec!["true \\ predicted".to_owned()]];
    confusion[0].extend(report.labels.iter().cloned());
    for (label, counts) in report.labels.iter().zip(&report.confusion) {
        let mut row = vec![label.clone()];
        row.extend(counts.iter().map(ToString::to_string));
        confusion.push(row);
    }
    confusion
}

fn language_model(timed: &Timed<LanguageModelReport>) -> String {
    let Timed { report, seconds } = timed;
    format!(
        "loss {:.4}, perplexity {:.2}, accuracy {} on {} tokens in {seconds:.1} s",
        report.loss,
        report.perplexity,
        output::percent(report.accuracy),
        report.tokens,
    )
}
