//! Documents in parts that are worked on at a time.

use crate::corpus::Document;

/// Text of a part: enough for all cores, little enough that its tokens, each a string, never matter.
const PART_BYTES: usize = 2 << 20;
/// Most documents of a part, however short.
const PART_DOCUMENTS: usize = 16_384;

/// How much there is in a part of many documents: two megabytes of text, 16,384
/// documents, or one longer document.
///
/// ```
/// use ulmfit_data::{Document, PartSize};
///
/// let mut size = PartSize::default();
/// assert!(!size.add(&Document::new("short")));
/// assert!(size.add(&Document::new("long ".repeat(1 << 20))));
/// ```
#[derive(Clone, Debug, Default)]
pub struct PartSize {
    documents: usize,
    bytes: usize,
}

impl PartSize {
    /// Adds a document. Returns whether it is the last of its part; the one behind it begins another.
    pub fn add(&mut self, document: &Document) -> bool {
        self.documents += 1;
        self.bytes += document.fields.iter().map(String::len).sum::<usize>();
        let is_full = self.bytes >= PART_BYTES || self.documents >= PART_DOCUMENTS;
        if is_full {
            *self = Self::default();
        }
        is_full
    }
}

/// Cuts documents in parts.
pub(crate) fn parts(documents: &[Document]) -> impl Iterator<Item = &[Document]> {
    let mut size = PartSize::default();
    // It asks about each document, in order, whether the next one is in the same part.
    documents.chunk_by(move |document, _| !size.add(document))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_so_many_bytes_or_documents() {
        let cut = |lengths: &[usize]| -> Vec<usize> {
            let documents: Vec<_> = (lengths.iter())
                .map(|&length| Document::new("a".repeat(length)))
                .collect();
            parts(&documents).map(<[Document]>::len).collect()
        };
        let most = PART_BYTES;
        assert_eq!(cut(&[1, most - 2, 1, most, 2 * most, 1, 1]), [3, 1, 1, 2]);
        assert_eq!(cut(&[most, most]), [1, 1]);
        assert_eq!(cut(&vec![0; PART_DOCUMENTS + 1]), [PART_DOCUMENTS, 1]);
        assert!(cut(&[]).is_empty());
        let mut size = PartSize::default();
        let two = Document {
            fields: vec!["a".repeat(most / 2), "b".repeat(most / 2)],
            ..Document::new("")
        };
        assert!(size.add(&two), "all fields count");
    }
}
