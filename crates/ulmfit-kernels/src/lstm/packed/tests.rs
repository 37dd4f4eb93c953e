#![expect(deprecated, reason = "ndarray is offered for as long as burn ships it")]

use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Precision, lstm_packed, pack_lstm};
use crate::cpu::settings;
use crate::cpu::simd::{SimdLevel, set_simd_level};
use crate::lstm::{LstmOutput, LstmWeights, lstm};

/// `[seq_len, batch_size, d_input, d_hidden]`: single steps and rows, sizes that fill neither a
/// vector nor a block, more rows than a tile, more than are projected at once.
const SIZES: [[usize; 4]; 8] = [
    [1, 1, 1, 1],
    [1, 3, 2, 5],
    [7, 1, 3, 4],
    [5, 2, 17, 9],
    [9, 6, 8, 16],
    [3, 20, 33, 37],
    [2, 131, 5, 18],
    [140, 1, 6, 33],
];

struct Case {
    input: Tensor<3>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    weights: LstmWeights,
}

fn case([seq_len, batch_size, d_input, d_hidden]: [usize; 4], device: &Device) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let gates = 4 * d_hidden;
    Case {
        input: uniform(&mut rng, [seq_len, batch_size, d_input], device),
        hidden: uniform(&mut rng, [batch_size, d_hidden], device),
        cell: uniform(&mut rng, [batch_size, d_hidden], device),
        weights: LstmWeights {
            ih: uniform(&mut rng, [gates, d_input], device),
            hh: uniform(&mut rng, [gates, d_hidden], device),
            hh_mask: None,
            bias: uniform(&mut rng, [gates], device),
        },
    }
}

fn uniform<const D: usize>(rng: &mut ChaCha8Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product::<usize>())
        .map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5)
        .collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn packed(case: &Case, precision: Precision) -> LstmOutput {
    lstm_packed(
        case.input.clone(),
        case.hidden.clone(),
        case.cell.clone(),
        &pack_lstm(case.weights.clone(), precision),
    )
}

fn plain(case: &Case) -> LstmOutput {
    lstm(
        case.input.clone(),
        case.hidden.clone(),
        case.cell.clone(),
        case.weights.clone(),
    )
}

fn assert_close(actual: &LstmOutput, expected: &LstmOutput, tolerance: f64) {
    let tolerance = Tolerance::absolute(tolerance);
    let (output, cell) = (actual.output.to_data(), actual.cell.to_data());
    output.assert_approx_eq::<f32>(&expected.output.to_data(), tolerance);
    cell.assert_approx_eq::<f32>(&expected.cell.to_data(), tolerance);
}

fn assert_equal(actual: &LstmOutput, expected: &LstmOutput) {
    assert_eq!(actual.output.to_data(), expected.output.to_data());
    assert_eq!(actual.cell.to_data(), expected.cell.to_data());
}

/// Runs the check at each level that the machine has.
fn at_each_level(check: impl Fn()) {
    let guard = settings();
    for level in SimdLevel::available() {
        set_simd_level(Some(level));
        check();
    }
    set_simd_level(None);
    drop(guard);
}

#[test]
fn packed_floats_equal_the_layer_at_every_level() {
    for sizes in SIZES {
        let case = case(sizes, &Device::flex());
        let expected = plain(&case);
        at_each_level(|| assert_close(&packed(&case, Precision::Float32), &expected, 2e-6));
    }
}

/// The largest error over all levels and sizes, with weights and states that spread over the whole
/// range, is less than this.
const INT8_BOUND: f64 = 0.02;

#[test]
fn eight_bits_are_near_the_layer_at_every_level() {
    for sizes in SIZES {
        let case = case(sizes, &Device::flex());
        let expected = plain(&case);
        at_each_level(|| assert_close(&packed(&case, Precision::Int8), &expected, INT8_BOUND));
    }
}

#[test]
fn other_backends_agree() {
    for sizes in SIZES {
        let case = case(sizes, &Device::ndarray());
        let expected = plain(&case);
        assert_close(&packed(&case, Precision::Float32), &expected, 2e-6);
        assert_close(&packed(&case, Precision::Int8), &expected, INT8_BOUND);
    }
}

#[test]
fn tensors_with_autodiff_are_taken_without_it() {
    let case = case([4, 3, 5, 6], &Device::flex().autodiff());
    let output = packed(&case, Precision::Float32).output;
    assert!(!output.device().is_autodiff());
    assert_close(
        &packed(&case, Precision::Float32),
        &LstmOutput {
            output: plain(&case).output.inner(),
            cell: plain(&case).cell.inner(),
        },
        2e-6,
    );
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let _settings = settings();
    let case = case([11, 5, 20, 70], &Device::flex());
    for precision in [Precision::Float32, Precision::Int8] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| packed(&case, precision))
        };
        let expected = on(1);
        for threads in 2..=4 {
            assert_equal(&on(threads), &expected);
        }
    }
}

#[test]
fn in_eight_bits_a_row_alone_equals_the_row_in_a_batch_to_the_bit() {
    let _settings = settings();
    let whole = case([6, 17, 19, 21], &Device::flex());
    let expected = packed(&whole, Precision::Int8);
    for row in [0, 16] {
        let alone = Case {
            input: whole.input.clone().narrow(1, row, 1),
            hidden: whole.hidden.clone().narrow(0, row, 1),
            cell: whole.cell.clone().narrow(0, row, 1),
            weights: whole.weights.clone(),
        };
        let expected = LstmOutput {
            output: expected.output.clone().narrow(1, row, 1),
            cell: expected.cell.clone().narrow(0, row, 1),
        };
        assert_equal(&packed(&alone, Precision::Int8), &expected);
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let mut case = case([2, 2, 3, 4], &Device::flex());
    case.input = case.input.clone().slice_fill([0..1, 0..1, 0..1], f32::NAN);
    let rows: Vec<f32> = packed(&case, Precision::Int8)
        .output
        .into_data()
        .try_to_vec()
        .unwrap();
    assert!(rows[..4].iter().all(|value| value.is_nan()));
    assert!(rows[4..8].iter().all(|value| value.is_finite()));
}

#[test]
fn a_mask_is_applied_when_the_weights_are_packed() {
    let mut case = case([3, 2, 4, 5], &Device::flex());
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    case.weights.hh_mask = Some(uniform(&mut rng, [20, 5], &Device::flex()));
    assert_close(&packed(&case, Precision::Float32), &plain(&case), 2e-6);
}
