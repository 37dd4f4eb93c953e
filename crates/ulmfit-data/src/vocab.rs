//! Tokens to ids and back, with fastai v2's choice of words.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::special;

/// Which words get an id of their own. The defaults are fastai v2's (`make_vocab`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VocabConfig {
    /// A word must occur at least this often (3).
    #[doc(alias = "min_count")]
    pub min_freq: u64,
    /// Most tokens to keep, special tokens included, fillers not (60,000). Below 9 it means 9.
    #[doc(alias = "max_vocab")]
    pub max_size: usize,
    /// Fill up to a multiple of this with `xxfake` (8). As in fastai, `n - len % n` fillers are
    /// appended, so a length that already is a multiple gets `n` more: 60,000 becomes 60,008.
    /// 0 and 1 add none.
    pub pad_to_multiple: usize,
}

impl Default for VocabConfig {
    fn default() -> Self {
        Self {
            min_freq: 3,
            max_size: 60_000,
            pad_to_multiple: 8,
        }
    }
}

/// Counts tokens and remembers the order in which they were first seen.
#[derive(Clone, Debug, Default)]
pub struct VocabBuilder {
    places: HashMap<String, u32>,
    /// The tokens in the order of their first occurrence, with their counts.
    counts: Vec<(String, u64)>,
}

impl VocabBuilder {
    /// A builder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the tokens of one document.
    pub fn add(&mut self, tokens: &[String]) {
        for token in tokens {
            self.count(token);
        }
    }

    /// Counts one occurrence and returns the token's place in the order of first occurrence.
    pub(crate) fn count(&mut self, token: &str) -> u32 {
        if let Some(&place) = self.places.get(token) {
            self.counts[place as usize].1 += 1;
            return place;
        }
        let place = self.counts.len() as u32;
        self.places.insert(token.to_owned(), place);
        self.counts.push((token.to_owned(), 1));
        place
    }

    /// How many different tokens there were.
    pub fn n_distinct(&self) -> usize {
        self.counts.len()
    }

    /// The tokens in the order of first occurrence, with their counts.
    pub fn counts(&self) -> &[(String, u64)] {
        &self.counts
    }

    /// The tokens in the order of first occurrence, with their counts.
    pub(crate) fn into_counts(self) -> Vec<(String, u64)> {
        self.counts
    }

    /// The vocabulary: the special tokens, then the words by falling frequency, ties in the order in
    /// which they were first seen, cut at `max_size`, then the fillers.
    pub fn build(&self, config: &VocabConfig) -> Vocab {
        let counts = self.counts.iter();
        let counts = counts.map(|(token, count)| (token.as_str(), *count));
        Vocab::choose(counts.collect(), config)
    }
}

/// Appends fillers up to a multiple: see [`VocabConfig::pad_to_multiple`].
fn fill(strings: &mut Vec<String>, multiple: usize) {
    if multiple > 1 {
        let fillers = multiple - strings.len() % multiple;
        strings.extend(std::iter::repeat_n(special::FILLER.to_owned(), fillers));
    }
}

