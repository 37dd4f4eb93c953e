//! The batches of one epoch, read straight out of the corpus.

use std::sync::Arc;

use super::sequence_length::Step;
use crate::direction::Direction;
use crate::error::DataError;
use crate::token_ids::TokenIds;

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
/// corpus when it is needed, so skipping batches costs nothing, and of a corpus on disk no more is
/// in memory than the batch and 16 bytes a document. A batch that cannot be read is an error, behind
/// which there is none.
#[derive(Clone, Debug)]
pub struct BpttBatches {
    corpus: Arc<dyn TokenIds>,
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
        corpus: Arc<dyn TokenIds>,
        direction: Direction,
        order: Vec<usize>,
        batch_size: usize,
        row_length: usize,
        steps: Vec<Step>,
    ) -> Self {
        let ends = order
            .iter()
            .scan(0, |end, &document| {
                *end += corpus.document_len(document);
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
    fn read(&self, start: usize, length: usize, out: &mut Vec<u32>) -> Result<(), DataError> {
        // The first document that ends behind `start` holds it; empty ones are passed over.
        let mut place = self.ends.partition_point(|&end| end <= start);
        let mut position = start;
        let end = start + length;
        while position < end && place < self.order.len() {
            let document = self.order[place];
            let document_len = self.corpus.document_len(document);
            let document_end = self.ends[place];
            let from = position + document_len - document_end;
            let to = document_len - document_end.saturating_sub(end);
            match self.direction {
                Direction::Forward => self.corpus.read(document, from..to, out)?,
                Direction::Backward => {
                    let mirrored = document_len - to..document_len - from;
                    let first = out.len();
                    self.corpus.read(document, mirrored, out)?;
                    out[first..].reverse();
                }
            }
            position = document_end.min(end);
            place += 1;
        }
        Ok(())
    }

    /// The inputs and targets of the next `seq_len` tokens of every row, row-major.
    fn rows(&self, seq_len: usize) -> Result<(Vec<u32>, Vec<u32>), DataError> {
        let mut inputs = Vec::with_capacity(self.batch_size * seq_len);
        let mut targets = Vec::with_capacity(self.batch_size * seq_len);
        // A row's inputs and targets are the same tokens but for the first and the last.
        let mut row_tokens = Vec::with_capacity(seq_len + 1);
        for row in 0..self.batch_size {
            row_tokens.clear();
            let start = row * self.row_length + self.position;
            self.read(start, seq_len + 1, &mut row_tokens)?;
            inputs.extend_from_slice(&row_tokens[..seq_len]);
            targets.extend_from_slice(&row_tokens[1..]);
        }
        Ok((inputs, targets))
    }
}

impl Iterator for BpttBatches {
    type Item = Result<LmBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Step {
            seq_len,
            learning_rate_scale,
        } = *self.steps.get(self.given)?;
        let (inputs, targets) = match self.rows(seq_len) {
            Ok(rows) => rows,
            Err(error) => {
                self.given = self.steps.len();
                return Some(Err(error));
            }
        };
        self.given += 1;
        self.position += seq_len;
        Some(Ok(LmBatch {
            inputs,
            targets,
            batch_size: self.batch_size,
            seq_len,
            learning_rate_scale,
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.steps.len() - self.given;
        (left, Some(left))
    }
}

impl ExactSizeIterator for BpttBatches {}
