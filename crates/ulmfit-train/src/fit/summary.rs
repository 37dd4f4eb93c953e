//! How good a fitted classifier is, on documents that it has not seen.

use serde::Serialize;
use ulmfit_data::{Document, Tokenizer, rng};

use super::plan::FitPlan;
use crate::baseline::TfidfLogistic;
use crate::predictor::{Prediction, averaged};
use crate::report::ClassificationReport;

/// How good a fitted classifier is. The measurements are `None` where nothing could be held out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FitSummary {
    /// Labeled documents that were trained on.
    pub trained_on: usize,
    /// Documents that only the language model read.
    pub unlabeled: usize,
    /// On the documents that were held out.
    pub report: Option<ClassificationReport>,
    /// The accuracy's 95 % interval by the bootstrap (Efron 1979), over the documents.
    pub accuracy_interval: Option<[f64; 2]>,
    /// TF-IDF with logistic regression, trained and measured on the same documents.
    pub baseline: Option<ClassificationReport>,
    /// How far the probabilities can be relied on.
    pub calibration: Option<Calibration>,
}

/// How far probabilities can be relied on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// What each member's scores are divided by.
    pub temperatures: Vec<f32>,
    /// The expected calibration error (Guo et al. 2017, equation 3; ten bins) without them.
    pub error_before: f64,
    /// The same with them. It is measured on the documents that they were fitted to.
    pub error: f64,
}

/// Samples of the bootstrap.
const RESAMPLES: usize = 1000;
/// Bins of the calibration error.
const BINS: usize = 10;

impl FitSummary {
    /// Measures members by their scores of the documents held out and their temperatures.
    pub(super) fn measure(
        plan: &FitPlan,
        scored: Vec<(Vec<Vec<f32>>, f32)>,
        tokenizer: &Tokenizer,
        seed: u64,
    ) -> Self {
        let train = plan.train();
        let (documents, classes) = plan.held_out();
        let mut summary = Self {
            trained_on: train.len(),
            unlabeled: plan.unlabeled.len(),
            report: None,
            accuracy_interval: None,
            baseline: None,
            calibration: None,
        };
        if documents.is_empty() {
            return summary;
        }
        let after = averaged(&scored);
        let temperatures = scored.iter().map(|(_, temperature)| *temperature).collect();
        let without = scored.into_iter().map(|(scores, _)| (scores, 1.0));
        let before = averaged(&without.collect::<Vec<_>>());
        let predicted: Vec<usize> = after.iter().map(|prediction| prediction.class).collect();
        let pairs = predicted.iter().zip(&classes);
        let right: Vec<bool> = pairs.map(|(predicted, class)| predicted == class).collect();
        summary.accuracy_interval = Some(interval(&right, seed));
        summary.report = Some(ClassificationReport::new(
            &plan.labels,
            &classes,
            &predicted,
        ));
        summary.calibration = Some(Calibration {
            temperatures,
            error_before: calibration_error(&before, &classes),
            error: calibration_error(&after, &classes),
        });
        summary.baseline = Some(baseline(plan, &train, &documents, &classes, tokenizer));
        summary
    }
}

fn baseline(
    plan: &FitPlan,
    train: &[usize],
    documents: &[Document],
    classes: &[usize],
    tokenizer: &Tokenizer,
) -> ClassificationReport {
    let train_documents: Vec<Document> = train
        .iter()
        .map(|&index| plan.documents[index].clone())
        .collect();
    let train_classes: Vec<usize> = train.iter().map(|&index| plan.classes[index]).collect();
    let tokens = tokenizer.tokenize_documents(&train_documents);
    let model = TfidfLogistic::fit(&tokens, &train_classes, plan.labels.len());
    let predicted = model.predict(&tokenizer.tokenize_documents(documents));
    ClassificationReport::new(&plan.labels, classes, &predicted)
}

/// The 2.5th and the 97.5th percentile of the accuracy on documents drawn with replacement.
fn interval(right: &[bool], seed: u64) -> [f64; 2] {
    let mut rng = rng::stream(seed, "bootstrap", 0);
    let mut accuracies: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..right.len()).filter(|_| right[rng::below(&mut rng, right.len())]);
            drawn.count() as f64 / right.len() as f64
        })
        .collect();
    accuracies.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|part| accuracies[(part * (RESAMPLES - 1) as f64).round() as usize])
}

/// The mean distance between how sure and how right the answers of a bin are, by its documents.
fn calibration_error(predictions: &[Prediction], classes: &[usize]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for (prediction, &class) in predictions.iter().zip(classes) {
        let sure = f64::from(prediction.probabilities[prediction.class]);
        let bin = ((sure * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += sure;
        bins[bin].1 += f64::from(u8::from(prediction.class == class));
    }
    let distances = bins.iter().map(|(sure, right)| (sure - right).abs());
    distances.sum::<f64>() / classes.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_accuracy_and_narrows() {
        let right = |count: usize| (0..count).map(|i| i % 5 > 0).collect::<Vec<_>>();
        let [low, high] = interval(&right(100), 1);
        assert!(
            low < 0.75 && high > 0.85 && low > 0.65 && high < 0.92,
            "{low} {high}"
        );
        let [narrow_low, narrow_high] = interval(&right(10_000), 1);
        assert!(narrow_high - narrow_low < 0.2 * (high - low));
    }

    #[test]
    fn answers_that_are_as_right_as_they_are_sure_have_no_error() {
        let answer = |sure: f32| Prediction {
            class: 0,
            probabilities: vec![sure, 1.0 - sure],
        };
        let predictions = vec![answer(0.75); 4];
        assert!(calibration_error(&predictions, &[0, 0, 0, 1]) < 1e-9);
        assert!((calibration_error(&predictions, &[0, 1, 1, 1]) - 0.5).abs() < 1e-9);
    }
}
