//! Which texts without labels are read where there is no time for all of them.

use ulmfit_data::rng;

/// How many documents of these `lengths` in tokens are read, in the order that the seed draws, before
/// there would be more than `tokens`.
pub(super) fn count(lengths: &[usize], tokens: usize, seed: u64) -> usize {
    let mut left = tokens;
    let order = order(lengths.len(), seed).into_iter();
    let fits = order.map_while(|place| {
        left = left.checked_sub(lengths[place])?;
        Some(place)
    });
    fits.count()
}

/// Whether each of `n` documents is among the first `count` of that order.
pub(super) fn chosen(n: usize, count: usize, seed: u64) -> Vec<bool> {
    let mut chosen = vec![false; n];
    for place in order(n, seed).into_iter().take(count) {
        chosen[place] = true;
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
            let count = count(&lengths, 109_000, seed);
            let chosen = chosen(lengths.len(), count, seed);
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
        assert_eq!(count(&lengths, 8, 1), 3);
        assert_eq!(chosen(3, 3, 1), [true; 3]);
        assert!(count(&lengths, 7, 1) < 3);
    }
}
