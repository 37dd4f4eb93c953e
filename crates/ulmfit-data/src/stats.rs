//! What a corpus is like, at a glance, in a few bytes of memory a document.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use crate::corpus::label_names;
use crate::error::DataError;
use crate::tokenized::TokenizedCorpus;
use crate::vocab::Vocab;

/// Sizes of a vocabulary whose coverage is told.
const VOCAB_SIZES: [usize; 5] = [1_000, 5_000, 10_000, 30_000, 60_000];
/// The first bucket of lengths ends before this; each of the others is twice as wide as the last.
const FIRST_BUCKET: usize = 8;

/// Counts that tell whether a corpus is what one thinks it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CorpusStats {
    /// Documents.
    pub documents: usize,
    /// Documents without any text: no token but the mark of the beginning.
    pub empty_documents: usize,
    /// Documents whose tokens another document before them has.
    pub duplicate_documents: usize,
    /// Documents of each label, one with a list of labels for each of them; those without a label are not
    /// counted here.
    pub labels: BTreeMap<String, usize>,
    /// Tokens of all documents.
    pub tokens: usize,
    /// Different tokens.
    pub distinct_tokens: usize,
    /// Share of tokens that are not in the vocabulary, 0 to 1.
    pub unknown_rate: f64,
    /// What share of the tokens the most frequent ones make up.
    pub coverage: Vec<Coverage>,
    /// Document lengths in tokens.
    pub lengths: LengthStats,
    /// How many documents are of which length.
    pub length_histogram: Vec<LengthBucket>,
}

/// The share of a corpus that a vocabulary of its own would cover.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// The most frequent tokens in the vocabulary.
    pub vocab_size: usize,
    /// The share of all tokens that they make up, 0 to 1.
    pub share: f64,
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

/// Documents of some lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LengthBucket {
    /// The least length in tokens.
    pub from: usize,
    /// The greatest.
    pub to: usize,
    /// Documents.
    pub documents: usize,
}

impl CorpusStats {
    /// Counts over a corpus, whose unknown words are those that `vocab` lacks.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the corpus is on disk and cannot be read.
    pub fn new(corpus: &TokenizedCorpus, vocab: &Vocab) -> Result<Self, DataError> {
        let mut labels: BTreeMap<String, usize> = BTreeMap::new();
        let labels_of = corpus.labels();
        let names = labels_of.iter().flatten();
        for label in names.flat_map(|label| label_names(label, None)) {
            if let Some(count) = labels.get_mut(label) {
                *count += 1;
            } else {
                labels.insert(label.to_owned(), 1);
            }
        }
        let mut counts = corpus.places().counts(corpus.tokens().len())?;
        let known = corpus.tokens().iter().zip(&counts);
        let n_known: u64 = known
            .filter(|(token, _)| vocab.id(token).is_some_and(|id| id != vocab.unknown_id()))
            .map(|(_, count)| count)
            .sum();
        counts.retain(|&count| count > 0);
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let tokens = corpus.n_tokens();
        let share = |count: u64| count as f64 / tokens.max(1) as f64;
        let coverage = VOCAB_SIZES.map(|vocab_size| Coverage {
            vocab_size,
            share: share(counts.iter().take(vocab_size).sum()),
        });

        let lengths = corpus.places().lengths();
        let mut fingerprints = Fingerprints::of(corpus)?.0;
        fingerprints.dedup();
        Ok(Self {
            documents: corpus.len(),
            empty_documents: lengths.iter().filter(|&&length| length <= 1).count(),
            duplicate_documents: corpus.len() - fingerprints.len(),
            labels,
            tokens,
            distinct_tokens: counts.len(),
            unknown_rate: if tokens == 0 {
                0.0
            } else {
                1.0 - share(n_known)
            },
            coverage: coverage.into(),
            length_histogram: histogram(&lengths),
            lengths: LengthStats::new(lengths),
        })
    }
}

/// 64 bits of each document, in rising order, by which to find those that are the same.
#[derive(Clone, Debug)]
pub struct Fingerprints(Vec<u64>);

