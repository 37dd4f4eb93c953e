//! How far a figure may be off by the luck of the documents.

use ulmfit_data::rng;

/// Samples of the bootstrap.
const RESAMPLES: usize = 1000;

/// The 95 % interval of a share, `part` of `whole` documents, by Wilson's score (1927): one that is no point
/// where all or none of a few documents are right.
pub(super) fn of_share(part: usize, whole: usize) -> [f64; 2] {
    /// The 97.5th percentile of the normal distribution.
    const Z: f64 = 1.959_964;
    let n = whole.max(1) as f64;
    let share = part as f64 / n;
    let center = share + Z * Z / (2.0 * n);
    let margin = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    [center - margin, center + margin].map(|end| (end / (1.0 + Z * Z / n)).clamp(0.0, 1.0))
}

/// The 2.5th and the 97.5th percentile of a figure over documents drawn with replacement (Efron 1979), of
/// which it gets the places.
pub(super) fn bootstrap(
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
    fn shares_have_the_intervals_of_wilsons_score() {
        // The formula in double precision, computed outside this program.
        for (part, whole, expected) in [
            (8, 10, [0.490_162, 0.943_318]),
            (0, 1, [0.0, 0.793_451]),
            (4, 4, [0.510_109, 1.0]),
            (450, 500, [0.870_578, 0.923_322]),
        ] {
            let found = of_share(part, whole);
            let near = |(a, b): (f64, f64)| (a - b).abs() < 1e-5;
            let pairs = found.into_iter().zip(expected);
            assert!(pairs.into_iter().all(near), "{part} of {whole}: {found:?}");
        }
    }

    #[test]
    fn the_interval_holds_the_accuracy_and_narrows() {
        let accuracy = |drawn: &[usize]| {
            let right = drawn.iter().filter(|&&place| place % 5 > 0).count();
            right as f64 / drawn.len() as f64
        };
        let [low, high] = bootstrap(100, 1, accuracy);
        assert!(
            low < 0.75 && high > 0.85 && low > 0.65 && high < 0.92,
            "{low} {high}"
        );
        let [narrow_low, narrow_high] = bootstrap(10_000, 1, accuracy);
        assert!(narrow_high - narrow_low < 0.2 * (high - low));
    }
}
