//! How far a figure may be off by the luck of the documents (Efron 1979).

use ulmfit_data::rng;

/// Samples of the bootstrap.
const RESAMPLES: usize = 1000;

/// The 2.5th and the 97.5th percentile of a figure over documents drawn with replacement, of which it
/// gets the places.
pub(super) fn interval(
    n_documents: usize,
    seed: u64,
    figure: impl Fn(&[usize]) -> f64,
) -> [f64; 2] {
    let mut rng = rng::stream(seed, "bootstrap", 0);
    let mut drawn = vec![0; n_documents];
    let mut figures: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            for place in &mut drawn {
                *place = rng::below(&mut rng, n_documents);
            }
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|part| figures[(part * (RESAMPLES - 1) as f64).round() as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_accuracy_and_narrows() {
        let accuracy = |drawn: &[usize]| {
            let right = drawn.iter().filter(|&&place| place % 5 > 0).count();
            right as f64 / drawn.len() as f64
        };
        let [low, high] = interval(100, 1, accuracy);
        assert!(
            low < 0.75 && high > 0.85 && low > 0.65 && high < 0.92,
            "{low} {high}"
        );
        let [narrow_low, narrow_high] = interval(10_000, 1, accuracy);
        assert!(narrow_high - narrow_low < 0.2 * (high - low));
    }
}
