//! Many documents as token ids, in one flat list.

use rayon::prelude::*;

use crate::corpus::Document;
use crate::tokenizer::Tokenizer;
use crate::vocab::{Vocab, VocabBuilder, VocabConfig};

/// Documents that are tokenized at a time: enough to keep every core busy, few enough that their
/// token strings never matter beside the ids.
const BATCH_DOCUMENTS: usize = 2048;

/// The token ids of a list of documents, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedCorpus {
    ids: Vec<u32>,
    /// Where each document ends; document `i` starts where document `i - 1` ends.
    ends: Vec<usize>,
}

impl Default for EncodedCorpus {
    fn default() -> Self {
        Self::new()
    }
}

impl EncodedCorpus {
    /// A corpus without documents.
    pub const fn new() -> Self {
        Self {
            ids: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// A corpus of these documents, in this order.
    pub fn from_documents<D: AsRef<[u32]>>(documents: impl IntoIterator<Item = D>) -> Self {
        let mut corpus = Self::new();
        for document in documents {
            corpus.push(document.as_ref());
        }
        corpus
    }

    /// Appends a document, which may be empty.
    pub fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.ends.push(self.ids.len());
    }

    /// How many documents there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no document at all.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many tokens all documents have together.
    pub const fn n_tokens(&self) -> usize {
        self.ids.len()
    }

    /// The ids of document `i`; empty when there is no such document.
    pub fn document(&self, i: usize) -> &[u32] {
        let start = if i == 0 {
            Some(0)
        } else {
            self.ends.get(i - 1).copied()
        };
        match (start, self.ends.get(i)) {
            (Some(start), Some(&end)) => &self.ids[start..end],
            _ => &[],
        }
    }

    /// The documents in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> + '_ {
        (0..self.len()).map(|i| self.document(i))
    }

    /// Each document's length in tokens, in order.
    pub fn lengths(&self) -> Vec<usize> {
        self.iter().map(<[u32]>::len).collect()
    }

    /// The documents at these places, in the order given: a sample or one side of a split.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self::from_documents(indices.iter().map(|&i| self.document(i)))
    }
}

/// Tokenizes and numericalizes texts on all cores; document `i` is text `i`.
pub fn encode<T: AsRef<str> + Sync>(
    tokenizer: &Tokenizer,
    vocab: &Vocab,
    texts: &[T],
) -> EncodedCorpus {
    encode_with(texts, |text| {
        vocab.numericalize(&tokenizer.tokenize(text.as_ref()))
    })
}

/// As [`encode`], for documents, whose fields are marked when there are several.
pub fn encode_documents(
    tokenizer: &Tokenizer,
    vocab: &Vocab,
    documents: &[Document],
) -> EncodedCorpus {
    encode_with(documents, |document| {
        vocab.numericalize(&tokenizer.tokenize_fields(&document.fields))
    })
}

fn encode_with<T: Sync>(items: &[T], ids: impl Fn(&T) -> Vec<u32> + Sync) -> EncodedCorpus {
    let mut corpus = EncodedCorpus::new();
    for batch in items.chunks(BATCH_DOCUMENTS) {
        let encoded: Vec<Vec<u32>> = batch.par_iter().map(&ids).collect();
        for document in encoded {
            corpus.push(&document);
        }
    }
    corpus
}

/// A corpus tokenized once, before its vocabulary is chosen.
///
/// Choosing a vocabulary and encoding with it would need the tokens twice. Here each distinct token
/// is kept once and the documents as places in that list, so one pass does for both and memory
/// stays at four bytes a token.
#[derive(Clone, Debug, Default)]
pub struct TokenizedCorpus {
    tokens: VocabBuilder,
    places: EncodedCorpus,
}

impl TokenizedCorpus {
    /// A corpus without documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tokenizes documents on all cores and appends them in order.
    pub fn extend(&mut self, tokenizer: &Tokenizer, documents: &[Document]) {
        for batch in documents.chunks(BATCH_DOCUMENTS) {
            for tokens in tokenizer.tokenize_documents(batch) {
                let places: Vec<u32> = tokens
                    .iter()
                    .map(|token| self.tokens.count(token))
                    .collect();
                self.places.push(&places);
            }
        }
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no document at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many tokens all documents have together.
    pub fn n_tokens(&self) -> usize {
        self.places.n_tokens()
    }

    /// The token counts, from which any vocabulary can be built.
    pub fn token_counts(&self) -> &VocabBuilder {
        &self.tokens
    }

    /// The vocabulary of these documents.
    pub fn vocab(&self, config: &VocabConfig) -> Vocab {
        self.tokens.build(config)
    }

    /// The documents as ids of a vocabulary, which may be another corpus's.
    pub fn encode(&self, vocab: &Vocab) -> EncodedCorpus {
        let strings: Vec<&str> = self
            .tokens
            .counts()
            .iter()
            .map(|(token, _)| token.as_str())
            .collect();
        let ids = vocab.numericalize(&strings);
        EncodedCorpus {
            ids: self
                .places
                .ids
                .iter()
                .map(|&place| ids[place as usize])
                .collect(),
            ends: self.places.ends.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_back_as_they_went_in() {
        let documents: [&[u32]; 4] = [&[1, 2], &[], &[3], &[]];
        let corpus = EncodedCorpus::from_documents(documents);
        assert_eq!((corpus.len(), corpus.n_tokens()), (4, 3));
        assert!(corpus.iter().eq(documents));
        assert_eq!(corpus.lengths(), [2, 0, 1, 0]);
        assert_eq!(corpus.document(9), &[] as &[u32]);
        assert_eq!(
            corpus.select(&[2, 0]),
            EncodedCorpus::from_documents([&[3][..], &[1, 2]])
        );
    }

    #[test]
    fn an_empty_corpus_is_empty() {
        let corpus = EncodedCorpus::new();
        assert!(corpus.is_empty());
        assert_eq!(corpus.iter().len(), 0);
        assert_eq!(corpus.document(0), &[] as &[u32]);
    }

    #[test]
    fn tokenizing_once_gives_what_encoding_gives() {
        let tokenizer = Tokenizer::default();
        let texts = ["the cat sat", "the dog", "", "the cat, the cat and the dog"];
        let documents: Vec<Document> = texts.iter().map(|text| Document::new(*text)).collect();
        let mut tokenized = TokenizedCorpus::new();
        tokenized.extend(&tokenizer, &documents);
        let vocab = tokenized.vocab(&VocabConfig {
            min_freq: 2,
            ..VocabConfig::default()
        });
        assert_eq!(vocab.strings()[9..12], ["the", "cat", "dog"]);
        let corpus = tokenized.encode(&vocab);
        assert_eq!(corpus, encode(&tokenizer, &vocab, &texts));
        assert_eq!(corpus, encode_documents(&tokenizer, &vocab, &documents));
        assert_eq!(corpus.document(0), [2, 9, 10, 0]);
    }
}
