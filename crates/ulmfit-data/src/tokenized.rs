//! Documents as tokens of their own, before a vocabulary is chosen.

use std::path::Path;
use std::sync::Arc;

use crate::corpus::Document;
use crate::encoded::EncodedCorpus;
use crate::error::DataError;
use crate::parts::parts;
use crate::special;
use crate::stored;
use crate::token_ids::{Selection, TokenIds};
use crate::tokenizer::Tokenizer;
use crate::vocab::{Vocab, VocabBuilder, VocabConfig};

/// A corpus tokenized once: each distinct token is kept once, and the documents as places in that
/// list, with their labels. It lies in memory, or on disk as [`crate::encode_corpus`] leaves it.
///
/// Any vocabulary can be chosen from it and any other one looked up, without the texts: the ids of
/// the documents come from a table of the tokens, so a corpus serves every recipe, seed and model
/// with the same tokenizer.
#[derive(Clone, Debug)]
#[doc(alias = "encoded corpus")]
pub struct TokenizedCorpus {
    tokenizer: Tokenizer,
    tokens: Arc<[String]>,
    counts: Arc<[u64]>,
    /// The documents as places in `tokens`.
    places: Arc<dyn TokenIds>,
    labels: DocumentLabels,
}

/// The label of each document, if it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentLabels {
    pub(crate) names: Vec<String>,
    /// For each document the place of its label in `names`, or [`NO_LABEL`](Self::NO_LABEL).
    pub(crate) of: Vec<u32>,
}

impl DocumentLabels {
    pub(crate) const NO_LABEL: u32 = u32::MAX;

    /// The label of a document.
    pub fn get(&self, document: usize) -> Option<&str> {
        let name = *self.of.get(document)? as usize;
        self.names.get(name).map(String::as_str)
    }

    /// The label of every document, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> + '_ {
        (0..self.of.len()).map(|document| self.get(document))
    }
}

impl TokenizedCorpus {
    /// Tokenizes documents on all cores, into memory.
    pub fn from_documents(tokenizer: &Tokenizer, documents: &[Document]) -> Self {
        let mut counts = VocabBuilder::new();
        let mut places = EncodedCorpus::new();
        let mut names = VocabBuilder::new();
        let mut of = Vec::with_capacity(documents.len());
        for part in parts(documents) {
            for tokens in tokenizer.tokenize_documents(part) {
                let document: Vec<u32> = tokens.iter().map(|token| counts.count(token)).collect();
                places.push(&document);
            }
            of.extend(part.iter().map(|document| match &document.label {
                Some(label) => names.count(label),
                None => DocumentLabels::NO_LABEL,
            }));
        }
        let (tokens, counts): (Vec<_>, Vec<_>) = counts.into_counts().into_iter().unzip();
        let (names, _): (Vec<_>, Vec<_>) = names.into_counts().into_iter().unzip();
        Self::new(
            tokenizer.clone(),
            tokens,
            counts,
            places.into(),
            DocumentLabels { names, of },
        )
    }

