//! The functions of an LSTM's gates and of a softmax, on vectors.

use pulp::Simd;

/// `e^x` to within two units in the last place, for `x` from -87.3 to 88.3; beyond them, the values
/// there, which are about 1e-38 and 2e38. NaN stays NaN.
///
/// `x = n ln 2 + r` with a whole `n`, so that `e^x = 2^n e^r`, and `e^r` is its Taylor polynomial on
/// `|r| <= ln 2 / 2`.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Adding this rounds to a whole number, which then stands in the sum's lowest bits, 127 more than
    // it is, as in the bits of an exponent.
    const ROUND: f32 = 12_583_039.0; // 1.5 * 2^23 + 127
    // ln 2 in two parts, the first with few enough bits that its multiples are exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    let splat = |value: f32| simd.splat_f32s(value);
    // By comparison and not by `min` and `max`, which lose NaN.
    let x = simd.select_f32s(simd.less_than_f32s(x, splat(-87.336)), splat(-87.336), x);
    let x = simd.select_f32s(simd.greater_than_f32s(x, splat(88.29)), splat(88.29), x);
    let shifted = simd.mul_add_e_f32s(x, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(shifted, splat(ROUND));
    let r = simd.mul_add_e_f32s(n, splat(-LN_2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, splat(-LN_2_LOW), r);
    let mut series = splat(1.0 / 5040.0);
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        series = simd.mul_add_e_f32s(series, r, splat(coefficient));
    }
    // 2^n: the lowest bits are moved to where the exponent is, and all others out.
    let bits = simd.transmute_u32s_f32s(shifted);
    let power = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
    // A product and not a sum of bits, which would make ordinary numbers of most NaNs.
    simd.mul_f32s(series, simd.transmute_f32s_u32s(power))
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let power = exp(simd, simd.neg_f32s(x));
    simd.div_f32s(one, simd.add_f32s(one, power))
}

/// The hyperbolic tangent, as `1 - 2 / (e^2x + 1)`, and near zero, where that difference would lose
/// its digits, as `x` times a polynomial in `x^2` (Moshier's Cephes library, `tanhf`).
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const NEAR: f32 = 0.625;
    const SERIES: [f32; 5] = [
        -5.704_988_7e-3,
        2.063_909e-2,
        -5.373_971_6e-2,
        1.333_144_2e-1,
        -0.333_332_8,
    ];
    let one = simd.splat_f32s(1.0);
    let power = exp(simd, simd.add_f32s(x, x));
    let fraction = simd.div_f32s(simd.splat_f32s(2.0), simd.add_f32s(power, one));
    let far = simd.sub_f32s(one, fraction);
    let square = simd.mul_f32s(x, x);
    let mut series = simd.splat_f32s(SERIES[0]);
    for coefficient in &SERIES[1..] {
        series = simd.mul_add_e_f32s(series, square, simd.splat_f32s(*coefficient));
    }
    let near = simd.mul_add_e_f32s(simd.mul_f32s(series, square), x, x);
    let is_near = simd.less_than_f32s(square, simd.splat_f32s(NEAR * NEAR));
    simd.select_f32s(is_near, near, far)
}

#[cfg(test)]
mod tests {
    use pulp::{Simd, WithSimd};

    use super::{exp, sigmoid, tanh};
    use crate::cpu::settings;
    use crate::cpu::simd::{SimdLevel, dispatch, load, set_simd_level, store};

    struct Each<'a> {
        values: &'a [f32],
        function: Function,
        results: Vec<f32>,
    }

    #[derive(Clone, Copy, Debug)]
    enum Function {
        Exp,
        Sigmoid,
        Tanh,
    }

    impl WithSimd for Each<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, simd: S) -> Vec<f32> {
            let lanes = S::F32_LANES;
            let chunks = self.values.chunks(lanes);
            for (values, results) in chunks.zip(self.results.chunks_mut(lanes)) {
                // SAFETY: both chunks have as many floats as are read and written.
                unsafe {
                    let value = load(simd, values.as_ptr(), values.len());
                    let result = match self.function {
                        Function::Exp => exp(simd, value),
                        Function::Sigmoid => sigmoid(simd, value),
                        Function::Tanh => tanh(simd, value),
                    };
                    store(simd, results.as_mut_ptr(), results.len(), result);
                }
            }
            self.results
        }
    }

    fn check(function: Function, exact: fn(f64) -> f64, range: f32, tolerance: f64) {
        let count = 20_001;
        let values = (0..count)
            .map(|index| range * (2.0 * index as f32 / (count - 1) as f32 - 1.0))
            .collect::<Vec<_>>();
        let results = apply(function, &values);
        for (value, result) in values.into_iter().zip(results) {
            let expected = exact(f64::from(value));
            let error = (f64::from(result) - expected).abs() / expected.abs().max(1e-30);
            assert!(error <= tolerance, "{value}: {result} is not {expected}");
        }
    }

    #[test]
    fn they_equal_those_in_f64_to_a_few_units_in_the_last_place() {
        let _settings = settings();
        for level in SimdLevel::available() {
            set_simd_level(Some(level));
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            check(Function::Exp, f64::exp, 87.0, 4e-7);
            check(Function::Sigmoid, sigmoid, 80.0, 5e-7);
            check(Function::Tanh, f64::tanh, 20.0, 4e-7);
            check(Function::Tanh, f64::tanh, 1.0, 4e-7);
        }
        set_simd_level(None);
    }

    fn apply(function: Function, values: &[f32]) -> Vec<f32> {
        let each = Each {
            values,
            function,
            results: vec![0.0; values.len()],
        };
        dispatch(SimdLevel::current(), each)
    }

    #[test]
    fn the_ends_are_finite() {
        let values = [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30];
        let results = apply(Function::Sigmoid, &values);
        assert_eq!((results[0], results[2]), (1.0, 1.0));
        assert!(results[1] < 1e-37 && results[3] < 1e-37);
        let results = apply(Function::Tanh, &values);
        assert_eq!((results[0], results[1]), (1.0, -1.0));
    }

    /// Whatever its bits are: in a damaged file they may be any.
    #[test]
    fn every_nan_stays_nan() {
        let _settings = settings();
        let bits = [
            0x7fc0_0000,
            0x7fc0_0001,
            0x7f80_0001,
            0x7f81_2345,
            0x7fff_ffff,
            0xffff_ffff,
        ];
        let values = bits.map(f32::from_bits);
        for level in SimdLevel::available() {
            set_simd_level(Some(level));
            for function in [Function::Exp, Function::Sigmoid, Function::Tanh] {
                let results = apply(function, &values);
                assert!(
                    results.iter().all(|result| result.is_nan()),
                    "{function:?} at {level}: {results:?}"
                );
            }
        }
        set_simd_level(None);
    }
}
