use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use ulmfit_data::Document;
use ulmfit_train::{
    ClassReport, ClassificationReport, LanguageModelReport, ModelFile, MultiLabelReport,
    Prediction, Predictor, RegressionReport, Target, TrainError, TrainedLanguageModel, Truth,
    evaluate_language_model,
};

use super::fit_report;
use crate::args::{CorpusArgs, DeviceArgs, GlobalArgs, TargetArgs, probability};
use crate::failure::{UsageError, paths};
use crate::{documents, output, progress};

/// Documents that are classified between two updates of the bar. They are sorted by length among
/// themselves, so more of them are faster.
const DOCUMENTS_PER_UPDATE: usize = 512;

const EXAMPLE: &str = "\
Examples:
  ulmfit evaluate runs/classifier/model.safetensors test.csv
  ulmfit evaluate runs/classifier/model.safetensors aclImdb --split test --json
  ulmfit evaluate tags.safetensors posts.jsonl --label tags
  ulmfit evaluate runs/general/model.safetensors wiki.test.tokens

Whether documents have one label, several or a number the model knows. Of aclimdb it is the split
test that is read, unless --split names another.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EvaluateArgs {
    /// Classifier, ensemble or language model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    corpus: CorpusArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// The probability from which a label is an answer, of a model of several labels [default: 0.5]
    #[arg(long, value_name = "P", value_parser = probability)]
    threshold: Option<f32>,
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
    let read_as = |target: &Target, ignore_labels: bool| {
        let mut corpus = args.corpus.clone();
        corpus.layout.labels = target.label_kind();
        corpus.layout.ignore_labels = ignore_labels;
        documents::read_to_measure(&corpus, args.seed, global)
    };
    match model {
        ModelFile::Classifier(members) => {
            let predictor = Predictor::new(members)?;
            let target = args
                .target
                .of_model(Some(predictor.target()), &args.model)?;
            let threshold = args.threshold(&target)?;
            let documents = read_as(&target, false)?;
            let (labels, truth) = truth(&target, &documents, predictor.labels())
                .with_context(|| paths(&args.corpus.data))?;
            let known = predictor.labels().len();
            warn_of_unknown(&labels[known..], global);
            let timed = measure(&predictor, &labels, &truth, &documents, threshold, global)?;
            ensure!(
                timed.report.is_finite(),
                "{}: the numbers are too large to be compared; write them in the unit of {}",
                paths(&args.corpus.data),
                args.model.display()
            );
            if args.json {
                return output::json(&timed);
            }
            output::text(&text(&timed))
        }
        ModelFile::LanguageModel(trained) => {
            let target = args.target.of_model(None, &args.model)?;
            args.threshold(&target)?;
            // But of a sample each class is to have its share.
            let ignore_labels = args.corpus.limit == 0;
            let timed = read(&trained, &read_as(&target, ignore_labels)?, &device)?;
            if args.json {
                output::json(&timed)
            } else {
                output::text(&language_model(&timed))
            }
        }
    }
}

impl EvaluateArgs {
    /// The threshold of a model of several labels; a usage error where one was given for another.
    fn threshold(&self, target: &Target) -> Result<f32, UsageError> {
        if self.threshold.is_some() && !matches!(target, Target::MultiLabel { .. }) {
            return Err(UsageError(format!(
                "{} does not answer with several labels a document, which alone have a --threshold; \
                 leave it out",
                self.model.display()
            )));
        }
        Ok(self.threshold.unwrap_or(Prediction::THRESHOLD))
    }
}

/// How answers compare with the truth, by the target.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Report {
    Classes(ClassificationReport),
    LabelSets(MultiLabelReport),
    Numbers(RegressionReport),
}

impl Report {
    /// Compares answers with the truth, both of one target.
    pub(super) fn new(labels: &[String], truth: &Truth, answers: &Truth) -> Self {
        match (truth, answers) {
            (Truth::Classes(truth), Truth::Classes(answers)) => {
                Self::Classes(ClassificationReport::new(labels, truth, answers))
            }
            (Truth::LabelSets(truth), Truth::LabelSets(answers)) => {
                Self::LabelSets(MultiLabelReport::new(labels, truth, answers))
            }
            (Truth::Numbers(truth), Truth::Numbers(answers)) => {
                Self::Numbers(RegressionReport::new(truth, answers))
            }
            _ => unreachable!("both are of one target"),
        }
    }

    /// Whether all figures are numbers: squares of large ones are not.
    pub(super) fn is_finite(&self) -> bool {
        match self {
            Self::Classes(_) | Self::LabelSets(_) => true,
            Self::Numbers(report) => {
                let figures = [report.r2, report.root_mean_squared_error, report.pearson];
                figures.iter().all(|figure| figure.is_finite())
            }
        }
    }
}

/// The names of labels, beginning with those that are known, and the answers that documents are to be
/// measured by.
pub(super) fn truth(
    target: &Target,
    documents: &[Document],
    known: &[String],
) -> anyhow::Result<(Vec<String>, Truth)> {
    documents::check_labeled(documents)?;
    Ok(Truth::known(target, documents, known)?)
}

