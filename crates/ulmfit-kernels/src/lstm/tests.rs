#![expect(deprecated, reason = "ndarray is offered for as long as burn ships it")]

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{LstmOutput, LstmWeights, lstm};
use crate::cpu::settings;
use crate::{SimdLevel, set_simd_level, use_portable_kernels};

struct Case {
    input: Tensor<3>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    weight_ih: Tensor<2>,
    weight_hh: Tensor<2>,
    weight_hh_mask: Option<Tensor<2>>,
    bias: Tensor<1>,
    /// What the output is weighted with to make a loss.
    weighting: Tensor<3>,
}

/// `[seq_len, batch_size, d_input, d_hidden]`: single steps, single rows, odd sizes, more rows and
/// units than a tile of any vector size has.
const SIZES: [[usize; 4]; 6] = [
    [1, 1, 1, 1],
    [1, 3, 2, 5],
    [7, 1, 3, 4],
    [5, 4, 17, 9],
    [9, 6, 8, 16],
    [3, 17, 8, 67],
];

fn case([seq_len, batch_size, d_input, d_hidden]: [usize; 4], device: &Device) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let gates = 4 * d_hidden;
    Case {
        input: uniform(&mut rng, [seq_len, batch_size, d_input], device),
        hidden: uniform(&mut rng, [batch_size, d_hidden], device),
        cell: uniform(&mut rng, [batch_size, d_hidden], device),
        weight_ih: uniform(&mut rng, [gates, d_input], device),
        weight_hh: uniform(&mut rng, [gates, d_hidden], device),
        weight_hh_mask: (d_hidden > 4).then(|| uniform(&mut rng, [gates, d_hidden], device)),
        bias: uniform(&mut rng, [gates], device),
        weighting: uniform(&mut rng, [seq_len, batch_size, d_hidden], device),
    }
}

fn uniform<const D: usize>(rng: &mut ChaCha8Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product::<usize>())
        .map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5)
        .collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn run(case: &Case) -> LstmOutput {
    lstm(
        case.input.clone(),
        case.hidden.clone(),
        case.cell.clone(),
        case.weights(),
    )
}

impl Case {
    fn weights(&self) -> LstmWeights {
        LstmWeights {
            ih: self.weight_ih.clone(),
            hh: self.weight_hh.clone(),
            hh_mask: self.weight_hh_mask.clone(),
            bias: self.bias.clone(),
        }
    }
}

/// The formulas of the module's documentation, one time step at a time, under plain autodiff.
fn reference(case: &Case) -> LstmOutput {
    let [seq_len, batch_size, _] = case.input.dims();
    let [_, d_hidden] = case.hidden.dims();
    let (mut hidden, mut cell) = (case.hidden.clone(), case.cell.clone());
    let weight_hh = match &case.weight_hh_mask {
        Some(mask) => case.weight_hh.clone() * mask.clone(),
        None => case.weight_hh.clone(),
    };
    let mut outputs = Vec::new();
    for step in 0..seq_len {
        let input = case.input.clone().narrow(0, step, 1).squeeze_dim(0);
        let gates = input.matmul(case.weight_ih.clone().transpose())
            + hidden.matmul(weight_hh.clone().transpose())
            + case.bias.clone().unsqueeze();
        let gate = |index: usize| gates.clone().narrow(1, index * d_hidden, d_hidden);
        cell = sigmoid(gate(1)) * cell + sigmoid(gate(0)) * gate(2).tanh();
        hidden = sigmoid(gate(3)) * cell.clone().tanh();
        outputs.push(hidden.clone().reshape([1, batch_size, d_hidden]));
    }
    LstmOutput {
        output: Tensor::cat(outputs, 0),
        cell,
    }
}

fn assert_close<const D: usize>(actual: Tensor<D>, expected: Tensor<D>) {
    actual
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(2e-6));
}

fn check_forward(device: &Device) {
    for sizes in SIZES {
        let case = case(sizes, device);
        let (actual, expected) = (run(&case), reference(&case));
        assert_close(actual.output, expected.output);
        assert_close(actual.cell, expected.cell);
    }
}

fn check_gradients(device: &Device) {
    for sizes in SIZES {
        let plain = case(sizes, device);
        let case = Case {
            input: plain.input.require_grad(),
            weight_ih: plain.weight_ih.require_grad(),
            weight_hh: plain.weight_hh.require_grad(),
            bias: plain.bias.require_grad(),
            ..plain
        };
        let loss = |output: LstmOutput| (output.output * case.weighting.clone()).sum();
        let actual = loss(run(&case)).backward();
        let expected = loss(reference(&case)).backward();
        assert_close(
            case.input.grad(&actual).unwrap(),
            case.input.grad(&expected).unwrap(),
        );
        assert_close(
            case.weight_ih.grad(&actual).unwrap(),
            case.weight_ih.grad(&expected).unwrap(),
        );
        assert_close(
            case.weight_hh.grad(&actual).unwrap(),
            case.weight_hh.grad(&expected).unwrap(),
        );
        assert_close(
            case.bias.grad(&actual).unwrap(),
            case.bias.grad(&expected).unwrap(),
        );
    }
}

