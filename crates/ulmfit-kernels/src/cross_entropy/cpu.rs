//! The loss and its gradients on slices, for the CPU.
//!
//! Tokens go through in chunks: their scores by one matrix product, then, row by row while a row is
//! in the cache, the softmax, the loss, and the gradient of the scores in the scores' place, from
//! which two more products give the gradients of hidden states and weights. So there is never a
//! score of more than a chunk. No sum depends on how many threads share the work, so results do not
//! either.

use std::cell::Cell;

use pulp::{Scalar, Simd, WithSimd};
use rayon::prelude::*;

use crate::cpu::gemm::{Matrix, matmul};
use crate::cpu::math::exp;
use crate::cpu::simd::{SimdLevel, dispatch};

/// Scores in a chunk, at most: 32 MiB. Fewer make the products less efficient, since each packs all
/// weights again, and more bring little.
const MOST_SCORES: usize = 1 << 23;

/// Tokens in a chunk, at least, however large the vocabulary is.
const LEAST_TOKENS: usize = 64;

/// The rows that a thread takes at a time, and whose gradients it adds up for the bias.
const BLOCK: usize = 16;

/// What the loss is computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    /// `[tokens, d]`
    pub(crate) hidden: &'a [f32],
    /// `[vocab_size, d]`
    pub(crate) weight: &'a [f32],
    /// `[vocab_size]`
    pub(crate) bias: &'a [f32],
    /// `[tokens]`; `None` is ignored.
    pub(crate) targets: &'a [Option<usize>],
    /// Features of a hidden state.
    pub(crate) d: usize,
    /// How much of the target's probability goes to the whole vocabulary, evenly.
    pub(crate) label_smoothing: f32,
}

/// Where the gradients go that are asked for; each is overwritten.
#[derive(Debug, Default)]
pub(crate) struct Gradients<'a> {
    /// `[tokens, d]`
    pub(crate) hidden: Option<&'a mut [f32]>,
    /// `[vocab_size, d]`
    pub(crate) weight: Option<&'a mut [f32]>,
    /// `[vocab_size]`
    pub(crate) bias: Option<&'a mut [f32]>,
}

/// How well targets were predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Score {
    /// The sum of the losses of all targets.
    pub(crate) loss: f64,
    /// How many of them had the highest score; of equal ones, the first counts.
    pub(crate) correct: usize,
}

/// The losses and hits of all targets that are not ignored.
pub(crate) fn score(inputs: Inputs<'_>) -> Score {
    inputs.check();
    let level = SimdLevel::current();
    let mut total = Score::default();
    let chunk = inputs.tokens_of_chunk();
    let mut logits = take_buffer(chunk * inputs.vocab_size());
    for (hidden, targets) in inputs.chunks(chunk) {
        let logits = &mut logits[..targets.len() * inputs.vocab_size()];
        inputs.logits(hidden, targets.len(), logits);
        let mut rows = vec![Score::default(); targets.len()];
        logits
            .par_chunks_mut(BLOCK * inputs.vocab_size())
            .zip(targets.par_chunks(BLOCK))
            .zip(rows.par_chunks_mut(BLOCK))
            .for_each(|((logits, targets), scores)| {
                let rows = ScoreRows {
                    inputs,
                    logits,
                    targets,
                    scores,
                };
                dispatch(level, rows);
            });
        for row in rows {
            total.loss += row.loss;
            total.correct += row.correct;
        }
    }
    give_buffer(logits);
    total
}

