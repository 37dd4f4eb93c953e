//! Which texts without labels are read where there is no time for all of them.

use ulmfit_data::rng;

/// Which documents of these `lengths` in tokens are read: in the order that the seed draws, each that leaves
/// no more than `tokens` in all.
pub(super) fn chosen(lengths: &[usize], tokens: usize, seed: u64) -> Vec<bool> {
    let mut left = tokens;
    let mut chosen = vec![false; lengths.len()];
    for place in order(lengths.len(), seed) {
        // A long one that does not fit leaves its time to those behind it.
        if let Some(less) = left.checked_sub(lengths[place]) {
            left = less;
            chosen[place] = true;
        }
    }
    chosen
}

/// The files' own order may be by length, date or topic.
fn order(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    rng::shuffle(&mut rng::stream(seed, "unlabeled texts", 0), &mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_of_tokens_from_all_parts_of_the_files() {
        // Articles first, comments behind: 545,000 tokens, of which a fifth is read.
        let mut lengths = vec![5_000; 100];
        lengths.resize(1_000, 50);
        for seed in 0..10 {
            let chosen = chosen(&lengths, 109_000, seed);
            let count = chosen.iter().filter(|it| **it).count();
            let pairs = lengths.iter().zip(&chosen);
            let read: usize = pairs.filter(|it| *it.1).map(|it| it.0).sum();
            assert!((104_000..=109_000).contains(&read), "{read}");
            let articles = chosen[..100].iter().filter(|it| **it).count();
            assert!((10..=21).contains(&articles), "{articles}");
            assert!(count - articles > 90, "{count}");
        }
    }

    #[test]
    fn all_are_read_where_there_is_time_for_all() {
        let lengths = [3, 0, 5];
        assert_eq!(chosen(&lengths, 8, 1), [true; 3]);
        assert_ne!(chosen(&lengths, 7, 1), [true; 3]);
    }

    #[test]
    fn a_text_that_is_too_long_costs_the_others_nothing() {
        let mut lengths = vec![10; 100];
        lengths[50] = 100_000;
        for seed in 0..10 {
            let chosen = chosen(&lengths, 990, seed);
            assert_eq!(chosen.iter().filter(|it| **it).count(), 99);
        }
    }
}
