//! The batches of one epoch, read straight out of the corpus.

use std::sync::Arc;

use super::sequence_length::Step;
use crate::direction::Direction;
use crate::encoded::EncodedCorpus;

/// One step of language-model training.
#[derive(Clone, Debug, PartialEq)]
pub struct LmBatch {
    /// Token ids, row-major `[batch_size, seq_len]`.
    pub inputs: Vec<u32>,
    /// The token after each input, row-major `[batch_size, seq_len]`.
    pub targets: Vec<u32>,
    /// Rows.
    pub batch_size: usize,
    /// Tokens in each row.
    pub seq_len: usize,
    /// What to multiply this step's learning rate by: the drawn length over the base length, and 1
    /// for a fixed length.
    pub learning_rate_scale: f64,
}

/// The batches of one epoch.
///
/// Nothing is copied beyond the batch at hand: a position in the shuffled text is found in the
/// corpus when it is needed, so skipping batches costs nothing and memory is that of the corpus.
#[derive(Clone, Debug)]
pub struct BpttBatches {
    corpus: Arc<EncodedCorpus>,
    direction: Direction,
    /// Documents in this epoch's order.
    order: Vec<usize>,
    /// Where each of them ends in the shuffled text.
    ends: Vec<usize>,
    batch_size: usize,
    row_length: usize,
    steps: Vec<Step>,
    /// Batches given so far.
    given: usize,
    /// Tokens given so far from each row.
    position: usize,
}

impl BpttBatches {
    pub(super) fn new(
        corpus: Arc<EncodedCorpus>,
        direction: Direction,
        order: Vec<usize>,
        batch_size: usize,
        row_length: usize,
        steps: Vec<Step>,
    ) -> Self {
        let ends = order
            .iter()
            .scan(0, |end, &document| {
                *end += corpus.document(document).len();
                Some(*end)
            })
            .collect();
        Self {
            corpus,
            direction,
            order,
            ends,
            batch_size,
            row_length,
            steps,
            given: 0,
            position: 0,
        }
    }

    /// Batches in the whole epoch, those already given included.
    pub fn n_batches(&self) -> usize {
        self.steps.len()
    }

    /// Goes on `n` batches further, as if they had been given; past the end it stops at the end.
    pub fn skip_batches(&mut self, n: usize) {
        let target = self.given.saturating_add(n).min(self.steps.len());
        self.position += self.steps[self.given..target]
            .iter()
            .map(|step| step.seq_len)
            .sum::<usize>();
        self.given = target;
    }

    /// Appends the tokens at `start..start + length` of the shuffled text.
    fn read(&self, start: usize, length: usize, out: &mut Vec<u32>) {
        // The first document that ends behind `start` holds it; empty ones are passed over.
        let mut place = self.ends.partition_point(|&end| end <= start);
        let mut position = start;
        let end = start + length;
        while position < end && place < self.order.len() {
            let document = self.corpus.document(self.order[place]);
            let document_end = self.ends[place];
            let from = position + document.len() - document_end;
            let to = document.len() - document_end.saturating_sub(end);
            match self.direction {
                Direction::Forward => out.extend_from_slice(&document[from..to]),
                Direction::Backward => {
                    let mirrored = document.len() - to..document.len() - from;
                    out.extend(document[mirrored].iter().rev());
                }
            }
            position = document_end.min(end);
            place += 1;
        }
    }
}

impl Iterator for BpttBatches {
    type Item = LmBatch;

    fn next(&mut self) -> Option<LmBatch> {
        let Step {
            seq_len,
            learning_rate_scale,
        } = *self.steps.get(self.given)?;
        let mut inputs = Vec::with_capacity(self.batch_size * seq_len);
        let mut targets = Vec::with_capacity(self.batch_size * seq_len);
        for row in 0..self.batch_size {
            let start = row * self.row_length + self.position;
            self.read(start, seq_len, &mut inputs);
            self.read(start + 1, seq_len, &mut targets);
        }
        self.given += 1;
        self.position += seq_len;
        Some(LmBatch {
            inputs,
            targets,
            batch_size: self.batch_size,
            seq_len,
            learning_rate_scale,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.steps.len() - self.given;
        (left, Some(left))
    }
}

impl ExactSizeIterator for BpttBatches {}
