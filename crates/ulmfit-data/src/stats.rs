//! What a corpus is like, at a glance.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::corpus::Document;
use crate::encoded::EncodedCorpus;
use crate::vocab::Vocab;

/// Counts that tell whether a corpus is what one thinks it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CorpusStats {
    /// Documents.
    pub documents: usize,
    /// Documents without any text.
    pub empty_documents: usize,
    /// Documents whose text, fields and all, another document before them has.
    pub duplicate_documents: usize,
    /// Documents of each label; those without a label are not counted here.
    pub labels: BTreeMap<String, usize>,
    /// Tokens of all documents.
    pub tokens: usize,
    /// Share of tokens that are not in the vocabulary, 0 to 1.
    pub unknown_rate: f64,
    /// Document lengths in tokens.
    pub lengths: LengthStats,
}

/// Document lengths in tokens: the smallest length that this share of the documents does not exceed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LengthStats {
    /// The mean.
    pub mean: f64,
    /// The shortest.
    pub min: usize,
    /// Half of the documents.
    pub p50: usize,
    /// Nine in ten.
    pub p90: usize,
    /// Ninety-nine in a hundred.
    pub p99: usize,
    /// The longest.
    pub max: usize,
}

impl CorpusStats {
    /// Counts over documents and the same documents as ids of a vocabulary.
    pub fn new(documents: &[Document], encoded: &EncodedCorpus, vocab: &Vocab) -> Self {
        let mut labels: BTreeMap<String, usize> = BTreeMap::new();
        let mut texts: HashMap<&[String], usize> = HashMap::new();
        for document in documents {
            if let Some(label) = &document.label {
                *labels.entry(label.clone()).or_default() += 1;
            }
            *texts.entry(&document.fields).or_default() += 1;
        }
        let unknown = vocab.unknown_id();
        let n_unknown: usize = encoded
            .iter()
            .map(|ids| ids.iter().filter(|&&id| id == unknown).count())
            .sum();
        let blank =
            |document: &&Document| document.fields.iter().all(|text| text.trim().is_empty());
        Self {
            documents: documents.len(),
            empty_documents: documents.iter().filter(blank).count(),
            duplicate_documents: documents.len() - texts.len(),
            labels,
            tokens: encoded.n_tokens(),
            unknown_rate: n_unknown as f64 / encoded.n_tokens().max(1) as f64,
            lengths: LengthStats::new(encoded.lengths()),
        }
    }
}

impl LengthStats {
    /// Statistics of these lengths; all zero when there are none.
    pub fn new(mut lengths: Vec<usize>) -> Self {
        if lengths.is_empty() {
            return Self::default();
        }
        lengths.sort_unstable();
        let last = lengths.len() - 1;
        // The nearest-rank percentile.
        let percentile = |p: usize| lengths[(lengths.len() * p).div_ceil(100).saturating_sub(1)];
        Self {
            mean: lengths.iter().sum::<usize>() as f64 / lengths.len() as f64,
            min: lengths[0],
            p50: percentile(50),
            p90: percentile(90),
            p99: percentile(99),
            max: lengths[last],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoded::encode_documents;
    use crate::tokenizer::Tokenizer;
    use crate::vocab::{VocabBuilder, VocabConfig};

    #[test]
    fn counts() {
        let documents = [
            Document::labeled("good", "pos"),
            Document {
                id: Some("2".into()),
                ..Document::labeled("good", "neg")
            },
            Document::labeled("  ", "pos"),
            Document::new("strange words"),
        ];
        let tokenizer = Tokenizer::default();
        let mut builder = VocabBuilder::new();
        builder.add(&["good".to_owned()]);
        let vocab = builder.build(&VocabConfig {
            min_freq: 1,
            ..VocabConfig::default()
        });
        let encoded = encode_documents(&tokenizer, &vocab, &documents);
        let stats = CorpusStats::new(&documents, &encoded, &vocab);
        assert_eq!(
            (
                stats.documents,
                stats.empty_documents,
                stats.duplicate_documents
            ),
            (4, 1, 1)
        );
        assert_eq!(
            stats.labels,
            BTreeMap::from([("neg".into(), 1), ("pos".into(), 2)])
        );
        assert_eq!(stats.tokens, 8);
        assert!((stats.unknown_rate - 0.25).abs() < 1e-12);
        assert_eq!(
            (stats.lengths.min, stats.lengths.p50, stats.lengths.max),
            (1, 2, 3)
        );
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let lengths = LengthStats::new((1..=100).collect());
        assert_eq!(
            (lengths.p50, lengths.p90, lengths.p99, lengths.max),
            (50, 90, 99, 100)
        );
        assert_eq!(LengthStats::new(Vec::new()), LengthStats::default());
    }
}
