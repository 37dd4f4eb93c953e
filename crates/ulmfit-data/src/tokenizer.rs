//! Text to tokens: rules, then a splitter.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::corpus::Document;
use crate::detokenize;
use crate::error::DataError;
use crate::parts::parts;
use crate::rules;
use crate::special;
use crate::subwords::training::{self, WordCounts};
use crate::subwords::{SubwordKind, Subwords};
use crate::unicode_words;
use crate::vocab::{Vocab, VocabConfig};
use crate::word;

/// Which text rules run before and after the splitter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// fastai v2's rules and special tokens ([`crate::rules`]).
    #[default]
    FastaiV2,
    /// fastai 1.0's rules ([`crate::rules::v1`]), for checkpoints made with it.
    FastaiV1,
    /// fastai v2's without those for capitals ([`crate::rules::keep_case`]), for other languages
    /// than English.
    KeepCase,
}

/// How a text is cut in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Splitter {
    /// English words and punctuation, after spaCy's blank English ([`crate::word`]).
    #[default]
    Word,
    /// Words by Unicode's boundaries ([`crate::unicode_words`]).
    UnicodeWords,
    /// Subwords by a Unigram model ([`crate::subwords`]).
    Unigram,
    /// Subwords by byte-pair encoding ([`crate::subwords`]).
    Bpe,
}

impl Splitter {
    /// The model of pieces, of a splitter that has one.
    pub const fn subword_kind(self) -> Option<SubwordKind> {
        match self {
            Self::Word | Self::UnicodeWords => None,
            Self::Unigram => Some(SubwordKind::Unigram),
            Self::Bpe => Some(SubwordKind::Bpe),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::UnicodeWords => "unicode-words",
            Self::Unigram => "unigram",
            Self::Bpe => "bpe",
        }
    }
}

impl From<SubwordKind> for Splitter {
    fn from(kind: SubwordKind) -> Self {
        match kind {
            SubwordKind::Unigram => Self::Unigram,
            SubwordKind::Bpe => Self::Bpe,
        }
    }
}

/// What it takes to tokenize a text the same way again, but for the pieces of subwords. Travels with
/// every model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerConfig {
    /// The text rules.
    pub rules: Rules,
    /// The splitter.
    pub splitter: Splitter,
}

/// Turns texts into tokens. Nothing in it changes by that, so one tokenizer serves all threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "processor")]
pub struct Tokenizer {
    config: TokenizerConfig,
    /// There just where the splitter is one of subwords.
    subwords: Option<Subwords>,
}

impl Tokenizer {
    /// A tokenizer of words.
    ///
    /// # Errors
    ///
    /// [`DataError::UntrainedTokenizer`] for subwords, which take training ([`TokenizerTrainer`]) or
    /// a model of pieces ([`with_subwords`](Self::with_subwords)).
    pub fn new(config: TokenizerConfig) -> Result<Self, DataError> {
        Self::from_parts(config, None)
    }

    /// A tokenizer of these subwords.
    pub fn with_subwords(rules: Rules, subwords: Subwords) -> Self {
        let splitter = subwords.kind().into();
        Self {
            config: TokenizerConfig { rules, splitter },
            subwords: Some(subwords),
        }
    }

    /// A tokenizer of what [`config`](Self::config) and [`subwords`](Self::subwords) gave.
    ///
    /// # Errors
    ///
    /// [`DataError::UntrainedTokenizer`] when the splitter needs subwords and there are none,
    /// [`DataError::InvalidTokenizer`] when they are of another kind.
    pub fn from_parts(
        config: TokenizerConfig,
        subwords: Option<Subwords>,
    ) -> Result<Self, DataError> {
        let splitter = config.splitter.name();
        match (config.splitter.subword_kind(), &subwords) {
            (Some(_), None) => Err(DataError::UntrainedTokenizer { splitter }),
            (kind, given) if kind != given.as_ref().map(Subwords::kind) => {
                Err(DataError::InvalidTokenizer {
                    reason: format!("its pieces are not of the {splitter} tokenizer"),
                })
            }
            _ => Ok(Self { config, subwords }),
        }
    }

    /// The settings.
    pub const fn config(&self) -> &TokenizerConfig {
        &self.config
    }

    /// The model of pieces, if it has one.
    pub const fn subwords(&self) -> Option<&Subwords> {
        self.subwords.as_ref()
    }

    /// The tokenizer's own vocabulary, if it has one: then it is the one to use, in place of one
    /// built from counts.
    ///
    /// # Errors
    ///
    /// [`DataError::InvalidVocab`] when the pieces cannot be one.
    pub fn vocab(&self, pad_to_multiple: usize) -> Result<Option<Vocab>, DataError> {
        let own = self.subwords.as_ref();
        own.map(|subwords| subwords.vocab(pad_to_multiple))
            .transpose()
    }

