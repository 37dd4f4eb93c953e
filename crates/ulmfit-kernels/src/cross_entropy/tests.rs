#![expect(deprecated, reason = "ndarray is offered for as long as burn ships it")]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData, Tolerance};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{CrossEntropyOptions, linear_cross_entropy, linear_cross_entropy_sum};
use crate::cpu::settings;
use crate::{SimdLevel, TiedWeight, embedding, set_simd_level, use_portable_kernels};

/// `[tokens, vocab_size, d]`: single tokens and words, sizes that are no multiple of a vector.
const SIZES: [[usize; 3]; 6] = [
    [1, 1, 1],
    [1, 5, 3],
    [7, 1, 2],
    [33, 17, 5],
    [40, 64, 16],
    [129, 131, 19],
];

const IGNORED: i64 = -100;

const OPTIONS: [CrossEntropyOptions; 3] = [
    CrossEntropyOptions {
        label_smoothing: 0.0,
        ignored_target: None,
    },
    CrossEntropyOptions {
        label_smoothing: 0.1,
        ignored_target: None,
    },
    CrossEntropyOptions {
        label_smoothing: 0.3,
        ignored_target: Some(IGNORED),
    },
];

struct Case {
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Vec<i64>,
    options: CrossEntropyOptions,
}

fn case(sizes: [usize; 3], options: CrossEntropyOptions, device: &Device) -> Case {
    let [tokens, vocab_size, d] = sizes;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut target = |index: usize| {
        if options.ignored_target.is_some() && index % 3 == 1 {
            IGNORED
        } else {
            i64::from(rng.next_u32()) % vocab_size as i64
        }
    };
    let targets = (0..tokens).map(&mut target).collect();
    Case {
        hidden: uniform(&mut rng, [tokens, d], device),
        weight: uniform(&mut rng, [vocab_size, d], device),
        bias: uniform(&mut rng, [vocab_size], device),
        targets,
        options,
    }
}

fn uniform<const D: usize>(rng: &mut ChaCha8Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product::<usize>())
        .map(|_| 4.0 * f64::from(rng.next_u32()) / f64::from(u32::MAX) - 2.0)
        .collect::<Vec<_>>();
    let tensor = Tensor::from_data(TensorData::new(values, shape), device);
    tensor.set_require_grad(device.is_autodiff())
}

fn integers(values: &[i64], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

impl Case {
    fn run(&self) -> Tensor<1> {
        linear_cross_entropy(
            self.hidden.clone(),
            self.weight.clone(),
            self.bias.clone(),
            integers(&self.targets, &self.hidden.device()),
            self.options,
        )
    }

    /// The definition under plain autodiff, on the tokens that count.
    fn reference(&self) -> Tensor<1> {
        let device = self.hidden.device();
        let is_counted = |token: &usize| self.targets[*token] != IGNORED;
        let counted: Vec<_> = (0..self.targets.len()).filter(is_counted).collect();
        let targets: Vec<_> = counted.iter().map(|&token| self.targets[token]).collect();
        let counted: Vec<_> = counted.iter().map(|&token| token as i64).collect();
        if counted.is_empty() {
            return (self.hidden.clone().sum() + self.weight.clone().sum()) * 0.0
                + self.bias.clone().sum() * 0.0;
        }
        let hidden = self.hidden.clone().select(0, integers(&counted, &device));
        let logits = hidden.matmul(self.weight.clone().transpose()) + self.bias.clone().unsqueeze();
        let log_probabilities = log_softmax(logits, 1);
        let of_targets = log_probabilities
            .clone()
            .gather(1, integers(&targets, &device).unsqueeze_dim(1));
        let smoothing = self.options.label_smoothing;
        (of_targets.mean() * (1.0 - smoothing) + log_probabilities.mean() * smoothing).neg()
    }
}

fn assert_close<const D: usize>(actual: Tensor<D>, expected: Tensor<D>) {
    let tolerance = Tolerance::absolute(2e-6).set_relative(2e-5);
    actual
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
}

fn check(device: &Device) {
    for sizes in SIZES {
        for options in OPTIONS {
            let case = case(sizes, options, device);
            assert_close(case.run(), case.reference());
            if !device.is_autodiff() {
                continue;
            }
            let actual = (case.run() * 3.0).backward();
            let expected = (case.reference() * 3.0).backward();
            let (hidden, weight, bias) = (&case.hidden, &case.weight, &case.bias);
            assert_close(
                hidden.grad(&actual).unwrap(),
                hidden.grad(&expected).unwrap(),
            );
            assert_close(
                weight.grad(&actual).unwrap(),
                weight.grad(&expected).unwrap(),
            );
            assert_close(bias.grad(&actual).unwrap(), bias.grad(&expected).unwrap());
        }
    }
}

#[test]
fn it_equals_plain_autodiff_on_flex_at_every_level() {
    let _settings = settings();
    let levels = SimdLevel::available().into_iter().map(Some);
    for level in levels.chain([None]) {
        set_simd_level(level);
        check(&Device::flex());
        check(&Device::flex().autodiff());
    }
    use_portable_kernels(true);
    check(&Device::flex());
    check(&Device::flex().autodiff());
    use_portable_kernels(false);

    // Here since it would fail if the level changed meanwhile.
    let gradients = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let case = case([700, 12_001, 24], OPTIONS[2], &Device::flex().autodiff());
            let loss = case.run();
            let gradients = loss.backward();
            (
                loss.into_data(),
                case.hidden.grad(&gradients).unwrap().into_data(),
                case.weight.grad(&gradients).unwrap().into_data(),
                case.bias.grad(&gradients).unwrap().into_data(),
            )
        })
    };
    assert_eq!(gradients(1), gradients(2));
    assert_eq!(gradients(1), gradients(3));
}

