//! The loss and its gradients in burn operations, for every backend.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Scalar, TensorMetadata, get_device_settings};
use burn::tensor::{IndexingUpdateOp, Shape};

use super::CrossEntropyOptions;
use super::extension::Wanted;

/// Targets as burn's operations want them.
struct Targets<B: Backend> {
    /// `[tokens, 1]`; a valid one in place of those that are ignored.
    words: IntTensor<B>,
    /// 0 for those that are ignored and 1 for others, `[tokens, 1]`; `None` if all count.
    counted: Option<IntTensor<B>>,
}

/// See [`super::extension::CrossEntropyBackend::linear_cross_entropy`].
pub(super) fn mean<B: Backend>(
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    targets: IntTensor<B>,
    options: CrossEntropyOptions,
) -> FloatTensor<B> {
    let nothing = Wanted {
        hidden: false,
        weight: false,
        bias: false,
    };
    gradients::<B>(hidden, weight, bias, targets, options, nothing).0
}

/// See [`super::extension::CrossEntropyBackend::linear_cross_entropy_sum`].
pub(super) fn sum<B: Backend>(
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    targets: IntTensor<B>,
    options: CrossEntropyOptions,
) -> (FloatTensor<B>, IntTensor<B>) {
    let (device, int) = (hidden.device(), targets.dtype().into());
    if hidden.shape()[0] == 0 {
        let correct = B::int_zeros(Shape::new([1]), &device, int);
        return (zeros_like::<B>(&hidden, Shape::new([1])), correct);
    }
    let bool = get_device_settings::<B>(&device).bool_dtype;
    let targets = Targets::<B>::new(targets, options);
    let log_probabilities = log_probabilities::<B>(hidden, weight, bias);
    let best = B::float_argmax(log_probabilities.clone(), 1, int); // [tokens, 1]
    let hits = B::int_equal(best, targets.words.clone(), bool);
    let hits = match &targets.counted {
        Some(counted) => B::int_mul(B::bool_into_int(hits, int), counted.clone()),
        None => B::bool_into_int(hits, int),
    };
    let losses = losses::<B>(&log_probabilities, &targets, options);
    (B::float_sum(losses), B::int_sum(hits))
}

/// See [`super::extension::CrossEntropyBackend::linear_cross_entropy_gradients`].
#[expect(clippy::type_complexity, reason = "as the extension's macro wants it")]
pub(super) fn gradients<B: Backend>(
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    targets: IntTensor<B>,
    options: CrossEntropyOptions,
    wanted: Wanted,
) -> (
    FloatTensor<B>,
    Option<FloatTensor<B>>,
    Option<FloatTensor<B>>,
    Option<FloatTensor<B>>,
) {
    let zeros = |tensor: &FloatTensor<B>| zeros_like::<B>(tensor, tensor.shape());
    let [tokens, vocab_size] = [hidden.shape()[0], weight.shape()[0]];
    if tokens == 0 {
        return (
            zeros_like::<B>(&hidden, Shape::new([1])),
            wanted.hidden.then(|| zeros(&hidden)),
            wanted.weight.then(|| zeros(&weight)),
            wanted.bias.then(|| zeros(&bias)),
        );
    }
    let targets = Targets::<B>::new(targets, options);
    let log_probabilities = log_probabilities::<B>(hidden.clone(), weight.clone(), bias);
    let loss = B::float_sum(losses::<B>(&log_probabilities, &targets, options));
    // One part in as many as there are targets, and zero where there is none.
    let scales = targets.scales(&hidden); // [tokens, 1]
    let scale = B::float_reshape(B::float_max_dim(scales.clone(), 0), Shape::new([1]));
    let loss = B::float_mul(loss, scale);
    if !(wanted.hidden || wanted.weight || wanted.bias) {
        return (loss, None, None, None);
    }

    let smoothing = options.label_smoothing;
    let even = B::float_sub_scalar(
        B::float_exp(log_probabilities),
        Scalar::Float(smoothing / vocab_size as f64),
    );
    let peaks = zeros_like::<B>(&hidden, Shape::new([tokens, 1]));
    let peaks = B::float_add_scalar(peaks, Scalar::Float(smoothing - 1.0));
    let gradient = B::float_scatter(1, even, targets.words, peaks, IndexingUpdateOp::Add);
    let gradient = B::float_mul(gradient, scales); // [tokens, vocab_size]
    let bias = wanted.bias.then(|| {
        let sums = B::float_sum_dim(gradient.clone(), 0);
        B::float_reshape(sums, Shape::new([vocab_size]))
    });
    let weight_grad = wanted
        .weight
        .then(|| B::float_matmul(B::float_transpose(gradient.clone()), hidden));
    let hidden_grad = wanted.hidden.then(|| B::float_matmul(gradient, weight));
    (loss, hidden_grad, weight_grad, bias)
}

