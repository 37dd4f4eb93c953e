//! The loss on burn's CPU backend.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Shape, TensorData};

use super::cpu::{self, Gradients, Inputs};
use super::extension::{CrossEntropyBackend, Wanted};
use super::{CrossEntropyOptions, portable};
use crate::cpu::flex::{floats, floats_mut, from_floats, integers, uses_kernels};
use crate::tied_weight::SharedGradient;

impl CrossEntropyBackend for Flex {
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
        _gradient: SharedGradient,
    ) -> FloatTensor<Self> {
        if !uses_kernels(&hidden) {
            return portable::mean::<Self>(hidden, weight, bias, targets, options);
        }
        let targets = known_targets(&targets, weight.shape()[0], options);
        let count = targets.iter().flatten().count().max(1);
        let score = with_inputs(&hidden, &weight, &bias, &targets, options, cpu::score);
        from_floats(vec![(score.loss / count as f64) as f32], [1])
    }

    fn linear_cross_entropy_sum(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        if !uses_kernels(&hidden) {
            return portable::sum::<Self>(hidden, weight, bias, targets, options);
        }
        let int = targets.dtype();
        let targets = known_targets(&targets, weight.shape()[0], options);
        let score = with_inputs(&hidden, &weight, &bias, &targets, options, cpu::score);
        let correct = TensorData::new(vec![score.correct as i64], Shape::new([1]));
        (
            from_floats(vec![score.loss as f32], [1]),
            IntTensor::<Self>::from_data(correct.convert_dtype(int)),
        )
    }

    fn linear_cross_entropy_gradients(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
        wanted: Wanted,
    ) -> (
        FloatTensor<Self>,
        Option<FloatTensor<Self>>,
        Option<FloatTensor<Self>>,
        Option<FloatTensor<Self>>,
    ) {
        if !uses_kernels(&hidden) {
            return portable::gradients::<Self>(hidden, weight, bias, targets, options, wanted);
        }
        let (vocab_size, d) = (weight.shape()[0], weight.shape()[1]);
        let targets = known_targets(&targets, vocab_size, options);
        let tokens = targets.len();
        let mut hidden_grad = wanted.hidden.then(|| vec![0.0; tokens * d]);
        let mut weight_grad = wanted.weight.then(|| vec![0.0; vocab_size * d]);
        let mut bias_grad = wanted.bias.then(|| vec![0.0; vocab_size]);
        let gradients = Gradients {
            hidden: hidden_grad.as_deref_mut(),
            weight: weight_grad.as_deref_mut(),
            bias: bias_grad.as_deref_mut(),
        };
        let loss = with_inputs(&hidden, &weight, &bias, &targets, options, |inputs| {
            cpu::gradients(inputs, gradients)
        });
        (
            from_floats(vec![loss], [1]),
            hidden_grad.map(|grad| from_floats(grad, [tokens, d])),
            weight_grad.map(|grad| from_floats(grad, [vocab_size, d])),
            bias_grad.map(|grad| from_floats(grad, [vocab_size])),
        )
    }

    fn scale_gradient(gradient: FloatTensor<Self>, scale: FloatTensor<Self>) -> FloatTensor<Self> {
        if !uses_kernels(&gradient) {
            return portable::scaled::<Self>(gradient, scale);
        }
        let scale = floats(&scale)[0];
        let mut gradient = gradient;
        // The loss is mostly what the backward pass starts at, so this is a whole pass saved.
        if scale.to_bits() != 1f32.to_bits() {
            for value in floats_mut(&mut gradient) {
                *value *= scale;
            }
        }
        gradient
    }
}

/// The targets, and `None` for those that are ignored.
fn known_targets(
    targets: &IntTensor<Flex>,
    vocab_size: usize,
    options: CrossEntropyOptions,
) -> Vec<Option<usize>> {
    let targets = integers(targets);
    let known = targets.iter().map(|&target| {
        if options.ignored_target == Some(target) {
            return None;
        }
        assert!(
            (0..vocab_size as i64).contains(&target),
            "the target {target} is not in the vocabulary of {vocab_size} words"
        );
        Some(target as usize)
    });
    known.collect()
}

fn with_inputs<T>(
    hidden: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    targets: &[Option<usize>],
    options: CrossEntropyOptions,
    run: impl FnOnce(Inputs<'_>) -> T,
) -> T {
    run(Inputs {
        hidden: &floats(hidden),
        weight: &floats(weight),
        bias: &floats(bias),
        targets,
        d: weight.shape()[1],
        label_smoothing: options.label_smoothing as f32,
    })
}
