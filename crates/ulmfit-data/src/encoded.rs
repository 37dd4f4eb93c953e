//! Many documents as token ids, in one flat list.

use std::ops::Range;

use rayon::prelude::*;

use crate::corpus::Document;
use crate::error::DataError;
use crate::token_ids::TokenIds;
use crate::tokenizer::Tokenizer;
use crate::vocab::Vocab;

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

impl TokenIds for EncodedCorpus {
    fn n_documents(&self) -> usize {
        self.len()
    }

    fn n_tokens(&self) -> usize {
        self.ids.len()
    }

    fn document_len(&self, document: usize) -> usize {
        self.document(document).len()
    }

    fn read(
        &self,
        document: usize,
        range: Range<usize>,
        ids: &mut Vec<u32>,
    ) -> Result<(), DataError> {
        let document = self.document(document);
        let end = range.end.min(document.len());
        ids.extend_from_slice(document.get(range.start..end).unwrap_or_default());
        Ok(())
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
}
