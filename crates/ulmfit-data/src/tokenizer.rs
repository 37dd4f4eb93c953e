//! Text to tokens: rules, then a splitter.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::corpus::Document;
use crate::rules;
use crate::special;
use crate::word;

/// Which text rules run before and after the splitter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// fastai v2's rules and special tokens ([`crate::rules`]).
    #[default]
    FastaiV2,
}

/// How a text is cut in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Splitter {
    /// English words and punctuation, after spaCy's blank English ([`crate::word`]).
    #[default]
    Word,
}

/// What it takes to tokenize a text the same way again. Travels with every model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerConfig {
    /// The text rules.
    pub rules: Rules,
    /// The splitter.
    pub splitter: Splitter,
}

/// Turns texts into tokens. Holds no state, so one tokenizer serves all threads.
#[derive(Clone, Debug, Default)]
#[doc(alias = "processor")]
pub struct Tokenizer {
    config: TokenizerConfig,
}

impl Tokenizer {
    /// A tokenizer.
    pub const fn new(config: TokenizerConfig) -> Self {
        Self { config }
    }

    /// The settings.
    pub const fn config(&self) -> &TokenizerConfig {
        &self.config
    }

    /// The tokens of one text. The first is `xxbos`, even of an empty text.
    pub fn tokenize(&self, text: &str) -> Vec<String> {
        let prepared = match self.config.rules {
            Rules::FastaiV2 => rules::apply(text),
        };
        let tokens = match self.config.splitter {
            Splitter::Word => word::split(&prepared),
        };
        match self.config.rules {
            Rules::FastaiV2 => tokens.into_iter().map(rules::replace_space).collect(),
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
    fn the_configuration_is_written_in_kebab_case() {
        let json = serde_json::to_string(&TokenizerConfig::default()).unwrap();
        assert_eq!(json, r#"{"rules":"fastai-v2","splitter":"word"}"#);
        assert!(serde_json::from_str::<TokenizerConfig>(r#"{"rulez":"fastai-v2"}"#).is_err());
    }
}
