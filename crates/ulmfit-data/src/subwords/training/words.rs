//! The words of a text with their counts, in bounded memory.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use tokenizers::models::bpe::BPE;
use tokenizers::tokenizer::{NormalizedString, Normalizer, PreTokenizedString, PreTokenizer};
use tokenizers::{OffsetReferential, OffsetType, Tokenizer as HfTokenizer};

use crate::error::DataError;
use crate::special;

/// Different words that are kept; with more, the rarest are forgotten.
const MOST_WORDS: usize = 2_000_000;

/// Characters of the longest word that is trained on. A longer one is cut: scripts without spaces
/// have words of any length, and the sums of training would run out of floats.
const LONGEST_WORD: usize = 256;

/// Texts that are counted at a time.
const BATCH_TEXTS: usize = 2048;

/// Of all characters in a text, this part is kept as pieces, as in fastai for European languages.
const COVERAGE: f64 = 0.99999;

/// Counts the words that a tokenizer's pieces are cut from.
#[derive(Clone, Debug)]
pub struct WordCounts {
    frame: HfTokenizer,
    counts: HashMap<String, u64>,
}

impl WordCounts {
    /// Counts of nothing.
    ///
    /// # Errors
    ///
    /// None that can happen: the parts of the tokenizer are the same each time.
    pub fn new() -> Result<Self, DataError> {
        Ok(Self {
            frame: super::frame(BPE::default())?,
            counts: HashMap::new(),
        })
    }

    /// Counts the words of texts that the rules have prepared, on all cores.
    pub fn add<T: AsRef<str> + Sync>(&mut self, texts: &[T]) {
        for batch in texts.chunks(BATCH_TEXTS) {
            let frame = &self.frame;
            let counted: Vec<HashMap<String, u64>> = batch
                .par_chunks(64)
                .map(|texts| {
                    let mut counts = HashMap::new();
                    for text in texts {
                        count(frame, text.as_ref(), &mut counts);
                    }
                    counts
                })
                .collect();
            for counts in counted {
                for (word, count) in counts {
                    *self.counts.entry(word).or_default() += count;
                }
            }
            let mut rare = 1;
            while self.counts.len() > MOST_WORDS {
                self.counts.retain(|_, count| *count > rare);
                rare *= 2;
            }
        }
    }

    /// How many different words there are.
    pub fn n_distinct(&self) -> usize {
        self.counts.len()
    }

    /// The most frequent words, in an order that depends on nothing but the counts. They are cut at
    /// characters that are too rare to be pieces: those beyond the coverage, and beyond the
    /// `most_characters` most frequent.
    pub(super) fn into_training_words(
        self,
        most_words: usize,
        most_characters: usize,
    ) -> Vec<(String, u32)> {
        let mut words: Vec<(String, u64)> = self.counts.into_iter().collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        words.truncate(most_words);
        let kept = frequent_characters(&words, most_characters);

        let mut cut: HashMap<&str, u64> = HashMap::new();
        for (word, count) in &words {
            for part in word.split(|c| !kept.contains(&c)) {
                if !part.is_empty() {
                    *cut.entry(part).or_default() += count;
                }
            }
        }
        let mut cut: Vec<(&str, u64)> = cut.into_iter().collect();
        cut.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));

        // The trainer adds counts up in 32 bits.
        let total: u64 = cut.iter().map(|(_, count)| count).sum();
        let divisor = total.div_ceil(u64::from(u32::MAX / 4)).max(1);
        cut.into_iter()
            .map(|(word, count)| (word.to_owned(), count.div_ceil(divisor) as u32))
            .collect()
    }
}

/// The characters that make up [`COVERAGE`] of all, and no more than `most`. `▁` is always one.
fn frequent_characters(words: &[(String, u64)], most: usize) -> HashSet<char> {
    let mut counts: HashMap<char, u64> = HashMap::new();
    for (word, count) in words {
        for c in word.chars() {
            *counts.entry(c).or_default() += count;
        }
    }
    let mut characters: Vec<(char, u64)> = counts.into_iter().collect();
    characters.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let total: u64 = characters.iter().map(|(_, count)| count).sum();
    let enough = (total as f64 * COVERAGE).ceil() as u64;
    let mut covered = 0;
    let mut kept = HashSet::from(['▁']);
    for (character, count) in characters.into_iter().take(most) {
        if covered >= enough {
            break;
        }
        covered += count;
        kept.insert(character);
    }
    // The trainer uses it between words.
    kept.remove(&'\0');
    kept
}

fn count(frame: &HfTokenizer, text: &str, counts: &mut HashMap<String, u64>) {
    let mut normalized = NormalizedString::from(text);
    if let Some(normalizer) = frame.get_normalizer()
        && normalizer.normalize(&mut normalized).is_err()
    {
        return;
    }
    let mut words = PreTokenizedString::from(normalized);
    if let Some(pre_tokenizer) = frame.get_pre_tokenizer()
        && pre_tokenizer.pre_tokenize(&mut words).is_err()
    {
        return;
    }
    for (word, _, _) in words.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
        let is_special = word
            .strip_prefix('▁')
            .is_some_and(|word| special::ALL.contains(&word));
        if is_special || word == "▁" {
            continue;
        }
        let mut rest = word;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(LONGEST_WORD);
            let (part, behind) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
            if let Some(count) = counts.get_mut(part) {
                *count += 1;
            } else {
                counts.insert(part.to_owned(), 1);
            }
            rest = behind;
        }
    }
}
