//! Probabilities that mean what they say (Guo et al. 2017, section 4.2).

use ulmfit_data::{Document, DocumentBatches, encode_documents};

use crate::direction::directed;
use crate::error::TrainError;
use crate::model_file::TrainedClassifier;

/// Temperatures that are tried: a factor of twenty around none.
const RANGE: [f64; 2] = [0.05, 20.0];
/// Narrows the range to a thousandth.
const STEPS: usize = 24;

/// The temperature by which the logits are divided so that the documents' classes are most likely;
/// 1 without documents.
pub(super) fn temperature(
    classifier: &TrainedClassifier,
    documents: &[Document],
    classes: &[usize],
) -> Result<f32, TrainError> {
    if documents.is_empty() {
        return Ok(1.0);
    }
    let logits = logits(classifier, documents)?;
    Ok(fitted(&logits, classes) as f32)
}

/// Golden-section search over the logarithm of the temperature for the least mean negative
/// log-likelihood, which has one minimum. The logarithm has a standard normal prior: a few documents
/// that are all classified right do not make every answer certain.
fn fitted(logits: &[Vec<f32>], classes: &[usize]) -> f64 {
    let golden = (5_f64.sqrt() - 1.0) / 2.0;
    let prior = |log: f64| log * log / 2.0 / classes.len() as f64;
    let loss = |log: f64| negative_log_likelihood(logits, classes, log.exp()) + prior(log);
    let [mut low, mut high] = RANGE.map(f64::ln);
    let mut inner = [high - golden * (high - low), low + golden * (high - low)];
    let mut losses = inner.map(loss);
    for _ in 0..STEPS {
        if losses[0] < losses[1] {
            high = inner[1];
            inner = [high - golden * (high - low), inner[0]];
            losses = [loss(inner[0]), losses[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + golden * (high - low)];
            losses = [losses[1], loss(inner[1])];
        }
    }
    f64::midpoint(low, high).exp()
}

fn negative_log_likelihood(logits: &[Vec<f32>], classes: &[usize], temperature: f64) -> f64 {
    let rows = logits.iter().zip(classes).map(|(row, &class)| {
        let scaled: Vec<f64> = row.iter().map(|&it| f64::from(it) / temperature).collect();
        let most = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scaled.iter().map(|it| (it - most).exp()).sum();
        most + sum.ln() - scaled[class]
    });
    rows.sum::<f64>() / classes.len() as f64
}

/// The scores of each class for each document, before any softmax.
fn logits(
    classifier: &TrainedClassifier,
    documents: &[Document],
) -> Result<Vec<Vec<f32>>, TrainError> {
    const DOCUMENTS_AT_ONCE: usize = 32;
    let corpus = encode_documents(&classifier.tokenizer, &classifier.vocab, documents);
    let corpus = directed(corpus, classifier.direction);
    let model = classifier.model.clone().pack(classifier.precision);
    let n_classes = classifier.labels.len();
    let mut logits = vec![Vec::new(); documents.len()];
    for batch in DocumentBatches::new(corpus.lengths(), DOCUMENTS_AT_ONCE)?.evaluation() {
        let ids = batch.indices.iter().map(|&index| corpus.document(index));
        let rows = model
            .forward(&ids.collect::<Vec<_>>())
            .into_data_as::<f32>();
        let rows = rows.try_to_vec::<f32>().expect("converted to f32");
        for (&index, row) in batch.indices.iter().zip(rows.chunks_exact(n_classes)) {
            logits[index] = row.to_vec();
        }
    }
    Ok(logits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_answers_that_are_half_wrong_become_unsure() {
        // Three of four right, at a distance of 10: the likeliest distance is ln 3.
        let logits = vec![vec![10.0, 0.0]; 4000];
        let classes: Vec<usize> = (0..4000).map(|i| usize::from(i % 4 == 0)).collect();
        let temperature = fitted(&logits, &classes);
        let expected = 10.0 / 3_f64.ln();
        assert!((temperature - expected).abs() < 0.05, "{temperature}");
        // The same from four documents is believed less, and four that are right prove little.
        let of_four = fitted(&logits[..4], &classes[..4]);
        assert!(1.0 < of_four && of_four < temperature, "{of_four}");
        let right = fitted(&logits[..4], &[0; 4]);
        assert!((0.9..=1.1).contains(&right), "{right}");
    }
}
