//! Embeddings on slices, for the CPU.

use rayon::prelude::*;

/// The rows that a thread looks up at a time.
const ROWS: usize = 64;

/// The rows of `weight`, each of `d`, that belong to `tokens`, times their words' values in `mask`.
pub(super) fn gather(weight: &[f32], d: usize, tokens: &[usize], mask: Option<&[f32]>) -> Vec<f32> {
    let mut embedded = vec![0.0; tokens.len() * d];
    let rows = embedded.par_chunks_mut((ROWS * d).max(1));
    rows.zip(tokens.par_chunks(ROWS))
        .for_each(|(rows, tokens)| {
            for (embedded, &token) in rows.chunks_exact_mut(d.max(1)).zip(tokens) {
                let row = &weight[token * d..][..d];
                match mask {
                    None => embedded.copy_from_slice(row),
                    // Its row is zero already.
                    Some(mask) if mask[token] == 0.0 => {}
                    Some(mask) => {
                        let value = mask[token];
                        for (embedded, weight) in embedded.iter_mut().zip(row) {
                            *embedded = weight * value;
                        }
                    }
                }
            }
        });
    embedded
}

/// Adds the rows of `grad`, each of `d`, times their words' values in `mask`, to the words' rows of
/// `sum`. One thread does it, so that a word's rows are added in the order of the tokens.
pub(super) fn scatter_add(
    sum: &mut [f32],
    grad: &[f32],
    d: usize,
    tokens: &[usize],
    mask: Option<&[f32]>,
) {
    assert_eq!(grad.len(), tokens.len() * d);
    for (grad, &token) in grad.chunks_exact(d.max(1)).zip(tokens) {
        let sum = sum[token * d..][..d].iter_mut().zip(grad);
        match mask {
            None => sum.for_each(|(sum, grad)| *sum += grad),
            // What a dropped word was is not looked at.
            Some(mask) if mask[token] == 0.0 => {}
            Some(mask) => {
                let value = mask[token];
                sum.for_each(|(sum, grad)| *sum += grad * value);
            }
        }
    }
}