    /// The tokens of one text. The first is `xxbos`, even of an empty text; in a SentencePiece model
    /// made with fastai it is the piece `▁xxbos`.
    pub fn tokenize(&self, text: &str) -> Vec<String> {
        let prepared = prepare(self.config.rules, text);
        let tokens = match (&self.subwords, self.config.splitter) {
            (Some(subwords), _) => return subwords.split(&prepared),
            (None, Splitter::UnicodeWords) => unicode_words::split(&prepared),
            (None, _) => word::split(&prepared),
        };
        match self.config.rules {
            Rules::FastaiV2 | Rules::KeepCase => {
                tokens.into_iter().map(rules::replace_space).collect()
            }
            Rules::FastaiV1 => rules::v1::mark_capitals(tokens),
        }
    }

    /// The tokens of a document of several fields, each behind `xxfld` and its number: fastai's
    /// `mark_fields`. A single field is tokenized without the mark, as by
    /// [`tokenize`](Self::tokenize).
    pub fn tokenize_fields<T: AsRef<str>>(&self, fields: &[T]) -> Vec<String> {
        match fields {
            [] => self.tokenize(""),
            [field] => self.tokenize(field.as_ref()),
            _ => self.tokenize(&mark_fields(fields)),
        }
    }

    /// The text that tokens stand for, as far as they tell: capitals and repetitions as they are
    /// marked, spaces where English has them.
    ///
    /// ```
    /// let tokenizer = ulmfit_data::Tokenizer::default();
    /// let tokens = tokenizer.tokenize("I LOVED it!!! Don't you?");
    /// assert_eq!(tokenizer.detokenize(&tokens), "I LOVED it!!! Don't you?");
    /// ```
    pub fn detokenize<T: AsRef<str>>(&self, tokens: &[T]) -> String {
        match self.subwords {
            Some(_) => detokenize::subwords(tokens),
            None => detokenize::words(tokens, self.config.rules != Rules::KeepCase),
        }
    }

    /// The tokens of many texts, in order, on all cores.
    pub fn tokenize_all<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Vec<Vec<String>> {
        texts
            .par_iter()
            .map(|text| self.tokenize(text.as_ref()))
            .collect()
    }

    /// The tokens of many documents, in order, on all cores.
    pub fn tokenize_documents(&self, documents: &[Document]) -> Vec<Vec<String>> {
        documents
            .par_iter()
            .map(|document| self.tokenize_fields(&document.fields))
            .collect()
    }
}

/// Makes a tokenizer from text, which only subwords read.
///
/// ```
/// use ulmfit_data::{Document, Splitter, TokenizerConfig, TokenizerTrainer, VocabConfig};
///
/// # fn main() -> Result<(), ulmfit_data::DataError> {
/// let splitter = Splitter::Unigram;
/// let mut trainer = TokenizerTrainer::new(TokenizerConfig { splitter, ..Default::default() })?;
/// trainer.extend(&[Document::new("all of the text, in any number of parts")]);
/// let tokenizer = trainer.finish(&VocabConfig { max_size: 64, ..Default::default() })?;
/// assert_eq!(tokenizer.tokenize("The text")[..2], ["xxbos", "xxmaj"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TokenizerTrainer {
    config: TokenizerConfig,
    words: Option<WordCounts>,
}

impl TokenizerTrainer {
    /// A trainer that has seen nothing.
    ///
    /// # Errors
    ///
    /// None that can happen.
    pub fn new(config: TokenizerConfig) -> Result<Self, DataError> {
        let is_trained = config.splitter.subword_kind().is_some();
        let words = is_trained.then(WordCounts::new).transpose()?;
        Ok(Self { config, words })
    }

    /// Whether the tokenizer depends on text at all.
    pub const fn reads_text(&self) -> bool {
        self.words.is_some()
    }

    /// Reads documents, on all cores.
    pub fn extend(&mut self, documents: &[Document]) {
        let Some(words) = &mut self.words else { return };
        let rules = self.config.rules;
        for part in parts(documents) {
            let prepared: Vec<String> = part
                .par_iter()
                .map(|document| match document.fields.as_slice() {
                    [field] => prepare(rules, field),
                    fields => prepare(rules, &mark_fields(fields)),
                })
                .collect();
            words.add(&prepared);
        }
    }