    /// Opens an encoded corpus on disk. Only what is needed of it at a time is read later.
    ///
    /// # Errors
    ///
    /// [`DataError::DamagedCorpus`] for what is not whole or not an encoded corpus,
    /// [`DataError::Read`] when a file of it cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        stored::open(folder.as_ref())
    }

    pub(crate) fn new(
        tokenizer: Tokenizer,
        tokens: Vec<String>,
        counts: Vec<u64>,
        places: Arc<dyn TokenIds>,
        labels: DocumentLabels,
    ) -> Self {
        Self {
            tokenizer,
            tokens: tokens.into(),
            counts: counts.into(),
            places,
            labels,
        }
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.places.n_documents()
    }

    /// Whether there is no document at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tokens all documents have together.
    pub fn n_tokens(&self) -> usize {
        self.places.n_tokens()
    }

    /// What the documents were tokenized with.
    pub const fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The distinct tokens.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// How often each of [`tokens`](Self::tokens) occurs in the corpus as it was tokenized; a
    /// [`select`](Self::select)ion has the counts of the whole.
    pub fn token_counts(&self) -> &[u64] {
        &self.counts
    }

    /// The documents as places in [`tokens`](Self::tokens).
    pub const fn places(&self) -> &Arc<dyn TokenIds> {
        &self.places
    }

    /// The documents' labels.
    pub const fn labels(&self) -> &DocumentLabels {
        &self.labels
    }

    /// The documents at these places, in the order given.
    #[must_use]
    pub fn select(&self, documents: &[usize]) -> Self {
        let label = |&document: &usize| {
            let label = self.labels.of.get(document).copied();
            label.unwrap_or(DocumentLabels::NO_LABEL)
        };
        let labels = DocumentLabels {
            names: self.labels.names.clone(),
            of: documents.iter().map(label).collect(),
        };
        let places = Selection::new(Arc::clone(&self.places), documents.to_vec(), None);
        Self {
            places: Arc::new(places),
            labels,
            ..self.clone()
        }
    }

    /// The vocabulary of the documents at these places, as if it were chosen from their texts.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the corpus is on disk and cannot be read.
    pub fn vocab(&self, documents: &[usize], config: &VocabConfig) -> Result<Vocab, DataError> {
        let mut counts = vec![0_u64; self.tokens.len()];
        let mut seen = Vec::new();
        let mut ids = Vec::new();
        for &document in documents {
            ids.clear();
            let length = self.places.document_len(document);
            self.places.read(document, 0..length, &mut ids)?;
            for &id in &ids {
                if let Some(count) = counts.get_mut(id as usize) {
                    if *count == 0 {
                        seen.push(id as usize);
                    }
                    *count += 1;
                }
            }
        }
        let counted = seen
            .into_iter()
            .map(|id| (self.tokens[id].as_str(), counts[id]))
            .collect();
        Ok(Vocab::choose(counted, config))
    }

    /// The documents at these places as ids of a vocabulary, which may be another corpus's.
    pub fn encode(&self, documents: Vec<usize>, vocab: &Vocab) -> Arc<dyn TokenIds> {
        let ids = vocab.numericalize(&self.tokens);
        Arc::new(Selection::new(
            Arc::clone(&self.places),
            documents,
            Some(ids.into()),
        ))
    }

    /// All documents as ids of a vocabulary.
    pub fn encode_all(&self, vocab: &Vocab) -> Arc<dyn TokenIds> {
        self.encode((0..self.len()).collect(), vocab)
    }

    /// How many tokens became `xxunk` when the corpus was encoded, since there were too many
    /// different ones, or were written so in the texts.
    pub fn n_unknown(&self) -> u64 {
        let place = self.tokens.iter().position(|token| token == special::UNK);
        place.map_or(0, |place| self.counts[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoded::{encode, encode_documents};

    #[test]
    fn tokenizing_once_gives_what_encoding_gives() {
        let tokenizer = Tokenizer::default();
        let texts = ["the cat sat", "the dog", "", "the cat, the cat and the dog"];
        let documents: Vec<Document> = texts.iter().map(|text| Document::new(*text)).collect();
        let tokenized = TokenizedCorpus::from_documents(&tokenizer, &documents);
        let config = VocabConfig {
            min_freq: 2,
            ..VocabConfig::default()
        };
        let vocab = tokenized.vocab(&[0, 1, 2, 3], &config).unwrap();
        assert_eq!(vocab.strings()[9..12], ["the", "cat", "dog"]);
        let corpus = tokenized.encode_all(&vocab).load().unwrap();
        assert_eq!(corpus, encode(&tokenizer, &vocab, &texts));
        assert_eq!(corpus, encode_documents(&tokenizer, &vocab, &documents));
        assert_eq!(corpus.document(0), [2, 9, 10, 0]);
    }

    #[test]
    fn a_selection_keeps_labels_and_chooses_words_of_its_own() {
        let documents = [
            Document::labeled("a a b", "x"),
            Document::new("c c"),
            Document::labeled("b b", "y"),
        ];
        let corpus = TokenizedCorpus::from_documents(&Tokenizer::default(), &documents);
        let part = corpus.select(&[2, 1]);
        assert!(part.labels().iter().eq([Some("y"), None]));
        assert_eq!((part.len(), part.n_tokens()), (2, 6));
        let config = VocabConfig {
            min_freq: 2,
            pad_to_multiple: 0,
            ..VocabConfig::default()
        };
        let vocab = part.vocab(&[0, 1], &config).unwrap();
        assert_eq!(vocab.strings()[9..], ["b", "c"]);
        assert_eq!(
            part.encode(vec![0], &vocab).load().unwrap().document(0),
            [2, 9, 9]
        );
    }
}
