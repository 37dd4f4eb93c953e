//! The classifier's batches: documents of like length together, none lost, none repeated.

use crate::error::DataError;
use crate::rng;

/// Batches in a mega-chunk, within which documents are sorted by length (fastai's
/// `SortishSampler`). More would sort better and shuffle worse.
const CHUNK_BATCHES: usize = 50;

/// One batch, as places in the corpus. Padding is the model's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentBatch {
    /// Places of the documents in the corpus, longest document first.
    pub indices: Vec<usize>,
}

/// Groups documents of like length into batches.
///
/// Unlike fastai, training keeps the last batch even when it is not full: with a hundred labels,
/// dropping it would lose a good part of them.
#[derive(Clone, Debug)]
#[doc(alias = "SortishSampler")]
#[doc(alias = "SortedDL")]
pub struct DocumentBatches {
    lengths: Vec<usize>,
    batch_size: usize,
}

impl DocumentBatches {
    /// Batches over documents of these lengths in tokens, in corpus order.
    ///
    /// # Errors
    ///
    /// [`DataError::InvalidSetting`] when the batch size is 0.
    pub fn new(lengths: Vec<usize>, batch_size: usize) -> Result<Self, DataError> {
        if batch_size == 0 {
            return Err(DataError::InvalidSetting {
                name: "batch_size",
                value: batch_size.to_string(),
                expected: "at least 1",
            });
        }
        Ok(Self {
            lengths,
            batch_size,
        })
    }

    /// How many documents there are.
    pub const fn n_documents(&self) -> usize {
        self.lengths.len()
    }

    /// Batches in an epoch of training or evaluation.
    pub const fn n_batches(&self) -> usize {
        self.lengths.len().div_ceil(self.batch_size)
    }

    /// The batches of one epoch of training, as fastai's `SortishSampler` makes them: permute the
    /// documents, cut in mega-chunks of 50 batches, sort each by falling length, cut in batches, put
    /// the batch with the longest document first (memory runs out at once or never) and permute the
    /// others. The same seed and epoch give the same batches.
    pub fn training(&self, seed: u64, epoch: u64) -> Vec<DocumentBatch> {
        let mut draws = rng::stream(seed, "document batches", epoch);
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        rng::shuffle(&mut draws, &mut order);
        for chunk in order.chunks_mut(self.batch_size.saturating_mul(CHUNK_BATCHES)) {
            self.sort(chunk);
        }
        let mut batches = self.cut(&order);
        // The first of equals, so that ties do not depend on how the maximum is searched.
        let longest = (0..batches.len())
            .min_by_key(|&i| std::cmp::Reverse(self.longest(&batches[i])))
            .unwrap_or(0);
        if let Some((first, rest)) = batches.split_first_mut() {
            if longest > 0 {
                std::mem::swap(first, &mut rest[longest - 1]);
            }
            rng::shuffle(&mut draws, rest);
        }
        batches
    }

    /// The batches for evaluation and prediction: all documents by falling length, so that padding
    /// is least. Put the results back with [`restore_order`].
    pub fn evaluation(&self) -> Vec<DocumentBatch> {
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        self.sort(&mut order);
        self.cut(&order)
    }

    /// By falling length; stable, so ties stay in the order they come in.
    fn sort(&self, indices: &mut [usize]) {
        indices.sort_by_key(|&i| std::cmp::Reverse(self.lengths[i]));
    }

    fn cut(&self, order: &[usize]) -> Vec<DocumentBatch> {
        order
            .chunks(self.batch_size)
            .map(|indices| DocumentBatch {
                indices: indices.to_vec(),
            })
            .collect()
    }

    fn longest(&self, batch: &DocumentBatch) -> usize {
        batch.indices.first().map_or(0, |&i| self.lengths[i])
    }
}

/// Puts results that come batch by batch back in corpus order.
///
/// `values` has one value for each document of `batches`, in the order of the batches.
///
/// # Errors
///
/// [`DataError::PredictionCount`] when there are not as many values as documents, or when the
/// batches do not hold each of the documents `0..n` once.
pub fn restore_order<T>(
    batches: &[DocumentBatch],
    values: impl IntoIterator<Item = T>,
) -> Result<Vec<T>, DataError> {
    let expected = batches.iter().map(|batch| batch.indices.len()).sum();
    let mut slots: Vec<Option<T>> = (0..expected).map(|_| None).collect();
    let mut found = 0;
    let mut indices = batches
        .iter()
        .flat_map(|batch| batch.indices.iter().copied());
    for value in values {
        found += 1;
        if let Some(slot) = indices.next().and_then(|index| slots.get_mut(index)) {
            *slot = Some(value);
        }
    }
    match slots.into_iter().collect::<Option<Vec<T>>>() {
        Some(restored) if found == expected => Ok(restored),
        _ => Err(DataError::PredictionCount { expected, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(lengths: &[usize], batch_size: usize) -> DocumentBatches {
        DocumentBatches::new(lengths.to_vec(), batch_size).unwrap()
    }

    #[test]
    fn evaluation_sorts_by_length_and_keeps_the_rest() {
        let batches = batches(&[3, 9, 1, 9, 5], 2).evaluation();
        let indices: Vec<_> = batches.into_iter().map(|batch| batch.indices).collect();
        assert_eq!(indices, [vec![1, 3], vec![4, 0], vec![2]]);
    }

    #[test]
    fn training_starts_with_the_longest_document() {
        let lengths: Vec<usize> = (0..500).map(|i| (i * 37) % 101).collect();
        let batches = batches(&lengths, 3);
        for epoch in 0..5 {
            let epoch = batches.training(1, epoch);
            assert_eq!(lengths[epoch[0].indices[0]], 100);
        }
    }

    #[test]
    fn training_groups_like_lengths() {
        let lengths: Vec<usize> = (0..1000).map(|i| (i * 7919) % 1000).collect();
        let batches = batches(&lengths, 10).training(1, 0);
        let padded: usize = batches
            .iter()
            .map(|batch| lengths[batch.indices[0]] * batch.indices.len())
            .sum();
        let tokens: usize = lengths.iter().sum();
        assert!(
            (padded as f64) < 1.05 * tokens as f64,
            "{padded} for {tokens}"
        );
    }

    #[test]
    fn no_documents_make_no_batches() {
        assert!(batches(&[], 4).training(1, 0).is_empty());
        assert!(batches(&[], 4).evaluation().is_empty());
        assert!(DocumentBatches::new(vec![1], 0).is_err());
    }

    #[test]
    fn results_that_do_not_fit_are_refused() {
        let batches = batches(&[1, 2, 3], 2).evaluation();
        assert_eq!(
            restore_order(&batches, ["c", "b", "a"]).unwrap(),
            ["a", "b", "c"]
        );
        let message = restore_order(&batches, ["c", "b"]).unwrap_err().to_string();
        assert_eq!(message, "2 predictions for 3 documents");
        assert!(restore_order(&batches, 0..4).is_err());
        assert!(restore_order(&[DocumentBatch { indices: vec![7] }], [1]).is_err());
    }
}