    /// The tokenizer; one of subwords has at most [`max_size`](VocabConfig::max_size) pieces.
    ///
    /// # Errors
    ///
    /// As [`training::train`].
    pub fn finish(self, vocab: &VocabConfig) -> Result<Tokenizer, DataError> {
        match (self.config.splitter.subword_kind(), self.words) {
            (Some(kind), Some(words)) => {
                let subwords = training::train(kind, vocab.max_size, words)?;
                Tokenizer::from_parts(self.config, Some(subwords))
            }
            _ => Tokenizer::new(self.config),
        }
    }
}

/// A text by the rules that come before the splitter.
fn prepare(rules: Rules, text: &str) -> String {
    match rules {
        Rules::FastaiV2 => rules::apply(text),
        Rules::FastaiV1 => rules::v1::apply(text),
        Rules::KeepCase => rules::keep_case(text),
    }
}

/// `xxfld 1 first field xxfld 2 second field`, as fastai joins text columns.
fn mark_fields<T: AsRef<str>>(fields: &[T]) -> String {
    let marked: Vec<String> = fields
        .iter()
        .enumerate()
        .map(|(i, field)| format!("{} {} {}", special::FLD, i + 1, field.as_ref()))
        .collect();
    marked.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(tokens: &[String]) -> String {
        tokens.join("|")
    }

    fn tokenizer(rules: Rules, splitter: Splitter) -> Tokenizer {
        Tokenizer::new(TokenizerConfig { rules, splitter }).unwrap()
    }

    #[test]
    fn rules_and_words_together() {
        let tokenizer = Tokenizer::default();
        assert_eq!(
            joined(&tokenizer.tokenize("I LOVED it!!!<br /><br />Don't you?")),
            "xxbos|i|xxup|loved|it|xxrep|3|!|\n\n|xxmaj|do|n't|you|?"
        );
        assert_eq!(tokenizer.tokenize(""), ["xxbos"]);
    }

    #[test]
    fn other_rules_and_splitters() {
        let text = "Das IST gut!!! Ja, Mr. X isn't…";
        for (rules, splitter, expected) in [
            (
                Rules::KeepCase,
                Splitter::UnicodeWords,
                "xxbos|Das|IST|gut|xxrep|3|!|Ja|,|Mr|.|X|isn't|…",
            ),
            (
                Rules::KeepCase,
                Splitter::Word,
                "xxbos|Das|IST|gut|xxrep|3|!|Ja|,|Mr.|X|is|n't|…",
            ),
            (
                Rules::FastaiV1,
                Splitter::Word,
                "xxbos|xxmaj|das|xxup|ist|gut|!|!|!|xxmaj|ja|,|xxmaj|mr.|x|is|n't|…",
            ),
        ] {
            let tokens = tokenizer(rules, splitter).tokenize(text);
            assert_eq!(joined(&tokens), expected, "{rules:?} {splitter:?}");
        }
    }

    #[test]
    fn several_fields_are_marked() {
        let tokenizer = Tokenizer::default();
        assert_eq!(joined(&tokenizer.tokenize_fields(&["A b"])), "xxbos|a|b");
        assert_eq!(
            joined(&tokenizer.tokenize_fields(&["Title", "", "Some text."])),
            "xxbos|xxfld|1|xxmaj|title|xxfld|2|xxfld|3|xxmaj|some|text|."
        );
        assert_eq!(tokenizer.tokenize_fields::<&str>(&[]), ["xxbos"]);
    }

    #[test]
    fn all_cores_keep_the_order() {
        let tokenizer = Tokenizer::default();
        let texts: Vec<String> = (0..1000).map(|i| format!("text number {i}")).collect();
        let all = tokenizer.tokenize_all(&texts);
        for (text, tokens) in texts.iter().zip(all) {
            assert_eq!(tokens, tokenizer.tokenize(text));
        }
    }

    #[test]
    fn subwords_are_not_made_of_nothing() {
        let splitter = Splitter::Bpe;
        let config = TokenizerConfig {
            splitter,
            ..TokenizerConfig::default()
        };
        assert_eq!(
            Tokenizer::new(config).unwrap_err().to_string(),
            "the bpe tokenizer has no pieces yet; train it on text, or give a tokenizer.json"
        );
    }

    #[test]
    fn the_configuration_is_written_in_kebab_case() {
        let json = serde_json::to_string(&TokenizerConfig::default()).unwrap();
        assert_eq!(json, r#"{"rules":"fastai-v2","splitter":"word"}"#);
        assert!(serde_json::from_str::<TokenizerConfig>(r#"{"rulez":"fastai-v2"}"#).is_err());
        let json = r#"{"rules":"keep-case","splitter":"unicode-words"}"#;
        assert!(serde_json::from_str::<TokenizerConfig>(json).is_ok());
    }
}
