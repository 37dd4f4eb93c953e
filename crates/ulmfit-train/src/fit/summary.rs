//! How good a fitted classifier is, on documents that it has not seen.

use serde::Serialize;
use ulmfit_data::{Document, Tokenizer};

use super::calibration::{self, Calibration};
use super::interval::{bootstrap, of_share};
use super::plan::FitPlan;
use crate::baseline::tfidf_answers;
use crate::predictor::{Prediction, Scored, averaged, averaged_numbers};
use crate::report::{ClassificationReport, LabelCounts, MultiLabelReport, RegressionReport, r2};
use crate::truth::Truth;

/// How good a fitted classifier is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FitSummary {
    /// Labeled documents that were trained on.
    pub trained_on: usize,
    /// Documents that only the language model read.
    pub unlabeled: usize,
    /// What was measured on the documents that were held out; `None` where nothing could be.
    #[serde(flatten)]
    pub measured: Option<Measured>,
}

/// What was measured on the documents that were held out, by the [`Target`](crate::Target). An interval is
/// of 95 %: that of the accuracy by Wilson's score (1927), the others by a bootstrap over the documents
/// (Efron 1979). A baseline was trained and measured on the same documents.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "target", rename_all = "kebab-case")]
pub enum Measured {
    /// One class a document.
    SingleLabel {
        /// The figures.
        report: ClassificationReport,
        /// The accuracy's interval.
        accuracy_interval: [f64; 2],
        /// TF-IDF with logistic regression.
        baseline: ClassificationReport,
        /// How far the probabilities can be relied on.
        calibration: Calibration,
    },
    /// Any number of labels a document: those of a probability of a half or more.
    MultiLabel {
        /// The figures.
        report: MultiLabelReport,
        /// The interval of the micro F1.
        micro_f1_interval: [f64; 2],
        /// TF-IDF with a logistic regression for each label.
        baseline: MultiLabelReport,
        /// How far the probabilities can be relied on.
        calibration: Calibration,
    },
    /// A number a document.
    Regression {
        /// The figures.
        report: RegressionReport,
        /// The interval of R².
        r2_interval: [f64; 2],
        /// TF-IDF with ridge regression.
        baseline: RegressionReport,
    },
}

impl Measured {
    /// The figure that matters most, the model's and the baseline's: accuracy, micro F1 or R².
    pub fn headline(&self) -> [f64; 2] {
        match self {
            Self::SingleLabel {
                report, baseline, ..
            } => [report.accuracy, baseline.accuracy],
            Self::MultiLabel {
                report, baseline, ..
            } => [report.micro_f1, baseline.micro_f1],
            Self::Regression {
                report, baseline, ..
            } => [report.r2, baseline.r2],
        }
    }
}

impl FitSummary {
    /// Measures members by their scores of the documents held out.
    pub(super) fn measure(
        plan: &FitPlan,
        scored: &[Scored],
        tokenizer: &Tokenizer,
        seed: u64,
    ) -> Self {
        let train = plan.train();
        let (documents, truth) = plan.held_out();
        let measured = (!documents.is_empty()).then(|| {
            let held_out = tokenizer.tokenize_documents(&documents);
            let train = Part::new(plan, &train, tokenizer);
            let n_labels = plan.labels.len();
            let baseline = tfidf_answers(&train.tokens, &train.truth, n_labels, &held_out);
            match (&truth, &baseline) {
                (Truth::Classes(truth), Truth::Classes(baseline)) => {
                    measure_classes(plan, scored, truth, baseline)
                }
                (Truth::LabelSets(truth), Truth::LabelSets(baseline)) => {
                    measure_label_sets(plan, scored, truth, baseline, seed)
                }
                (Truth::Numbers(truth), Truth::Numbers(baseline)) => {
                    measure_numbers(scored, truth, baseline, seed)
                }
                _ => unreachable!("both are parts of one"),
            }
        });
        Self {
            trained_on: train.len(),
            unlabeled: plan.unlabeled.len(),
            measured,
        }
    }
}

/// Tokenized documents with their answers.
struct Part {
    tokens: Vec<Vec<String>>,
    truth: Truth,
}

impl Part {
    fn new(plan: &FitPlan, places: &[usize], tokenizer: &Tokenizer) -> Self {
        let documents: Vec<Document> = places
            .iter()
            .map(|&place| plan.documents[place].clone())
            .collect();
        Self {
            tokens: tokenizer.tokenize_documents(&documents),
            truth: plan.truth.select(places),
        }
    }
}

fn measure_classes(
    plan: &FitPlan,
    scored: &[Scored],
    classes: &[usize],
    baseline: &[usize],
) -> Measured {
    let predictions = averaged(&plan.target, scored);
    let predicted: Vec<usize> = predictions.iter().map(|it| it.class).collect();
    let right = predicted.iter().zip(classes).filter(|(a, b)| a == b);
    Measured::SingleLabel {
        accuracy_interval: of_share(right.count(), classes.len()),
        report: ClassificationReport::new(&plan.labels, classes, &predicted),
        baseline: ClassificationReport::new(&plan.labels, classes, baseline),
        calibration: Calibration::new(plan, scored, |predictions| {
            calibration::error_of_classes(predictions, classes)
        }),
    }
}

fn measure_label_sets(
    plan: &FitPlan,
    scored: &[Scored],
    sets: &[Vec<usize>],
    baseline: &[Vec<usize>],
    seed: u64,
) -> Measured {
    let predictions = averaged(&plan.target, scored);
    let at_least = |it: &Prediction| it.at_least(Prediction::THRESHOLD);
    let predicted: Vec<Vec<usize>> = predictions.iter().map(at_least).collect();
    let pairs = sets.iter().zip(&predicted);
    let counts: Vec<LabelCounts> = pairs
        .map(|(truth, predicted)| LabelCounts::of(truth, predicted))
        .collect();
    let micro_f1 = |drawn: &[usize]| {
        let drawn = drawn.iter().map(|&at| counts[at]);
        drawn
            .fold(LabelCounts::default(), LabelCounts::plus)
            .report()
            .f1
    };
    Measured::MultiLabel {
        micro_f1_interval: bootstrap(sets.len(), seed, micro_f1),
        report: MultiLabelReport::new(&plan.labels, sets, &predicted),
        baseline: MultiLabelReport::new(&plan.labels, sets, baseline),
        calibration: Calibration::new(plan, scored, |predictions| {
            calibration::error_of_label_sets(predictions, sets)
        }),
    }
}

fn measure_numbers(scored: &[Scored], numbers: &[f64], baseline: &[f64], seed: u64) -> Measured {
    let predicted = averaged_numbers(scored);
    let r2_of = |drawn: &[usize]| r2(drawn.iter().map(|&at| (numbers[at], predicted[at])));
    Measured::Regression {
        r2_interval: bootstrap(numbers.len(), seed, r2_of),
        report: RegressionReport::new(numbers, &predicted),
        baseline: RegressionReport::new(numbers, baseline),
    }
}
