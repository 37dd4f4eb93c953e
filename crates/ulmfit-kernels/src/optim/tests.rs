#![expect(deprecated, reason = "ndarray is offered for as long as burn ships it")]

use std::sync::MutexGuard;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::adam::{self, Tensors};
use super::extension::{GradientScale, OptimBackend};
use super::{AdamFactors, adam_update, portable, squares, sum_of_squares};
use crate::cpu::flex::{floats, from_floats};
use crate::cpu::settings;
use crate::{SimdLevel, set_simd_level, use_portable_kernels};

/// None, less than a vector, one short of it and one more, and enough for two threads.
const SIZES: [usize; 5] = [0, 1, 15, 17, 100_003];

const FACTORS: AdamFactors = AdamFactors {
    decay: 0.9999,
    momentum: 0.8,
    beta_2: 0.99,
    step_size: 3e-3,
    sqr_debias: 7.3,
    epsilon: 1e-7,
};

/// Value, gradient and both averages of a parameter.
type Case = [Vec<f32>; 4];

fn case(n: usize) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut uniform = |from: f32, to: f32| {
        let draws = (0..n).map(|_| rng.next_u32() as f32 / u32::MAX as f32);
        draws.map(|draw| from + (to - from) * draw).collect()
    };
    [
        uniform(-0.1, 0.1),
        uniform(-1e-3, 1e-3),
        uniform(-1e-3, 1e-3),
        uniform(0.0, 1e-6),
    ]
}

/// The slice kernel: value and both averages.
fn update([value, gradient, grad_avg, sqr_avg]: Case, scale: f32) -> [Vec<f32>; 3] {
    let (mut value, mut grad_avg, mut sqr_avg) = (value, grad_avg, sqr_avg);
    let tensors = Tensors {
        value: &mut value,
        gradient: &gradient,
        scale,
        grad_avg: &mut grad_avg,
        sqr_avg: &mut sqr_avg,
    };
    adam::update(tensors, FACTORS);
    [value, grad_avg, sqr_avg]
}

/// The portable body on burn's CPU backend.
fn reference([value, gradient, grad_avg, sqr_avg]: Case, scale: f32) -> [Vec<f32>; 3] {
    let n = value.len();
    let tensor = |values| from_floats(values, [n]);
    let (value, grad_avg, sqr_avg) = portable::adam_update::<Flex>(
        tensor(value),
        tensor(gradient),
        GradientScale::By(from_floats(vec![scale], [1])),
        tensor(grad_avg),
        tensor(sqr_avg),
        FACTORS,
    );
    [value, grad_avg, sqr_avg].map(|tensor: FloatTensor<Flex>| floats(&tensor).into_owned())
}

/// Holds the level of vector instructions and the choice of kernels, which are the process's, and
/// puts them back.
struct Level(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Level {
    fn hold() -> Self {
        Self(settings())
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        set_simd_level(None);
        use_portable_kernels(false);
    }
}

fn on_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(run)
}

fn bits(tensors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    let bits = |values: &Vec<f32>| values.iter().map(|value| value.to_bits()).collect();
    tensors.iter().map(bits).collect()
}

#[test]
fn the_update_equals_the_portable_body_at_every_level() {
    let _level = Level::hold();
    for n in SIZES {
        for scale in [1.0, 0.37] {
            let expected = reference(case(n), scale);
            for level in SimdLevel::available() {
                set_simd_level(Some(level));
                let found = update(case(n), scale);
                assert_eq!(bits(&found), bits(&expected), "{level}, {n} elements");
            }
        }
    }
}

#[test]
fn the_update_is_adams_formula() {
    let [values, gradients, grad_avgs, sqr_avgs] = case(17);
    let found = update(case(17), 0.5);
    for index in 0..17 {
        let at = |tensor: &[f32]| f64::from(tensor[index]);
        let gradient = 0.5 * at(&gradients);
        let grad_avg = 0.8 * at(&grad_avgs) + 0.2 * gradient;
        let sqr_avg = 0.99 * at(&sqr_avgs) + 0.01 * gradient * gradient;
        let root = (7.3 * sqr_avg).sqrt() + 1e-7;
        let value = 0.9999 * at(&values) - 3e-3 * grad_avg / root;
        for (found, expected) in found.iter().zip([value, grad_avg, sqr_avg]) {
            let difference = (at(found) - expected).abs();
            assert!(difference <= 1e-6 * expected.abs(), "{found:?}, {expected}");
        }
    }
}

#[test]
fn averages_fade_to_zero_and_not_to_subnormal_numbers() {
    let n = 5;
    let tiny = 3.0 * f32::MIN_POSITIVE;
    let mut tensors = [
        vec![0.5; n],
        vec![0.0; n],
        vec![-tiny; n],
        vec![f32::MIN_POSITIVE; n],
    ];
    for _ in 0..10 {
        let [value, grad_avg, sqr_avg] = update(tensors, 1.0);
        for average in grad_avg.iter().chain(&sqr_avg) {
            assert!(!average.is_subnormal(), "{average:e}");
        }
        tensors = [value, vec![0.0; n], grad_avg, sqr_avg];
    }
    assert_eq!(tensors[2..], [vec![0.0; n], vec![0.0; n]]);
    // What is not a number stays visible.
    let found = update([vec![f32::NAN], vec![f32::NAN], vec![0.0], vec![0.0]], 1.0);
    assert!(found.concat().iter().all(|value| value.is_nan()));
}

