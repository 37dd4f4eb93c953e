//! How many tokens each batch takes from a row.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::rng;

/// Chance that a jittered batch is drawn around the base and not around half of it (awd-lstm-lm,
/// `main.py`).
const FULL_LENGTH_CHANCE: f64 = 0.95;
/// Spread of the drawn lengths in tokens (awd-lstm-lm, `main.py`).
const STANDARD_DEVIATION: f64 = 5.0;
/// Shortest drawn length in tokens (awd-lstm-lm, `main.py`).
const SHORTEST: usize = 5;
/// Most tokens over the base: five standard deviations, so one draw in three million is cut, and
/// memory has a bound. fastai 0.7 makes its first batch that long, so that no later one needs more memory;
/// awd-lstm-lm remarks that very long draws can exhaust it.
const MOST_OVER_BASE: usize = 25;

/// Tokens a row gives to a batch: backpropagation through time reaches back this far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SequenceLength {
    /// Always this many.
    Fixed(usize),
    /// A length drawn for each batch as in awd-lstm-lm: `N(base, 5)` with probability 0.95, else
    /// `N(base / 2, 5)`, rounded down, at least 5, at most `base + 25`.
    Jittered {
        /// The usual length (the paper's 70).
        base: usize,
    },
}

/// One batch's share of every row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// Tokens taken from each row.
    pub(crate) seq_len: usize,
    /// The drawn length over the base.
    pub(crate) learning_rate_scale: f64,
}

impl SequenceLength {
    /// The usual length, which the learning rate is meant for.
    pub const fn base(self) -> usize {
        match self {
            Self::Fixed(base) | Self::Jittered { base } => base,
        }
    }

    /// The longest sequence a batch can have.
    pub const fn longest(self) -> usize {
        match self {
            Self::Fixed(length) => length,
            Self::Jittered { base } => base.saturating_add(MOST_OVER_BASE),
        }
    }

    /// Cuts a row in steps. The last one is as long as what is left.
    pub(crate) fn steps(self, row_length: usize, rng: &mut impl Rng) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut left = row_length;
        while left > 0 {
            let drawn = self.draw(rng).max(1);
            let seq_len = drawn.min(left);
            // The scale is that of the drawn length even where the row ends early, as in
            // awd-lstm-lm: a fixed length never rescales.
            let learning_rate_scale = drawn as f64 / self.base().max(1) as f64;
            steps.push(Step {
                seq_len,
                learning_rate_scale,
            });
            left -= seq_len;
        }
        steps
    }

    fn draw(self, rng: &mut impl Rng) -> usize {
        match self {
            Self::Fixed(length) => length,
            Self::Jittered { base } => {
                let full = rng::unit(rng) < FULL_LENGTH_CHANCE;
                let mean = if full { base as f64 } else { base as f64 / 2.0 };
                // A negative draw saturates to 0 and is then raised to the shortest length.
                let drawn = rng::normal(rng, mean, STANDARD_DEVIATION) as usize;
                drawn.clamp(SHORTEST, self.longest().max(SHORTEST))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(length: SequenceLength, row_length: usize) -> Vec<Step> {
        length.steps(row_length, &mut rng::stream(1, "test", 0))
    }

    #[test]
    fn fixed_steps_end_with_the_remainder() {
        let lengths: Vec<usize> = steps(SequenceLength::Fixed(3), 8)
            .iter()
            .map(|step| step.seq_len)
            .collect();
        assert_eq!(lengths, [3, 3, 2]);
        assert!(
            steps(SequenceLength::Fixed(3), 8)
                .iter()
                .all(|step| (step.learning_rate_scale - 1.0).abs() < f64::EPSILON)
        );
        assert!(steps(SequenceLength::Fixed(3), 0).is_empty());
    }

    #[test]
    fn jittered_steps_follow_awd_lstm_lm() {
        let steps = steps(SequenceLength::Jittered { base: 70 }, 700_000);
        let (last, drawn) = steps.split_last().unwrap();
        assert!(last.seq_len > 0);
        assert!(drawn.iter().all(|step| (5..=95).contains(&step.seq_len)));
        for step in drawn {
            assert!((step.learning_rate_scale - step.seq_len as f64 / 70.0).abs() < 1e-12);
        }
        let short = drawn.iter().filter(|step| step.seq_len < 52).count();
        let share = short as f64 / drawn.len() as f64;
        assert!((0.04..0.06).contains(&share), "{share}");
        assert_eq!(
            steps.iter().map(|step| step.seq_len).sum::<usize>(),
            700_000
        );
    }

    #[test]
    fn a_tiny_base_still_gives_five_tokens() {
        let steps = steps(SequenceLength::Jittered { base: 1 }, 1_000);
        assert!(
            steps[..steps.len() - 1]
                .iter()
                .all(|step| (5..=26).contains(&step.seq_len))
        );
    }

    #[test]
    fn is_written_in_kebab_case() {
        let json = serde_json::to_string(&SequenceLength::Jittered { base: 70 }).unwrap();
        assert_eq!(json, r#"{"jittered":{"base":70}}"#);
        assert_eq!(
            serde_json::to_string(&SequenceLength::Fixed(72)).unwrap(),
            r#"{"fixed":72}"#
        );
    }
}
