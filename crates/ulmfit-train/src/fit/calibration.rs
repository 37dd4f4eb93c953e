//! Probabilities that mean what they say (Guo et al. 2017, section 4.2).

/// Temperatures that are tried: a factor of twenty around none.
const RANGE: [f64; 2] = [0.05, 20.0];
/// Narrows the range to a thousandth.
const STEPS: usize = 24;

/// The temperature by which scores, `[documents, classes]`, are divided so that the documents' classes
/// are most likely; 1 without documents.
///
/// Golden-section search over the logarithm of the temperature for the least mean negative
/// log-likelihood, which has one minimum. The logarithm has a standard normal prior: a few documents
/// that are all classified right do not make every answer certain.
pub(super) fn temperature(scores: &[Vec<f32>], classes: &[usize]) -> f32 {
    if classes.is_empty() {
        return 1.0;
    }
    let golden = (5_f64.sqrt() - 1.0) / 2.0;
    let prior = |log: f64| log * log / 2.0 / classes.len() as f64;
    let loss = |log: f64| negative_log_likelihood(scores, classes, log.exp()) + prior(log);
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
    f64::midpoint(low, high).exp() as f32
}

fn negative_log_likelihood(scores: &[Vec<f32>], classes: &[usize], temperature: f64) -> f64 {
    let rows = scores.iter().zip(classes).map(|(row, &class)| {
        let scaled: Vec<f64> = row.iter().map(|&it| f64::from(it) / temperature).collect();
        let most = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scaled.iter().map(|it| (it - most).exp()).sum();
        most + sum.ln() - scaled[class]
    });
    rows.sum::<f64>() / classes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_answers_that_are_half_wrong_become_unsure() {
        // Three of four right, at a distance of 10: the likeliest distance is ln 3.
        let scores = vec![vec![10.0, 0.0]; 4000];
        let classes: Vec<usize> = (0..4000).map(|i| usize::from(i % 4 == 0)).collect();
        let all = temperature(&scores, &classes);
        let expected = 10.0 / 3_f32.ln();
        assert!((all - expected).abs() < 0.05, "{all}");
        // The same from four documents is believed less, and four that are right prove little.
        let of_four = temperature(&scores[..4], &classes[..4]);
        assert!(1.0 < of_four && of_four < all, "{of_four}");
        let right = temperature(&scores[..4], &[0; 4]);
        assert!((0.9..=1.1).contains(&right), "{right}");
    }
}
