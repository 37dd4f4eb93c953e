//! Embeddings on slices, for the CPU. One thread does it: this is a small part of a step, and the
//! sums of a word's rows are in the order of the tokens.

/// The rows of `weight`, each of `d`, that belong to `tokens`, times their words' values in `mask`.
pub(super) fn gather(weight: &[f32], d: usize, tokens: &[usize], mask: Option<&[f32]>) -> Vec<f32> {
    let mut embedded = Vec::with_capacity(tokens.len() * d);
    for &token in tokens {
        let row = &weight[token * d..][..d];
        match mask {
            None => embedded.extend_from_slice(row),
            Some(mask) => embedded.extend(row.iter().map(|value| value * mask[token])),
        }
    }
    embedded
}

/// Adds the rows of `grad`, each of `d`, times their words' values in `mask`, to the words' rows of
/// `sum`.
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
            Some(mask) => sum.for_each(|(sum, grad)| *sum += grad * mask[token]),
        }
    }
}
