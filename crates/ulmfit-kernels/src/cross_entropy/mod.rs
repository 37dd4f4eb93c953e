//! The decoder of a language model with its loss, as one operation.
//!
//! For each token, with hidden state h and target t:
//!
//! ```text
//! z = h W^T + b                                    [vocab_size]
//! loss = log(sum(exp(z))) - (1 - s) z_t - s mean(z)
//! ```
//!
//! s being the label smoothing. The scores z of all tokens are half a gigabyte at the paper's size,
//! and plain autodiff keeps several tensors of that size. The gradients of the mean loss, but for the
//! factor that comes from above, are known once the scores are, so the forward pass computes them
//! and keeps nothing else; on the CPU it does so chunk by chunk (`cpu`, `flex`), elsewhere in burn
//! operations (`portable`).

mod autodiff;
#[cfg(feature = "flex")]
mod cpu;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::tied_weight::TiedWeight;
use extension::CrossEntropyBackend;

/// How [`linear_cross_entropy`] treats its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropyOptions {
    /// How much of the target's probability goes to the whole vocabulary, evenly, in `[0, 1]`.
    pub label_smoothing: f64,
    /// The target that is not one: tokens that have it count for nothing.
    pub ignored_target: Option<i64>,
}

/// What [`linear_cross_entropy_sum`] returns.
#[derive(Clone, Debug)]
pub struct CrossEntropySum {
    /// The sum of the losses, `[1]`, detached.
    pub loss: Tensor<1>,
    /// How many targets had the highest score, `[1]`.
    pub correct: Tensor<1, Int>,
}

/// The mean cross-entropy, in nats, of predicting `targets` by a linear layer and a softmax over the
/// vocabulary, `[1]`; zero without any target.
///
/// Gradients flow to `hidden`, `weight` and `bias`.
///
/// # Shapes
///
/// - hidden: `[tokens, d]`
/// - weight: `[vocab_size, d]`
/// - bias: `[vocab_size]`
/// - targets: `[tokens]`, each below `vocab_size` or ignored
///
/// # Panics
///
/// Panics if the shapes do not fit together, on the CPU if a target is not in the vocabulary, or if
/// the tensors live on a backend that no feature of this crate names.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    weight: impl Into<TiedWeight>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
    options: CrossEntropyOptions,
) -> Tensor<1> {
    let TiedWeight { tensor, gradient } = weight.into();
    check(&hidden, &tensor, &bias, &targets, options);
    Tensor::from_dispatch(<Dispatch as CrossEntropyBackend>::linear_cross_entropy(
        hidden.into_dispatch(),
        tensor.into_dispatch(),
        bias.into_dispatch(),
        targets.into_dispatch(),
        options,
        gradient,
    ))
}

/// The sum of the losses of which [`linear_cross_entropy`] is the mean, and how many targets had the
/// highest score. No gradients flow.
///
/// # Shapes and panics
///
/// As those of [`linear_cross_entropy`].
pub fn linear_cross_entropy_sum(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
    options: CrossEntropyOptions,
) -> CrossEntropySum {
    check(&hidden, &weight, &bias, &targets, options);
    let (loss, correct) = <Dispatch as CrossEntropyBackend>::linear_cross_entropy_sum(
        hidden.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        targets.into_dispatch(),
        options,
    );
    CrossEntropySum {
        loss: Tensor::from_dispatch(loss),
        correct: Tensor::from_dispatch(correct),
    }
}

fn check(
    hidden: &Tensor<2>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
    targets: &Tensor<1, Int>,
    options: CrossEntropyOptions,
) {
    let [tokens, d] = hidden.dims();
    let [vocab_size, _] = weight.dims();
    assert!(vocab_size > 0, "the vocabulary has no words");
    assert_eq!(weight.dims(), [vocab_size, d], "weight is [vocab_size, d]");
    assert_eq!(bias.dims(), [vocab_size], "bias is [vocab_size]");
    assert_eq!(targets.dims(), [tokens], "targets is [tokens]");
    assert!(
        (0.0..=1.0).contains(&options.label_smoothing),
        "the label smoothing is {}, which is not in [0, 1]",
        options.label_smoothing
    );
}

#[cfg(test)]
mod tests;