#[test]
fn forward_equals_the_formulas_on_flex() {
    check_forward(&Device::flex());
    check_forward(&Device::flex().autodiff());
}

#[test]
fn forward_equals_the_formulas_on_ndarray() {
    check_forward(&Device::ndarray());
    check_forward(&Device::ndarray().autodiff());
}

#[test]
fn gradients_equal_those_of_plain_autodiff_on_flex() {
    check_gradients(&Device::flex().autodiff());
}

#[test]
fn every_simd_level_and_the_portable_body_agree() {
    let _settings = settings();
    let device = Device::flex();
    for level in SimdLevel::available() {
        set_simd_level(Some(level));
        check_forward(&device);
        check_gradients(&device.clone().autodiff());
    }
    set_simd_level(None);
    use_portable_kernels(true);
    check_forward(&device);
    check_gradients(&device.autodiff());
    use_portable_kernels(false);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let _settings = settings();
    let device = Device::flex().autodiff();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let plain = case([5, 19, 12, 50], &device);
            let case = Case {
                weight_hh: plain.weight_hh.require_grad(),
                ..plain
            };
            let LstmOutput { output, cell } = run(&case);
            let grads = (output.clone() * case.weighting.clone()).sum().backward();
            let grad = case.weight_hh.grad(&grads).unwrap();
            (output.into_data(), cell.into_data(), grad.into_data())
        })
    };
    let expected = run(1);
    for threads in 2..6 {
        assert_eq!(run(threads), expected, "{threads} threads");
    }
}

#[test]
fn a_level_that_changes_meanwhile_changes_no_result() {
    let _settings = settings();
    let device = Device::flex().autodiff();
    let plain = case([7, 5, 12, 50], &device);
    let case = Case {
        weight_hh: plain.weight_hh.require_grad(),
        ..plain
    };
    let results = |output: LstmOutput| {
        let grads = (output.output.clone() * case.weighting.clone())
            .sum()
            .backward();
        (output.output, case.weight_hh.grad(&grads).unwrap())
    };
    let expected = results(reference(&case));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut levels = SimdLevel::available().into_iter().cycle();
            while !done.load(Ordering::Relaxed) {
                set_simd_level(levels.next());
                std::thread::yield_now();
            }
        });
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let runs = pool.unwrap().install(|| {
            let runs = (0..200).map(|_| results(run(&case)));
            runs.collect::<Vec<_>>()
        });
        done.store(true, Ordering::Relaxed);
        for (output, grad) in runs {
            assert_close(output, expected.0.clone());
            assert_close(grad, expected.1.clone());
        }
    });
    set_simd_level(None);
}

#[test]
fn no_rows_are_no_work() {
    let output = run(&case([3, 0, 5, 6], &Device::flex()));
    assert_eq!(output.output.dims(), [3, 0, 6]);
    assert_eq!(output.cell.dims(), [0, 6]);
}

#[test]
fn gradients_equal_those_of_plain_autodiff_on_ndarray() {
    check_gradients(&Device::ndarray().autodiff());
}

#[test]
fn a_frozen_layer_passes_gradients_to_its_input_alone() {
    let device = Device::flex().autodiff();
    let plain = case([4, 3, 5, 6], &device);
    let case = Case {
        input: plain.input.require_grad(),
        ..plain
    };
    let actual = (run(&case).output * case.weighting.clone())
        .sum()
        .backward();
    let expected = (reference(&case).output * case.weighting.clone())
        .sum()
        .backward();
    assert_close(
        case.input.grad(&actual).unwrap(),
        case.input.grad(&expected).unwrap(),
    );
    assert!(case.bias.grad(&actual).is_none());
}

#[test]
fn two_halves_with_carried_state_equal_one_whole() {
    let device = Device::flex();
    let whole = case([8, 3, 5, 6], &device);
    let expected = run(&whole);
    let half = |start: usize, hidden: Tensor<2>, cell: Tensor<2>| {
        lstm(
            whole.input.clone().narrow(0, start, 4),
            hidden,
            cell,
            whole.weights(),
        )
    };
    let first = half(0, whole.hidden.clone(), whole.cell.clone());
    let hidden = first.output.clone().narrow(0, 3, 1).squeeze_dim(0);
    let second = half(4, hidden, first.cell);
    assert_close(
        Tensor::cat(vec![first.output, second.output], 0),
        expected.output,
    );
    assert_close(second.cell, expected.cell);
}