/// The mean loss of the targets that are not ignored, zero without any, and its gradients.
pub(crate) fn gradients(inputs: Inputs<'_>, mut wanted: Gradients<'_>) -> f32 {
    inputs.check();
    let (d, vocab_size) = (inputs.d, inputs.vocab_size());
    let lengths = [
        (&wanted.hidden, inputs.hidden.len()),
        (&wanted.weight, inputs.weight.len()),
        (&wanted.bias, vocab_size),
    ];
    for (gradient, len) in lengths {
        assert!(gradient.as_ref().is_none_or(|slice| slice.len() == len));
    }
    if let Some(bias) = &mut wanted.bias {
        bias.fill(0.0);
    }
    let count = inputs.targets.iter().flatten().count();
    if count == 0 {
        for gradient in [wanted.hidden, wanted.weight].into_iter().flatten() {
            gradient.fill(0.0);
        }
        return 0.0;
    }

    let chunk = inputs.tokens_of_chunk();
    // `gemm` is a third faster when it makes the weights' gradient as columns, [d, vocab_size], which
    // pays for turning it round at the end.
    let turned_len = wanted.weight.as_ref().map_or(0, |weight| weight.len());
    let sums_len = wanted
        .bias
        .as_ref()
        .map_or(0, |_| chunk.div_ceil(BLOCK) * vocab_size);
    let len = chunk * vocab_size + turned_len + sums_len;
    let mut buffer = take_buffer(len);
    let (logits, rest) = buffer[..len].split_at_mut(chunk * vocab_size);
    let (turned, column_sums) = rest.split_at_mut(turned_len);
    let mut loss = 0.0;
    let mut hidden_grads = wanted
        .hidden
        .as_mut()
        .map(|grad| grad.chunks_mut((chunk * d).max(1)));
    for (index, (hidden, targets)) in inputs.chunks(chunk).enumerate() {
        let tokens = targets.len();
        let logits = &mut logits[..tokens * vocab_size];
        inputs.logits(hidden, tokens, logits);
        loss += softmax_gradients(inputs, targets, count, logits, column_sums);
        if let Some(bias) = &mut wanted.bias {
            for sums in column_sums
                .chunks_exact(vocab_size)
                .take(tokens.div_ceil(BLOCK))
            {
                for (bias, sum) in bias.iter_mut().zip(sums) {
                    *bias += sum;
                }
            }
        }
        let logits = Matrix::new(logits, tokens, vocab_size);
        if let Some(grad) = hidden_grads.as_mut().and_then(Iterator::next) {
            let weight = Matrix::new(inputs.weight, vocab_size, d);
            matmul(grad, logits, weight, false);
        }
        if wanted.weight.is_some() {
            let hidden = Matrix::new(hidden, tokens, d).transposed();
            matmul(turned, hidden, logits, index > 0);
        }
    }
    if let Some(weight) = wanted.weight {
        transpose(turned, vocab_size, weight, d);
    }
    give_buffer(buffer);
    (loss / count as f64) as f32
}

/// Turns the scores of a chunk, without their bias, into their gradients; returns the sum of the
/// losses. Each block's gradients, added up over its rows, go into a row of `column_sums`, which has
/// none if they are not asked for.
fn softmax_gradients(
    inputs: Inputs<'_>,
    targets: &[Option<usize>],
    count: usize,
    logits: &mut [f32],
    column_sums: &mut [f32],
) -> f64 {
    let vocab_size = inputs.vocab_size();
    let mut losses = vec![0.0; targets.len()];
    let blocks = logits
        .par_chunks_mut(BLOCK * vocab_size)
        .zip(targets.par_chunks(BLOCK))
        .zip(losses.par_chunks_mut(BLOCK));
    let level = SimdLevel::current();
    let run = |logits, targets, losses, column_sums| {
        let rows = GradientRows {
            inputs,
            scale: 1.0 / count as f32,
            logits,
            targets,
            losses,
            column_sums,
        };
        dispatch(level, rows);
    };
    if column_sums.is_empty() {
        blocks.for_each(|((logits, targets), losses)| run(logits, targets, losses, &mut []));
    } else {
        blocks
            .zip(column_sums.par_chunks_mut(vocab_size))
            .for_each(|(((logits, targets), losses), sums)| run(logits, targets, losses, sums));
    }
    losses.iter().sum()
}

impl<'a> Inputs<'a> {
    fn vocab_size(&self) -> usize {
        self.bias.len()
    }

    fn check(&self) {
        assert!(self.vocab_size() > 0, "a vocabulary of no words");
        assert_eq!(self.hidden.len(), self.targets.len() * self.d);
        assert_eq!(self.weight.len(), self.vocab_size() * self.d);
        let last = self.targets.iter().flatten().max();
        assert!(last.is_none_or(|last| *last < self.vocab_size()));
    }