#[test]
fn threads_do_not_change_a_bit() {
    let _level = Level::hold();
    let n = 100_003;
    let one = on_threads(1, || update(case(n), 0.37));
    let [_, values, ..] = case(n);
    let sum = on_threads(1, || squares::sum(&values));
    for threads in [2, 3] {
        let found = on_threads(threads, || update(case(n), 0.37));
        assert_eq!(bits(&found), bits(&one));
        let found = on_threads(threads, || squares::sum(&values));
        assert_eq!(found.to_bits(), sum.to_bits());
    }
}

#[test]
fn sums_of_squares_are_those_in_f64() {
    let _level = Level::hold();
    for n in SIZES {
        let [values, ..] = case(n);
        let exact: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        for level in SimdLevel::available() {
            set_simd_level(Some(level));
            let difference = (squares::sum(&values) - exact).abs();
            assert!(difference <= 1e-6 * exact, "{level}, {n} elements");
        }
    }
}

/// burn's own sum divides many elements among threads in an order that changes from run to run. Here
/// it is told apart by where it rounds: next to the square of 4096, in float32, ones are lost.
#[test]
fn portable_kernels_sum_squares_in_the_same_order() {
    let _level = Level::hold();
    let mut values = vec![1.0_f32; 100_000];
    values[0] = 4096.0;
    let sum = squares::sum(&values) as f32;
    use_portable_kernels(true);
    let device = Device::flex();
    let tensor = Tensor::<1>::from_data(TensorData::new(values, [100_000]), &device);
    let found: f32 = sum_of_squares(tensor).into_scalar();
    assert_eq!(found.to_bits(), sum.to_bits());
}

#[test]
fn both_operations_run_on_every_backend() {
    for device in [Device::flex(), Device::ndarray()] {
        let case = case(1000);
        let expected = reference(case.clone(), 0.5);
        let tensors = case.map(|values| {
            let data = TensorData::new(values, [1000]);
            Tensor::<1>::from_data(data, &device)
        });
        let [value, gradient, grad_avg, sqr_avg] = tensors;
        let sum: f32 = sum_of_squares(gradient.clone()).into_scalar();
        assert!((sum / 3.33e-4 - 1.0).abs() < 0.1, "{sum}");
        let scale = Some(Tensor::from_data([0.5f32], &device));
        let found = adam_update(value, gradient, scale, grad_avg, sqr_avg, FACTORS);
        let found = [found.value, found.grad_avg, found.sqr_avg];
        for (found, expected) in found.into_iter().zip(expected) {
            let found = found.into_data().try_to_vec::<f32>().unwrap();
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-6 * expected.abs());
            }
        }
    }
}

/// A view of part of a tensor, and a tensor that something else holds, must not be written to.
#[test]
fn what_is_shared_is_left_alone() {
    let device = Device::flex();
    let whole = Tensor::<1>::from_data(TensorData::new(vec![0.25f32; 40], [40]), &device);
    let part = whole.clone().narrow(0, 10, 20);
    let ones = Tensor::<1>::ones([20], &device);
    let updated = adam_update(
        part,
        ones.clone(),
        None,
        ones.clone(),
        ones.clone(),
        FACTORS,
    );
    assert_eq!(whole.into_data().try_to_vec::<f32>().unwrap(), [0.25; 40]);
    assert_eq!(ones.into_data().try_to_vec::<f32>().unwrap(), [1.0; 20]);
    let [value, ..] = update([vec![0.25], vec![1.0], vec![1.0], vec![1.0]], 1.0);
    let updated = updated.value.into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(updated, vec![value[0]; 20]);
}

#[test]
fn tensors_that_nothing_else_holds_are_updated_where_they_are() {
    let _level = Level::hold();
    let [value, gradient, grad_avg, sqr_avg] = case(100);
    let place = |tensor: &FloatTensor<Flex>| tensor.bytes().as_ptr();
    let tensors = [value, grad_avg, sqr_avg].map(|values| from_floats(values, [100]));
    let places = [0, 1, 2].map(|index| place(&tensors[index]));
    let [value, grad_avg, sqr_avg] = tensors;
    let (value, grad_avg, sqr_avg) = <Flex as OptimBackend>::adam_update(
        value,
        from_floats(gradient, [100]),
        GradientScale::One,
        grad_avg,
        sqr_avg,
        FACTORS,
    );
    assert_eq!(
        [value, grad_avg, sqr_avg].map(|tensor| place(&tensor)),
        places
    );
}