/// A list of tokens; a token's place is its id.
///
/// Serialized as the plain list. The fillers (`xxfake`) take up ids but cannot be looked up: even a
/// text that says "xxfake" gets `xxunk` for it, as in fastai.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Vocab {
    strings: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocab {
    /// A vocabulary from its tokens in id order.
    ///
    /// # Errors
    ///
    /// [`DataError::InvalidVocab`] when the list is empty, repeats a token other than the filler, or
    /// lacks `xxunk`, without which an unknown word has no id.
    pub fn from_strings(strings: Vec<String>) -> Result<Self, DataError> {
        let invalid = |reason: String| Err(DataError::InvalidVocab { reason });
        if strings.is_empty() {
            return invalid("the list is empty".to_owned());
        }
        let mut seen = HashSet::new();
        let repeated = strings
            .iter()
            .find(|token| *token != special::FILLER && !seen.insert(token.as_str()));
        if let Some(token) = repeated {
            return invalid(format!("\"{token}\" is in the list twice"));
        }
        if !seen.contains(special::UNK) {
            return invalid(format!("\"{}\" is not in the list", special::UNK));
        }
        if u32::try_from(strings.len()).is_err() {
            return invalid(format!("{} tokens are too many", strings.len()));
        }
        Ok(Self::index(strings))
    }

    /// A vocabulary from its tokens in id order, filled up to a multiple.
    pub(crate) fn filled(
        mut strings: Vec<String>,
        pad_to_multiple: usize,
    ) -> Result<Self, DataError> {
        fill(&mut strings, pad_to_multiple);
        Self::from_strings(strings)
    }

    /// The vocabulary of tokens in the order of first occurrence, with their counts, as
    /// [`VocabBuilder::build`] says.
    pub(crate) fn choose(mut kept: Vec<(&str, u64)>, config: &VocabConfig) -> Self {
        // Stable, so ties keep the order of first occurrence, as Python's `most_common` does.
        kept.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kept.truncate(config.max_size);

        let words = kept
            .into_iter()
            .filter(|(token, count)| *count >= config.min_freq && !special::ALL.contains(token))
            .map(|(token, _)| token.to_owned());
        let mut strings: Vec<String> = special::ALL
            .iter()
            .map(ToString::to_string)
            .chain(words)
            .collect();
        strings.truncate(config.max_size.max(special::ALL.len()));
        fill(&mut strings, config.pad_to_multiple);
        Self::index(strings)
    }

    fn index(strings: Vec<String>) -> Self {
        let ids = strings
            .iter()
            .enumerate()
            .filter(|(_, token)| *token != special::FILLER)
            .map(|(id, token)| (token.clone(), id as u32))
            .collect();
        Self { strings, ids }
    }

    /// This vocabulary with the tokens of another one that it does not have behind its own, which keep
    /// their ids; filled up anew, as [`VocabConfig::pad_to_multiple`] says.
    #[must_use]
    pub fn extended(&self, more: &Self, pad_to_multiple: usize) -> Self {
        let new = more
            .strings
            .iter()
            .filter(|token| !self.ids.contains_key(*token));
        let tokens = self.strings.iter().chain(new);
        let tokens = tokens.filter(|token| *token != special::FILLER);
        let mut strings = tokens.cloned().collect();
        fill(&mut strings, pad_to_multiple);
        Self::index(strings)
    }

    /// The token's id, if it has one of its own.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// The token with this id.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.strings.get(id as usize).map(String::as_str)
    }

    /// The id that unknown words get: that of `xxunk`, 0 in every vocabulary built here.
    pub fn unknown_id(&self) -> u32 {
        self.id(special::UNK).unwrap_or(special::UNK_ID)
    }

    /// All tokens in id order, fillers included.
    #[doc(alias = "itos")]
    pub fn strings(&self) -> &[String] {
        &self.strings
    }

    /// How many ids there are, fillers included: the height of the embedding matrix.
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// Never true of a vocabulary that was checked or built.
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }

    /// The tokens' ids; an unknown token gets [`unknown_id`](Self::unknown_id).
    pub fn numericalize<T: AsRef<str>>(&self, tokens: &[T]) -> Vec<u32> {
        let unknown = self.unknown_id();
        tokens
            .iter()
            .map(|token| self.id(token.as_ref()).unwrap_or(unknown))
            .collect()
    }
}

impl TryFrom<Vec<String>> for Vocab {
    type Error = DataError;

    fn try_from(strings: Vec<String>) -> Result<Self, Self::Error> {
        Self::from_strings(strings)
    }
}