    /// As many tokens as a chunk may have, but about the same in every chunk.
    fn tokens_of_chunk(&self) -> usize {
        let tokens = self.targets.len();
        let most = (MOST_SCORES / self.vocab_size()).max(LEAST_TOKENS);
        let even = tokens.div_ceil(tokens.div_ceil(most).max(1));
        // Whole tiles of the products.
        even.next_multiple_of(8).min(tokens)
    }

    /// The hidden states and targets of one chunk after another.
    fn chunks(
        &self,
        tokens: usize,
    ) -> impl Iterator<Item = (&'a [f32], &'a [Option<usize>])> + use<'a> {
        let (hidden, d) = (self.hidden, self.d);
        let targets = self.targets.chunks(tokens.max(1));
        targets.enumerate().map(move |(index, targets)| {
            let start = index * tokens * d;
            (&hidden[start..start + targets.len() * d], targets)
        })
    }

    /// The scores of a chunk without their bias, `[tokens, vocab_size]`.
    fn logits(&self, hidden: &[f32], tokens: usize, logits: &mut [f32]) {
        let hidden = Matrix::new(hidden, tokens, self.d);
        let weight = Matrix::new(self.weight, self.vocab_size(), self.d);
        matmul(logits, hidden, weight.transposed(), false);
    }

    /// The loss of a row, given what its target's score and all scores together are above the
    /// greatest score, and the sum of all their exponentials.
    fn loss(&self, target: f32, all: f32, sum: f32) -> f64 {
        let smoothing = f64::from(self.label_smoothing);
        let loss = f64::from(sum).ln() - (1.0 - smoothing) * f64::from(target);
        if smoothing > 0.0 {
            loss - smoothing * f64::from(all) / self.vocab_size() as f64
        } else {
            // A word may be left out by a score of minus infinity, of which not even nothing is a number.
            loss
        }
    }
}

/// Scores of some rows to their losses and hits.
struct ScoreRows<'a> {
    inputs: Inputs<'a>,
    logits: &'a mut [f32],
    targets: &'a [Option<usize>],
    scores: &'a mut [Score],
}

impl WithSimd for ScoreRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = self.logits.chunks_exact_mut(self.inputs.vocab_size());
        for ((row, target), score) in rows.zip(self.targets).zip(self.scores) {
            let Some(target) = *target else {
                continue;
            };
            let max = add_bias(simd, row, self.inputs.bias);
            let target_score = row[target];
            score.correct = usize::from(target_score >= max && !row[..target].contains(&max));
            let (sum, all) = exponentials(simd, row, max);
            score.loss = self.inputs.loss(target_score - max, all, sum);
        }
    }
}

/// Scores of some rows to their gradients and losses.
struct GradientRows<'a> {
    inputs: Inputs<'a>,
    /// One part in as many as there are targets.
    scale: f32,
    logits: &'a mut [f32],
    targets: &'a [Option<usize>],
    losses: &'a mut [f64],
    /// The sums of the gradients over the rows, `[vocab_size]`, or nothing.
    column_sums: &'a mut [f32],
}

impl WithSimd for GradientRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vocab_size = self.inputs.vocab_size();
        let smoothing = self.inputs.label_smoothing;
        let even = self.scale * smoothing / vocab_size as f32;
        self.column_sums.fill(0.0);
        let rows = self.logits.chunks_exact_mut(vocab_size);
        for ((row, target), loss) in rows.zip(self.targets).zip(self.losses) {
            let Some(target) = *target else {
                row.fill(0.0);
                continue;
            };
            let max = add_bias(simd, row, self.inputs.bias);
            let target_score = row[target];
            let (sum, all) = exponentials(simd, row, max);
            *loss = self.inputs.loss(target_score - max, all, sum);
            row[target] -= (1.0 - smoothing) * sum;
            normalize(simd, row, self.scale / sum, even, self.column_sums);
        }
    }
}

