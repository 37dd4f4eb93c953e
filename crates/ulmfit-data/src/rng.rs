//! Where every random draw comes from.
//!
//! A run has one seed. Each purpose ("shuffle documents", "sequence lengths") and each index (an
//! epoch, a step) has its own `ChaCha8` stream derived from it, so that adding a draw in one place
//! moves nothing elsewhere, and any epoch can be reached without replaying those before it.
//!
//! The derivation and the draws are written out here instead of taken from `rand`'s
//! distributions, whose algorithms may change between versions: an order that a seed gave once, it
//! gives for good.

use rand::{Rng, SeedableRng};
pub use rand_chacha::ChaCha8Rng;

/// 2⁶⁴ divided by the golden ratio: the step of `SplitMix64`.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The stream for one purpose and index under a seed.
///
/// Streams that differ in any of the three are independent. The 256-bit `ChaCha8` key is `SplitMix64`
/// run over the seed, the FNV-1a hash of the purpose, and the index.
pub fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    let mut state = mix(seed.wrapping_add(GOLDEN));
    state = mix(state ^ fnv1a(purpose.as_bytes()));
    state = mix(state ^ index.wrapping_add(GOLDEN));
    let mut key = [0_u8; 32];
    for word in key.chunks_exact_mut(8) {
        state = state.wrapping_add(GOLDEN);
        word.copy_from_slice(&mix(state).to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform integer in `0..bound`; 0 when the bound is 0.
///
/// Lemire's multiplication method on 64-bit draws, with rejection, so there is no bias.
pub fn below(rng: &mut impl Rng, bound: usize) -> usize {
    let bound = bound as u64;
    if bound == 0 {
        return 0;
    }
    // 2^64 mod bound: products whose low half falls under it would favor some results.
    let reject = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= reject {
            return (product >> 64) as usize;
        }
    }
}

/// A uniform number in `[0, 1)` with 53 random bits.
pub fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// A draw from the normal distribution (Box–Muller, two uniform draws a call).
pub fn normal(rng: &mut impl Rng, mean: f64, standard_deviation: f64) -> f64 {
    // 1 - u lies in (0, 1], so the logarithm is finite.
    let radius = (-2.0 * (1.0 - unit(rng)).ln()).sqrt();
    let angle = std::f64::consts::TAU * unit(rng);
    mean + standard_deviation * radius * angle.cos()
}

/// Shuffles in place: Fisher–Yates from the last place down, one [`below`] a place.
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

/// `SplitMix64`'s output function.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These numbers are a promise: if they change, every recorded run changes with them.
    #[test]
    fn a_seed_gives_the_same_draws_for_good() {
        let mut rng = stream(42, "shuffle", 3);
        let mut order: Vec<usize> = (0..10).collect();
        shuffle(&mut rng, &mut order);
        assert_eq!(order, [1, 8, 3, 0, 2, 7, 6, 5, 4, 9]);
    }

    #[test]
    fn streams_differ_in_seed_purpose_and_index() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let draws = [
            first(0, "a", 0),
            first(1, "a", 0),
            first(0, "b", 0),
            first(0, "a", 1),
            first(0, "", 0),
        ];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn draws_are_in_range_and_even() {
        let mut rng = stream(7, "test", 0);
        assert_eq!(below(&mut rng, 0), 0);
        let mut counts = [0_u32; 5];
        for _ in 0..50_000 {
            counts[below(&mut rng, 5)] += 1;
            assert!((0.0..1.0).contains(&unit(&mut rng)));
        }
        assert!(
            counts.iter().all(|&count| (9_500..10_500).contains(&count)),
            "{counts:?}"
        );
    }

    #[test]
    fn normal_has_its_mean_and_spread() {
        let mut rng = stream(7, "test", 1);
        let draws: Vec<f64> = (0..50_000).map(|_| normal(&mut rng, 70.0, 5.0)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance =
            draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 70.0).abs() < 0.1, "{mean}");
        assert!((variance.sqrt() - 5.0).abs() < 0.1, "{variance}");
    }
}