fn warn_of_unknown(unknown: &[String], global: &GlobalArgs) {
    if !unknown.is_empty() && !global.quiet {
        drop(writeln!(
            std::io::stderr(),
            "warning: the model was not trained on {} of the labels ({}), which count as missed",
            unknown.len(),
            fit_report::some(unknown)
        ));
    }
}

fn measure(
    predictor: &Predictor,
    labels: &[String],
    truth: &Truth,
    documents: &[Document],
    threshold: f32,
    global: &GlobalArgs,
) -> anyhow::Result<Timed<Report>> {
    let started = Instant::now();
    let answers = match truth {
        Truth::Classes(_) => Truth::Classes(in_parts(documents, global, |part| {
            let predictions = predictor.predict_documents(part).into_iter();
            Ok(predictions.map(|prediction| prediction.class).collect())
        })?),
        Truth::LabelSets(_) => Truth::LabelSets(in_parts(documents, global, |part| {
            let predictions = predictor.predict_documents(part).into_iter();
            Ok(predictions
                .map(|prediction| prediction.at_least(threshold))
                .collect())
        })?),
        Truth::Numbers(_) => Truth::Numbers(in_parts(documents, global, |part| {
            predictor.predict_numbers(part)
        })?),
    };
    Ok(Timed {
        seconds: started.elapsed().as_secs_f64(),
        report: Report::new(labels, truth, &answers),
    })
}

/// The answers to all documents, with a bar.
fn in_parts<T>(
    documents: &[Document],
    global: &GlobalArgs,
    answer: impl Fn(&[Document]) -> Result<Vec<T>, TrainError>,
) -> Result<Vec<T>, TrainError> {
    let bar = progress::bar(documents.len() as u64, "documents", global.quiet);
    let mut answers = Vec::with_capacity(documents.len());
    for part in documents.chunks(DOCUMENTS_PER_UPDATE) {
        answers.extend(answer(part)?);
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    Ok(answers)
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

/// The figures that matter most, on a line.
fn headline(report: &Report) -> String {
    match report {
        Report::Classes(report) => format!(
            "accuracy {}, error {}, macro F1 {:.4} on {} documents",
            output::percent(report.accuracy),
            output::percent(report.error_rate),
            report.macro_f1,
            report.documents,
        ),
        Report::LabelSets(report) => format!(
            "micro F1 {:.4}, macro F1 {:.4}, all labels right in {} of {} documents",
            report.micro_f1,
            report.macro_f1,
            output::percent(report.exact_match),
            report.documents,
        ),
        Report::Numbers(report) => format!(
            "R\u{b2} {:.4}, {} on {} documents",
            report.r2,
            errors(report),
            report.documents
        ),
    }
}

/// The errors of numbers in their own unit, and the correlation.
pub(super) fn errors(report: &RegressionReport) -> String {
    format!(
        "mean absolute error {}, root mean squared error {}, correlation {:.4}",
        significant(report.mean_absolute_error),
        significant(report.root_mean_squared_error),
        report.pearson
    )
}

/// A number with four digits that say something.
fn significant(number: f64) -> String {
    if number <= 0.0 {
        "0".to_owned()
    } else if (1e-3..1e6).contains(&number) {
        let decimals = 3 - number.log10().floor() as i32;
        format!("{number:.*}", decimals.max(0) as usize)
    } else {
        format!("{number:.3e}")
    }
}

/// The figures of each class or label, and which class was taken for which.
fn tables(report: &Report) -> String {
    match report {
        Report::Classes(report) => class_tables(report),
        Report::LabelSets(report) => label_table(report),
        Report::Numbers(_) => String::new(),
    }
}

/// A report for people: the figures, then each class or label and which was taken for which.
pub(super) fn text(timed: &Timed<Report>) -> String {
    let figures = format!("{} in {:.1} s", headline(&timed.report), timed.seconds);
    format!("{figures}\n\n{}", tables(&timed.report))
}

pub(super) fn class_tables(report: &ClassificationReport) -> String {
    let classes = output::table(&rows(&report.labels, &report.per_class));
    if report.confusion.is_empty() {
        return classes;
    }
    format!("{classes}\n\n{}", output::table(&confusion_rows(report)))
}

pub(super) fn label_table(report: &MultiLabelReport) -> String {
    output::table(&rows(&report.labels, &report.per_label))
}

/// Precision, recall and F1 of each class.
fn rows(labels: &[String], figures: &BTreeMap<String, ClassReport>) -> Vec<Vec<String>> {
    let head = ["class", "precision", "recall", "F1", "documents"];
    let mut classes = vec![head.map(str::to_owned).to_vec()];
    for label in labels {
        let class = figures[label];
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
fn confusion_rows(report: &ClassificationReport) -> Vec<Vec<String>> {
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
        "loss {:.4}, perplexity {:.2}, accuracy {} on {} tokens, {} of them unknown; {:.4} bits a \
         character; in {seconds:.1} s",
        report.loss,
        report.perplexity,
        output::percent(report.accuracy),
        report.tokens,
        output::percent(report.unknown),
        report.bits_per_character,
    )
}