#[test]
fn it_equals_plain_autodiff_on_ndarray() {
    check(&Device::ndarray());
    check(&Device::ndarray().autodiff());
}

#[test]
fn several_chunks_equal_plain_autodiff() {
    let case = case([130, 140_003, 2], OPTIONS[1], &Device::flex().autodiff());
    let loss = case.run();
    assert_close(loss.clone(), case.reference());
    let (actual, expected) = (loss.backward(), case.reference().backward());
    for (actual, expected) in [
        (case.hidden.grad(&actual), case.hidden.grad(&expected)),
        (case.weight.grad(&actual), case.weight.grad(&expected)),
    ] {
        assert_close(actual.unwrap(), expected.unwrap());
    }
    let [actual, expected] = [actual, expected].map(|all| case.bias.grad(&all).unwrap());
    assert_close(actual, expected);
}

#[test]
fn a_target_is_ignored_beside_a_word_that_is_left_out() {
    for device in [Device::flex(), Device::ndarray()] {
        let loss = linear_cross_entropy(
            Tensor::ones([2, 1], &device),
            Tensor::ones([3, 1], &device),
            Tensor::from_data([f32::NEG_INFINITY, 0.0, 0.0], &device),
            integers(&[2, IGNORED], &device),
            CrossEntropyOptions {
                ignored_target: Some(IGNORED),
                ..CrossEntropyOptions::default()
            },
        );
        assert_close(loss, Tensor::from_data([2.0_f32.ln()], &device));
    }
}

#[test]
fn only_what_is_tracked_gets_a_gradient() {
    for device in [Device::flex().autodiff(), Device::ndarray().autodiff()] {
        // The second one finds the buffer of the first one, which is longer than it needs.
        for tokens in [100, 98] {
            let plain = case([tokens, 20, 4], OPTIONS[0], &device);
            let case = Case {
                weight: plain.weight.set_require_grad(false),
                bias: plain.bias.set_require_grad(false),
                ..plain
            };
            let (actual, expected) = (case.run(), case.reference());
            assert_close(actual.clone(), expected.clone());
            let (actual, expected) = (actual.backward(), expected.backward());
            let hidden = |gradients| case.hidden.grad(gradients).unwrap();
            assert_close(hidden(&actual), hidden(&expected));
            assert!(case.weight.grad(&actual).is_none());
            assert!(case.bias.grad(&actual).is_none());
        }
    }
}

#[test]
fn a_word_can_be_left_out_by_its_bias() {
    for device in [Device::flex(), Device::ndarray()] {
        let loss = linear_cross_entropy(
            Tensor::ones([1, 1], &device),
            Tensor::ones([3, 1], &device),
            Tensor::from_data([0.0, f32::NEG_INFINITY, 0.0], &device),
            integers(&[2], &device),
            OPTIONS[0],
        );
        assert_close(loss, Tensor::from_data([2_f32.ln()], &device));
    }
}

#[test]
fn without_any_target_loss_and_gradients_are_zero() {
    for device in [Device::flex().autodiff(), Device::ndarray().autodiff()] {
        let whole = case([3, 5, 4], OPTIONS[2], &device);
        let all_ignored = Case {
            targets: vec![IGNORED; 3],
            ..whole
        };
        let no_tokens = case([0, 5, 4], OPTIONS[0], &device);
        for case in [all_ignored, no_tokens] {
            let loss = case.run();
            assert_eq!(loss.clone().into_data().to_vec::<f32>().unwrap(), [0.0]);
            let gradients = loss.backward();
            let weight = case.weight.grad(&gradients).unwrap();
            assert_eq!(weight.dims(), case.weight.dims());
            let largest = weight.abs().max().into_scalar::<f32>();
            assert!(largest == 0.0, "{largest}");
            let hidden = case.hidden.grad(&gradients).unwrap();
            assert_eq!(hidden.dims(), case.hidden.dims());
        }
    }
}

