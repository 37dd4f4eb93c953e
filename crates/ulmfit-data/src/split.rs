//! Seeded splits and samples that keep the classes' shares.

use std::collections::BTreeMap;

use crate::rng::{self, ChaCha8Rng};

/// Splits rows into training and validation, each class by itself.
///
/// Of each class, `fraction` (0 to 1, rounded to whole rows) goes to validation, but at least one
/// row stays in training: a class with a single row is only trained on. When rounding would leave
/// validation empty though `fraction` is not 0, the largest class gives it one row. Returns the
/// places of both sides, each in rising order. The same labels and seed give the same split.
pub fn stratified_split<L: Ord>(
    labels: &[L],
    fraction: f64,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let classes = shuffled_classes(labels, &mut rng::stream(seed, "stratified split", 0));
    let mut counts: Vec<usize> = classes
        .iter()
        .map(|rows| {
            let wanted = (rows.len() as f64 * fraction).round() as usize;
            wanted.min(rows.len() - 1)
        })
        .collect();
    if fraction > 0.0 && counts.iter().all(|&count| count == 0) {
        let largest = (0..classes.len()).min_by_key(|&i| std::cmp::Reverse(classes[i].len()));
        if let Some(i) = largest {
            counts[i] = usize::from(classes[i].len() > 1);
        }
    }
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    for (rows, count) in classes.iter().zip(counts) {
        valid.extend_from_slice(&rows[..count]);
        train.extend_from_slice(&rows[count..]);
    }
    train.sort_unstable();
    valid.sort_unstable();
    (train, valid)
}

/// Draws `n` rows with the classes in the proportions they have in the whole (largest remainders
/// get the rows that rounding leaves over). Returns places in rising order; all of them when `n` is
/// at least the number of rows.
pub fn stratified_sample<L: Ord>(labels: &[L], n: usize, seed: u64) -> Vec<usize> {
    let n = n.min(labels.len());
    let classes = shuffled_classes(labels, &mut rng::stream(seed, "stratified sample", 0));
    let share = |rows: &Vec<usize>| rows.len() as u128 * n as u128;
    let total = labels.len().max(1) as u128;
    let mut counts: Vec<usize> = classes
        .iter()
        .map(|rows| (share(rows) / total) as usize)
        .collect();
    let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
    by_remainder.sort_by_key(|&i| std::cmp::Reverse(share(&classes[i]) % total));
    let left = n - counts.iter().sum::<usize>();
    for &i in by_remainder.iter().take(left) {
        counts[i] += 1;
    }
    take(&classes, &counts)
}

/// Draws `n` rows with as many of each class as of any other, as in the paper's low-shot figure
/// ("balanced" subsets). Where a class has too few rows, the others make up for it. Returns places
/// in rising order.
pub fn balanced_sample<L: Ord>(labels: &[L], n: usize, seed: u64) -> Vec<usize> {
    let n = n.min(labels.len());
    let classes = shuffled_classes(labels, &mut rng::stream(seed, "balanced sample", 0));
    let mut counts = vec![0; classes.len()];
    let mut left = n;
    while left > 0 {
        let mut open: Vec<usize> = (0..classes.len())
            .filter(|&i| counts[i] < classes[i].len())
            .collect();
        open.truncate(left);
        if open.is_empty() {
            break;
        }
        let each = left / open.len();
        for i in open {
            let more = each.min(classes[i].len() - counts[i]);
            counts[i] += more;
            left -= more;
        }
    }
    take(&classes, &counts)
}

/// The rows of each class in random order; classes in the order of their labels.
fn shuffled_classes<L: Ord>(labels: &[L], rng: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut classes: BTreeMap<&L, Vec<usize>> = BTreeMap::new();
    for (row, label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(row);
    }
    let mut classes: Vec<Vec<usize>> = classes.into_values().collect();
    for rows in &mut classes {
        rng::shuffle(rng, rows);
    }
    classes
}

fn take(classes: &[Vec<usize>], counts: &[usize]) -> Vec<usize> {
    let mut rows: Vec<usize> = classes
        .iter()
        .zip(counts)
        .flat_map(|(rows, &count)| &rows[..count])
        .copied()
        .collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(labels: &[&str], rows: &[usize], label: &str) -> usize {
        rows.iter().filter(|&&row| labels[row] == label).count()
    }

    fn labels() -> Vec<&'static str> {
        [vec!["a"; 60], vec!["b"; 30], vec!["c"; 9], vec!["d"]].concat()
    }

    #[test]
    fn a_split_keeps_shares_and_loses_nothing() {
        let labels = labels();
        let (train, valid) = stratified_split(&labels, 0.1, 1);
        assert_eq!(
            ["a", "b", "c", "d"].map(|label| count(&labels, &valid, label)),
            [6, 3, 1, 0]
        );
        let mut all = [train, valid].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
    }

    #[test]
    fn a_split_leaves_each_class_a_row_to_train_on() {
        let (train, valid) = stratified_split(&["a", "a", "b"], 1.0, 1);
        assert_eq!((train.len(), valid.len()), (2, 1));
        assert!(train.contains(&2));
        assert_eq!(stratified_split::<u8>(&[], 0.5, 1), (vec![], vec![]));
        assert_eq!(
            stratified_split(&["a"; 4], f64::NAN, 1).1,
            Vec::<usize>::new()
        );
    }

    #[test]
    fn a_small_fraction_still_validates_on_something() {
        assert_eq!(stratified_split(&["a", "b", "b", "b"], 0.01, 1).1.len(), 1);
        assert_eq!(stratified_split(&["a", "b"], 0.5, 1).1.len(), 1 - 1);
    }

    #[test]
    fn samples_have_the_size_and_the_shares_asked_for() {
        let labels = labels();
        let rows = stratified_sample(&labels, 10, 1);
        assert_eq!(
            ["a", "b", "c", "d"].map(|label| count(&labels, &rows, label)),
            [6, 3, 1, 0]
        );
        let rows = balanced_sample(&labels, 40, 1);
        assert_eq!(rows.len(), 40);
        assert_eq!(["c", "d"].map(|label| count(&labels, &rows, label)), [9, 1]);
        assert!(balanced_sample(&labels, 1000, 1).into_iter().eq(0..100));
        assert!(stratified_sample(&labels, 1000, 1).into_iter().eq(0..100));
    }

    #[test]
    fn the_seed_decides() {
        let labels = labels();
        assert_eq!(
            stratified_split(&labels, 0.3, 5),
            stratified_split(&labels, 0.3, 5)
        );
        assert_ne!(
            stratified_split(&labels, 0.3, 5),
            stratified_split(&labels, 0.3, 6)
        );
        assert_ne!(
            stratified_sample(&labels, 20, 5),
            stratified_sample(&labels, 20, 6)
        );
    }
}
