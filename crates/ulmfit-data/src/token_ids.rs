//! Documents as token ids, wherever those lie: what batches are read from.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::encoded::EncodedCorpus;
use crate::error::DataError;

/// The token ids of a list of documents, in memory or on disk.
///
/// What is on disk may fail to be read at any time, so every access to ids can.
pub trait TokenIds: fmt::Debug + Send + Sync {
    /// How many documents there are.
    fn n_documents(&self) -> usize;

    /// How many tokens all documents have together.
    fn n_tokens(&self) -> usize;

    /// How many tokens a document has; 0 when there is no such document.
    fn document_len(&self, document: usize) -> usize;

    /// Appends tokens `range` of a document to `ids`. What lies outside the document is left out.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the ids are on disk and cannot be read.
    fn read(
        &self,
        document: usize,
        range: Range<usize>,
        ids: &mut Vec<u32>,
    ) -> Result<(), DataError>;
}

impl dyn TokenIds + '_ {
    /// Each document's length in tokens, in order.
    pub fn lengths(&self) -> Vec<usize> {
        (0..self.n_documents())
            .map(|document| self.document_len(document))
            .collect()
    }

    /// Shows every document to `visit`, in order; one at a time is in memory.
    ///
    /// # Errors
    ///
    /// As [`read`](TokenIds::read).
    pub fn for_each(&self, mut visit: impl FnMut(&[u32])) -> Result<(), DataError> {
        let mut ids = Vec::new();
        for document in 0..self.n_documents() {
            ids.clear();
            self.read(document, 0..self.document_len(document), &mut ids)?;
            visit(&ids);
        }
        Ok(())
    }

    /// How often each of the ids `0..n_ids` occurs. Others are not counted.
    ///
    /// # Errors
    ///
    /// As [`read`](TokenIds::read).
    pub fn counts(&self, n_ids: usize) -> Result<Vec<u64>, DataError> {
        let mut counts = vec![0; n_ids];
        self.for_each(|ids| {
            for &id in ids {
                if let Some(count) = counts.get_mut(id as usize) {
                    *count += 1;
                }
            }
        })?;
        Ok(counts)
    }

    /// All documents in memory.
    ///
    /// # Errors
    ///
    /// As [`read`](TokenIds::read).
    pub fn load(&self) -> Result<EncodedCorpus, DataError> {
        let mut corpus = EncodedCorpus::new();
        self.for_each(|ids| corpus.push(ids))?;
        Ok(corpus)
    }
}

impl From<EncodedCorpus> for Arc<dyn TokenIds> {
    fn from(corpus: EncodedCorpus) -> Self {
        Arc::new(corpus)
    }
}

/// Some documents of others, in an order of their own, perhaps in the ids of another vocabulary.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    source: Arc<dyn TokenIds>,
    /// Places in the source.
    documents: Vec<usize>,
    n_tokens: usize,
    /// What each of the source's ids is called here; `None` when they stay as they are.
    ids: Option<Arc<[u32]>>,
}

impl Selection {
    pub(crate) fn new(
        source: Arc<dyn TokenIds>,
        documents: Vec<usize>,
        ids: Option<Arc<[u32]>>,
    ) -> Self {
        let n_tokens = documents
            .iter()
            .map(|&document| source.document_len(document))
            .sum();
        Self {
            source,
            documents,
            n_tokens,
            ids,
        }
    }
}

impl TokenIds for Selection {
    fn n_documents(&self) -> usize {
        self.documents.len()
    }

    fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    fn document_len(&self, document: usize) -> usize {
        self.documents
            .get(document)
            .map_or(0, |&place| self.source.document_len(place))
    }

    fn read(
        &self,
        document: usize,
        range: Range<usize>,
        ids: &mut Vec<u32>,
    ) -> Result<(), DataError> {
        let Some(&place) = self.documents.get(document) else {
            return Ok(());
        };
        let first = ids.len();
        self.source.read(place, range, ids)?;
        if let Some(names) = &self.ids {
            for id in &mut ids[first..] {
                // A source has no ids beyond its tokens; that is checked when it is opened.
                *id = names.get(*id as usize).copied().unwrap_or_default();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_its_documents_under_its_own_ids() {
        let source: Arc<dyn TokenIds> =
            EncodedCorpus::from_documents([&[0, 1, 2][..], &[3], &[2, 2]]).into();
        let names: Arc<[u32]> = [10, 11, 12, 13].into();
        let selection: Arc<dyn TokenIds> =
            Arc::new(Selection::new(source, vec![2, 0, 9], Some(names)));
        assert_eq!((selection.n_documents(), selection.n_tokens()), (3, 5));
        assert_eq!(selection.lengths(), [2, 3, 0]);
        assert_eq!(
            selection.load().unwrap(),
            EncodedCorpus::from_documents([&[12, 12][..], &[10, 11, 12], &[]])
        );
        let mut ids = vec![7];
        selection.read(1, 1..9, &mut ids).unwrap();
        selection.read(4, 0..1, &mut ids).unwrap();
        assert_eq!(ids, [7, 11, 12]);
        assert_eq!(selection.counts(12).unwrap()[10..], [1, 1]);
    }
}