impl From<Vocab> for Vec<String> {
    fn from(vocab: Vocab) -> Self {
        vocab.strings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn built(text: &str, config: &VocabConfig) -> Vocab {
        let mut builder = VocabBuilder::new();
        builder.add(&words(text));
        builder.build(config)
    }

    #[test]
    fn an_extended_vocabulary_keeps_its_ids_and_has_all_words() {
        let of = |text: &str| Vocab::filled(words(text), 8).unwrap();
        let (task, general) = (of("xxunk xxpad film fine"), of("xxunk xxpad the film of"));
        let both = task.extended(&general, 8);
        assert_eq!(both.strings()[..6], words("xxunk xxpad film fine the of"));
        assert_eq!(
            (both.len(), both.id("film"), both.id("of")),
            (8, Some(2), Some(5))
        );
    }

    #[test]
    fn orders_by_frequency_then_first_occurrence() {
        let config = VocabConfig {
            min_freq: 2,
            ..VocabConfig::default()
        };
        let vocab = built("xxbos z y y z q q q once xxbos", &config);
        assert_eq!(vocab.strings()[..9], special::ALL);
        assert_eq!(vocab.strings()[9..12], ["q", "z", "y"]);
        assert_eq!(vocab.id("once"), None);
        // 12 tokens and 8 - 12 % 8 = 4 fillers.
        assert_eq!(vocab.len(), 16);
        assert_eq!(vocab.strings()[12..], ["xxfake"; 4]);
    }

    #[test]
    fn a_length_that_is_a_multiple_still_gets_fillers() {
        let config = VocabConfig {
            min_freq: 1,
            ..VocabConfig::default()
        };
        assert_eq!(built("a b c d e f g", &config).len(), 24);
        let plain = VocabConfig {
            pad_to_multiple: 0,
            ..config
        };
        assert_eq!(built("a b c d e f g", &plain).len(), 16);
    }

    #[test]
    fn max_size_counts_special_tokens_and_keeps_them() {
        let config = VocabConfig {
            min_freq: 1,
            max_size: 10,
            pad_to_multiple: 1,
        };
        assert_eq!(built("b a a", &config).strings()[9..], ["a"]);
        let tiny = VocabConfig {
            max_size: 2,
            ..config
        };
        assert_eq!(built("b a a", &tiny).strings(), special::ALL);
    }

    #[test]
    fn unknown_words_and_fillers_become_xxunk() {
        let vocab = built("a a a", &VocabConfig::default());
        assert_eq!(
            vocab.numericalize(&["a", "b", "xxfake", "xxpad"]),
            [9, 0, 0, 1]
        );
        assert_eq!(vocab.id("xxfake"), None);
        assert_eq!(vocab.token(9), Some("a"));
        assert_eq!(vocab.token(99), None);
    }

    #[test]
    fn bad_lists_are_refused() {
        for (list, reason) in [
            ("", "not a vocabulary: the list is empty"),
            ("xxunk a a", "not a vocabulary: \"a\" is in the list twice"),
            ("a b", "not a vocabulary: \"xxunk\" is not in the list"),
        ] {
            assert_eq!(
                Vocab::from_strings(words(list)).unwrap_err().to_string(),
                reason
            );
        }
        assert!(Vocab::from_strings(words("xxunk xxfake xxfake")).is_ok());
    }

    #[test]
    fn another_place_for_xxunk_is_respected() {
        let vocab = Vocab::from_strings(words("a xxunk")).unwrap();
        assert_eq!(vocab.numericalize(&["b"]), [1]);
    }

    #[test]
    fn serializes_as_a_list() {
        let vocab = Vocab::from_strings(words("xxunk a xxfake")).unwrap();
        let json = serde_json::to_string(&vocab).unwrap();
        assert_eq!(json, r#"["xxunk","a","xxfake"]"#);
        assert_eq!(serde_json::from_str::<Vocab>(&json).unwrap(), vocab);
        assert!(serde_json::from_str::<Vocab>(r#"["a"]"#).is_err());
    }
}