#[test]
fn large_scores_do_not_overflow() {
    let device = Device::flex().autodiff();
    // Scores of 1e4, 0 and -1e4.
    let weight = Tensor::<2>::from_data([[1e4], [0.0], [-1e4]], &device).require_grad();
    for (target, expected, gradient) in [
        (0, 0.0, [0.0, 0.0, 0.0]),
        (1, 1e4, [1.0, -1.0, 0.0]),
        (2, 2e4, [1.0, 0.0, -1.0]),
    ] {
        let loss = linear_cross_entropy(
            Tensor::ones([1, 1], &device),
            weight.clone(),
            Tensor::zeros([3], &device),
            integers(&[target], &device),
            CrossEntropyOptions::default(),
        );
        assert_eq!(
            loss.clone().into_data().to_vec::<f32>().unwrap(),
            [expected]
        );
        let grad = weight.grad(&loss.backward()).unwrap();
        let expected = Tensor::<1>::from_data(gradient, &Device::flex()).unsqueeze_dim(1);
        assert_close(grad, expected);
    }
}

#[test]
fn sums_and_hits_are_those_of_the_targets_that_count() {
    for device in [Device::flex(), Device::ndarray(), Device::flex().autodiff()] {
        for options in OPTIONS {
            let mut case = case([50, 21, 3], options, &device);
            let logits = case.hidden.clone().matmul(case.weight.clone().transpose())
                + case.bias.clone().unsqueeze();
            let best: Vec<i64> = logits.argmax(1).into_data().iter().collect();
            // Half of them right.
            for (index, (target, best)) in case.targets.iter_mut().zip(&best).enumerate() {
                if *target != IGNORED && index % 2 == 0 {
                    *target = *best;
                }
            }
            let pairs = || case.targets.iter().zip(&best);
            let expected = pairs().filter(|(target, best)| target == best).count();
            let counted = pairs().filter(|(target, _)| **target != IGNORED).count();
            let sum = linear_cross_entropy_sum(
                case.hidden.clone(),
                case.weight.clone(),
                case.bias.clone(),
                integers(&case.targets, &device),
                options,
            );
            assert_eq!(sum.correct.into_scalar::<i64>(), expected as i64);
            let mean = (sum.loss / counted as f64).inner_if_tracked();
            assert_close(mean, case.reference().inner_if_tracked());
        }
    }
}

/// Of equal scores, the first counts, as with `argmax`.
#[test]
fn of_equal_scores_the_first_is_the_highest() {
    for device in [Device::flex(), Device::ndarray()] {
        let correct = |target| {
            let sum = linear_cross_entropy_sum(
                Tensor::ones([1, 1], &device),
                Tensor::ones([40, 1], &device),
                Tensor::zeros([40], &device),
                integers(&[target], &device),
                CrossEntropyOptions::default(),
            );
            sum.correct.into_scalar::<i64>()
        };
        assert_eq!([correct(0), correct(1), correct(39)], [1, 0, 0]);
    }
}

#[test]
#[should_panic(expected = "the target 5 is not in the vocabulary of 5 words")]
fn a_target_beyond_the_vocabulary_is_a_panic() {
    let mut case = case([3, 5, 4], OPTIONS[0], &Device::flex());
    case.targets[2] = 5;
    case.run();
}

/// The gradient of a weight that embeds tokens and then decodes what was made of them.
#[test]
fn a_tied_weight_gets_both_gradients() {
    for device in [Device::flex().autodiff(), Device::ndarray().autodiff()] {
        let case = case([7, 5, 4], OPTIONS[0], &device);
        let tokens = integers(&[4, 0, 0, 3, 2, 4, 4], &device);
        let mask = Tensor::<1>::from_data([2.0, 2.0, 0.0, 2.0, 2.0], &device);
        let loss = |weight: TiedWeight, plain: Option<Tensor<2>>| {
            let embedded = embedding(
                plain.map_or_else(|| weight.clone(), TiedWeight::from),
                tokens.clone(),
                Some(mask.clone()),
            );
            let decoded = linear_cross_entropy(
                embedded.clone().tanh(),
                weight,
                case.bias.clone(),
                integers(&case.targets, &device),
                case.options,
            );
            (decoded, embedded.sum())
        };
        let weight = |gradients| case.weight.grad(&gradients).unwrap();
        let tied = || loss(TiedWeight::new(case.weight.clone()), None);
        let plain = || loss(case.weight.clone().into(), Some(case.weight.clone()));
        // Through both, the decoder alone, and the embedding alone.
        let both = |(decoded, embedded): (Tensor<1>, Tensor<1>)| (decoded + embedded).backward();
        assert_close(weight(both(tied())), weight(both(plain())));
        assert_close(weight(tied().0.backward()), weight(plain().0.backward()));
        assert_close(weight(tied().1.backward()), weight(plain().1.backward()));
    }
}

trait InnerIfTracked {
    fn inner_if_tracked(self) -> Self;
}

impl InnerIfTracked for Tensor<1> {
    fn inner_if_tracked(self) -> Self {
        if self.device().is_autodiff() {
            self.inner()
        } else {
            self
        }
    }
}
