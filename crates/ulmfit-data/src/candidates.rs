//! The words that a sampled softmax compares a batch's targets with.

use std::collections::HashMap;

use crate::error::DataError;
use crate::rng;
use crate::token_ids::TokenIds;

/// Draws the candidates of each step from the frequencies of a corpus.
#[derive(Clone, Debug)]
pub struct CandidateSampler {
    /// How many occurrences there are of the words up to each, itself included.
    cumulative: Vec<u64>,
    samples: usize,
    seed: u64,
}

/// The words that the targets of one batch are compared with, instead of the whole vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    /// The words, each once: the targets in the order of their first occurrence, then the sampled.
    pub ids: Vec<u32>,
    /// Where each target is among `ids`.
    pub targets: Vec<u32>,
    /// For each of `ids`, the logarithm of the probability that a batch of as many tokens has it
    /// among its candidates. What is less probable stands for more words like it.
    pub log_probabilities: Vec<f32>,
}

impl CandidateSampler {
    /// Draws `samples` occurrences a step from the words of `corpus`, beside the targets.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the corpus is on disk and cannot be read.
    pub fn new(
        corpus: &dyn TokenIds,
        vocab_size: usize,
        samples: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        let mut counts = corpus.counts(vocab_size)?;
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        Ok(Self {
            cumulative: counts,
            samples,
            seed,
        })
    }

    /// The candidates of step `step`, which depend on the seed, the step and the targets alone.
    ///
    /// # Panics
    ///
    /// Panics on a target that is not in the vocabulary.
    pub fn draw(&self, step: u64, targets: &[u32]) -> Candidates {
        let mut rng = rng::stream(self.seed, "candidates", step);
        let total = self.cumulative.last().copied().unwrap_or(0);
        let samples = if total == 0 { 0 } else { self.samples };
        let sampled = (0..samples).map(|_| {
            let occurrence = rng::below(&mut rng, total as usize) as u64;
            self.cumulative.partition_point(|&sum| sum <= occurrence) as u32
        });

        let mut places = HashMap::new();
        let mut ids = Vec::new();
        let mut place = |id: u32| {
            *places.entry(id).or_insert_with(|| {
                ids.push(id);
                ids.len() as u32 - 1
            })
        };
        let targets: Vec<u32> = targets.iter().map(|&target| place(target)).collect();
        for id in sampled {
            place(id);
        }
        // Targets are occurrences of the same corpus, so that they are draws like the others.
        let draws = (targets.len() + samples) as f64;
        let log_probability = |&id: &u32| {
            let frequency = self.count(id).max(1) as f64 / total.max(1) as f64;
            // 1 - (1 - frequency)^draws, without losing the digits of a small frequency.
            let missing = draws * (-frequency.min(1.0)).ln_1p();
            (-missing.exp_m1()).ln() as f32
        };
        Candidates {
            targets,
            log_probabilities: ids.iter().map(log_probability).collect(),
            ids,
        }
    }

    fn count(&self, id: u32) -> u64 {
        let before = (id as usize).checked_sub(1);
        self.cumulative[id as usize] - before.map_or(0, |before| self.cumulative[before])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoded::EncodedCorpus;

    fn sampler(samples: usize) -> CandidateSampler {
        // Word 0 never, word 1 once, word 2 three times, word 3 six times.
        let corpus = EncodedCorpus::from_documents([vec![1, 2, 2, 3, 3], vec![2, 3, 3, 3, 3]]);
        CandidateSampler::new(&corpus, 5, samples, 7).unwrap()
    }

    #[test]
    fn targets_are_candidates_and_each_word_is_one_once() {
        let candidates = sampler(100).draw(3, &[3, 1, 3, 3]);
        assert_eq!(candidates.targets, [0, 1, 0, 0]);
        assert_eq!(candidates.ids[..2], [3, 1]);
        let mut ids = candidates.ids.clone();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(candidates.log_probabilities.len(), 3);
    }

    #[test]
    fn candidates_depend_on_the_step_and_nothing_before_it() {
        let sampler = sampler(2);
        assert_eq!(sampler.draw(5, &[1]), sampler.draw(5, &[1]));
        let different = (0..20).any(|step| sampler.draw(step, &[1]) != sampler.draw(20, &[1]));
        assert!(different);
    }

    #[test]
    fn probabilities_are_those_of_being_drawn() {
        let sampler = sampler(1);
        let times = 20_000;
        let mut seen = [0; 5];
        for step in 0..times {
            // Two draws: the target, from the corpus as well, and one sample.
            let mut rng = rng::stream(1, "target", step);
            let target = [1, 2, 2, 2, 3, 3, 3, 3, 3, 3][rng::below(&mut rng, 10)];
            for id in sampler.draw(step, &[target]).ids {
                seen[id as usize] += 1;
            }
        }
        let candidates = sampler.draw(0, &[1, 2]);
        for (id, log_probability) in candidates.ids.iter().zip(candidates.log_probabilities) {
            // The draw above has two targets and so three draws; the loop had two.
            let frequency = [0.0, 0.1, 0.3, 0.6, 0.0][*id as usize];
            let of = |draws: i32| 1.0 - (1.0_f64 - frequency).powi(draws);
            assert!((f64::from(log_probability).exp() - of(3)).abs() < 1e-6);
            let share = f64::from(seen[*id as usize]) / times as f64;
            assert!((share - of(2)).abs() < 0.02, "word {id}: {share}");
        }
    }

    #[test]
    fn words_that_the_corpus_does_not_have_are_no_error() {
        let candidates = sampler(3).draw(0, &[0, 4]);
        assert!(
            candidates
                .log_probabilities
                .iter()
                .all(|value| value.is_finite())
        );
        let empty = CandidateSampler::new(
            &EncodedCorpus::from_documents(Vec::<Vec<u32>>::new()),
            3,
            10,
            0,
        )
        .unwrap();
        assert_eq!(empty.draw(0, &[2, 2]).ids, [2]);
    }
}