impl Fingerprints {
    /// Of a corpus's documents. They depend on the tokens and not on the ids, so that those of two
    /// corpora can be compared.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the corpus is on disk and cannot be read.
    pub fn of(corpus: &TokenizedCorpus) -> Result<Self, DataError> {
        let of_token = |token: &String| {
            let mut hasher = DefaultHasher::new();
            token.hash(&mut hasher);
            hasher.finish()
        };
        let tokens: Vec<u64> = corpus.tokens().iter().map(of_token).collect();
        let mut documents = Vec::with_capacity(corpus.len());
        corpus.places().for_each(|ids| {
            let mut hasher = DefaultHasher::new();
            for &id in ids {
                hasher.write_u64(tokens.get(id as usize).copied().unwrap_or_default());
            }
            documents.push(hasher.finish());
        })?;
        documents.sort_unstable();
        Ok(Self(documents))
    }

    /// How many of these documents are among the others too, each as often as it is here.
    pub fn among(&self, others: &Self) -> usize {
        let is_there = |print: &&u64| others.0.binary_search(print).is_ok();
        self.0.iter().filter(is_there).count()
    }
}

/// Lengths in buckets of doubling width, from the first that is not empty to the last.
fn histogram(lengths: &[usize]) -> Vec<LengthBucket> {
    let mut buckets: Vec<LengthBucket> = Vec::new();
    for &length in lengths {
        // The buckets begin at 0, 8, 24, 56 and so on.
        let place = (length / FIRST_BUCKET + 1).ilog2() as usize;
        while buckets.len() <= place {
            let from = FIRST_BUCKET * ((1 << buckets.len()) - 1);
            let to = FIRST_BUCKET * ((1 << (buckets.len() + 1)) - 1) - 1;
            let documents = 0;
            buckets.push(LengthBucket {
                from,
                to,
                documents,
            });
        }
        buckets[place].documents += 1;
    }
    let first = buckets.iter().position(|bucket| bucket.documents > 0);
    buckets.split_off(first.unwrap_or(0))
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
    use crate::corpus::Document;
    use crate::tokenizer::Tokenizer;
    use crate::vocab::{VocabBuilder, VocabConfig};

    fn corpus(documents: &[Document]) -> TokenizedCorpus {
        TokenizedCorpus::from_documents(&Tokenizer::default(), documents)
    }

    #[test]
    fn counts() {
        let documents = [
            Document::labeled("good", "pos"),
            Document {
                id: Some("2".into()),
                ..Document::labeled("good", "neg")
            },
            Document::multi_labeled("  ", ["pos"]),
            Document::new("strange words"),
        ];
        let mut builder = VocabBuilder::new();
        builder.add(&["good".to_owned()]);
        let vocab = builder.build(&VocabConfig {
            min_freq: 1,
            ..VocabConfig::default()
        });
        let stats = CorpusStats::new(&corpus(&documents), &vocab).unwrap();
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
        assert_eq!((stats.tokens, stats.distinct_tokens), (8, 4));
        assert!((stats.unknown_rate - 0.25).abs() < 1e-12);
        assert!((stats.coverage[0].share - 1.0).abs() < 1e-12);
        assert_eq!(
            (stats.lengths.min, stats.lengths.p50, stats.lengths.max),
            (1, 2, 3)
        );
        let vocab = builder.build(&VocabConfig::default());
        let empty = CorpusStats::new(&corpus(&[]), &vocab).unwrap();
        assert!(empty.unknown_rate.abs() < 1e-12 && empty.length_histogram.is_empty());
    }

    #[test]
    fn the_same_document_is_found_in_another_corpus() {
        let texts = |texts: &[&str]| {
            let documents: Vec<Document> = texts.iter().map(|text| Document::new(*text)).collect();
            Fingerprints::of(&corpus(&documents)).unwrap()
        };
        let train = texts(&["b a", "c", "a b", "c"]);
        let test = texts(&["z", "a  b", "c"]);
        assert_eq!((train.among(&test), test.among(&train)), (3, 2));
    }

    #[test]
    fn lengths_fall_into_buckets_of_doubling_width() {
        let buckets = histogram(&[8, 23, 24, 55, 56]);
        let buckets: Vec<_> = buckets
            .iter()
            .map(|bucket| (bucket.from, bucket.to, bucket.documents))
            .collect();
        assert_eq!(buckets, [(8, 23, 2), (24, 55, 2), (56, 119, 1)]);
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