/// See [`super::extension::CrossEntropyBackend::scale_gradient`].
pub(super) fn scaled<B: Backend>(
    gradient: FloatTensor<B>,
    scale: FloatTensor<B>,
) -> FloatTensor<B> {
    let ones = Shape::from(vec![1; gradient.rank()]);
    B::float_mul(gradient, B::float_reshape(scale, ones))
}

impl<B: Backend> Targets<B> {
    fn new(targets: IntTensor<B>, options: CrossEntropyOptions) -> Self {
        let (device, int) = (targets.device(), targets.dtype().into());
        let shape = Shape::new([targets.shape()[0], 1]);
        let words = B::int_reshape(targets, shape);
        let Some(ignored) = options.ignored_target else {
            return Self {
                words,
                counted: None,
            };
        };
        let bool = get_device_settings::<B>(&device).bool_dtype;
        let is_ignored = B::int_equal_elem(words.clone(), Scalar::Int(ignored), bool);
        let counted = B::bool_into_int(B::bool_not(is_ignored.clone()), int);
        Self {
            words: B::int_mask_fill(words, is_ignored, Scalar::Int(0)),
            counted: Some(counted),
        }
    }

    /// What each token's loss counts in the mean, `[tokens, 1]`, in floats like `like`.
    fn scales(&self, like: &FloatTensor<B>) -> FloatTensor<B> {
        let tokens = self.words.shape()[0];
        match &self.counted {
            None => {
                let zeros = zeros_like::<B>(like, Shape::new([tokens, 1]));
                B::float_add_scalar(zeros, Scalar::Float(1.0 / tokens as f64))
            }
            Some(counted) => {
                let counted = B::int_into_float(counted.clone(), like.dtype().into());
                let count = B::float_sum_dim(counted.clone(), 0); // [1, 1]
                B::float_div(counted, B::float_clamp_min(count, Scalar::Float(1.0)))
            }
        }
    }
}

/// `[tokens, vocab_size]`
fn log_probabilities<B: Backend>(
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    let vocab_size = weight.shape()[0];
    let scores = B::float_matmul(hidden, B::float_transpose(weight));
    let bias = B::float_reshape(bias, Shape::new([1, vocab_size]));
    B::log_softmax(B::float_add(scores, bias), 1)
}

/// The loss of each token, zero for those that are ignored, `[tokens, 1]`.
fn losses<B: Backend>(
    log_probabilities: &FloatTensor<B>,
    targets: &Targets<B>,
    options: CrossEntropyOptions,
) -> FloatTensor<B> {
    let smoothing = options.label_smoothing;
    let vocab_size = log_probabilities.shape()[1];
    let of_target = B::float_gather(1, log_probabilities.clone(), targets.words.clone());
    let mut losses = B::float_mul_scalar(of_target, Scalar::Float(smoothing - 1.0));
    if smoothing > 0.0 {
        let all = B::float_sum_dim(log_probabilities.clone(), 1);
        let even = B::float_mul_scalar(all, Scalar::Float(-smoothing / vocab_size as f64));
        losses = B::float_add(losses, even);
    }
    match &targets.counted {
        None => losses,
        Some(counted) => {
            let bool = get_device_settings::<B>(&losses.device()).bool_dtype;
            let is_ignored = B::int_equal_elem(counted.clone(), Scalar::Int(0), bool);
            // Filled, not multiplied: the word in its place may be left out, and its loss infinite.
            B::float_mask_fill(losses, is_ignored, Scalar::Float(0.0))
        }
    }
}

fn zeros_like<B: Backend>(tensor: &FloatTensor<B>, shape: Shape) -> FloatTensor<B> {
    B::float_zeros(shape, &tensor.device(), tensor.dtype().into())
}