/// Adds the bias to a row of scores; returns the greatest of them.
#[inline(always)]
fn add_bias<S: Simd>(simd: S, row: &mut [f32], bias: &[f32]) -> f32 {
    #[inline(always)]
    fn part<S: Simd>(simd: S, row: &mut [S::f32s], bias: &[S::f32s]) -> f32 {
        let mut max = simd.splat_f32s(f32::NEG_INFINITY);
        for (value, bias) in row.iter_mut().zip(bias) {
            *value = simd.add_f32s(*value, *bias);
            max = simd.max_f32s(max, *value);
        }
        simd.reduce_max_f32s(max)
    }
    let (head, tail) = S::as_mut_simd_f32s(row);
    let (bias_head, bias_tail) = S::as_simd_f32s(bias);
    part(simd, head, bias_head).max(part(Scalar, tail, bias_tail))
}

/// Makes a row of scores their exponentials, relative to the greatest; returns the sum of the
/// exponentials, and that of the scores above the greatest.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, row: &mut [f32], max: f32) -> (f32, f32) {
    #[inline(always)]
    fn part<S: Simd>(simd: S, row: &mut [S::f32s], max: f32) -> (f32, f32) {
        let max = simd.splat_f32s(max);
        let (mut sum, mut all) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
        for value in row {
            let above = simd.sub_f32s(*value, max);
            all = simd.add_f32s(all, above);
            *value = exp(simd, above);
            sum = simd.add_f32s(sum, *value);
        }
        (simd.reduce_sum_f32s(sum), simd.reduce_sum_f32s(all))
    }
    let (head, tail) = S::as_mut_simd_f32s(row);
    let (sum, all) = part(simd, head, max);
    let (tail_sum, tail_all) = part(Scalar, tail, max);
    (sum + tail_sum, all + tail_all)
}

/// Multiplies a row with `factor`, takes `even` off, and adds the row to `sums` if that has columns.
#[inline(always)]
fn normalize<S: Simd>(simd: S, row: &mut [f32], factor: f32, even: f32, sums: &mut [f32]) {
    #[inline(always)]
    fn part<S: Simd>(
        simd: S,
        row: &mut [S::f32s],
        factor: f32,
        even: f32,
        sums: Option<&mut [S::f32s]>,
    ) {
        let (factor, even) = (simd.splat_f32s(factor), simd.splat_f32s(-even));
        let Some(sums) = sums else {
            for value in row {
                *value = simd.mul_add_e_f32s(*value, factor, even);
            }
            return;
        };
        for (value, sum) in row.iter_mut().zip(sums) {
            *value = simd.mul_add_e_f32s(*value, factor, even);
            *sum = simd.add_f32s(*sum, *value);
        }
    }
    let (head, tail) = S::as_mut_simd_f32s(row);
    if sums.is_empty() {
        part(simd, head, factor, even, None);
        part(Scalar, tail, factor, even, None);
    } else {
        let (sums_head, sums_tail) = S::as_mut_simd_f32s(sums);
        part(simd, head, factor, even, Some(sums_head));
        part(Scalar, tail, factor, even, Some(sums_tail));
    }
}

/// Rows to columns: `[rows, columns]` to `[columns, rows]`.
fn transpose(matrix: &[f32], columns: usize, output: &mut [f32], rows: usize) {
    /// A square of as many rows and columns is read and written while it is in the cache.
    const SIDE: usize = 16;
    assert_eq!(matrix.len(), rows * columns);
    assert_eq!(output.len(), matrix.len());
    output
        .par_chunks_mut((SIDE * rows).max(1))
        .enumerate()
        .for_each(|(block, output)| {
            let first = block * SIDE;
            for start in (0..rows).step_by(SIDE) {
                let end = rows.min(start + SIDE);
                for (column, output) in output.chunks_exact_mut(rows).enumerate() {
                    for (row, output) in (start..end).zip(&mut output[start..end]) {
                        *output = matrix[row * columns + first + column];
                    }
                }
            }
        });
}

thread_local! {
    /// The memory of the last call, for the next one: fresh memory of this size is given back to the
    /// system at once and costs a page fault every 4 KiB at every step.
    static BUFFER: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// At least `len` floats of any value.
fn take_buffer(len: usize) -> Vec<f32> {
    let mut buffer = BUFFER.take();
    if buffer.len() < len {
        // Not `resize`, which would copy.
        buffer = vec![0.0; len];
    }
    buffer
}

fn give_buffer(buffer: Vec<f32>) {
    BUFFER.set(buffer);
}
