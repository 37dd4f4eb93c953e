//! Adam's update on slices: one pass, in place.

use pulp::{Simd, WithSimd};

use super::AdamFactors;
use crate::cpu::simd::{SimdLevel, dispatch, load, store};
use crate::cpu::team::{Member, Shared, team};

/// Elements that are worth a thread of their own: waking one takes as long as updating some
/// thousands.
const ELEMENTS_A_THREAD: usize = 32 * 1024;

/// The tensors of one parameter, all `[n]`; `scale` is what the gradient is multiplied with.
pub(super) struct Tensors<'a> {
    pub(super) value: &'a mut [f32],
    pub(super) gradient: &'a [f32],
    pub(super) scale: f32,
    pub(super) grad_avg: &'a mut [f32],
    pub(super) sqr_avg: &'a mut [f32],
}

/// Replaces value and averages by those after the update.
pub(super) fn update(tensors: Tensors<'_>, factors: AdamFactors) {
    let Tensors {
        value,
        gradient,
        scale,
        grad_avg,
        sqr_avg,
    } = tensors;
    let elements = value.len();
    assert_eq!(gradient.len(), elements, "the gradient is [n]");
    assert_eq!(grad_avg.len(), elements, "the average is [n]");
    assert_eq!(sqr_avg.len(), elements, "the average is [n]");
    let pass = Pass {
        gradient,
        scale,
        value: Shared::new(value),
        grad_avg: Shared::new(grad_avg),
        sqr_avg: Shared::new(sqr_avg),
        factors: Rounded::new(factors),
    };
    let (pass, level) = (&pass, SimdLevel::current());
    team(elements.div_ceil(ELEMENTS_A_THREAD), |member| {
        dispatch(level, Run { pass, member });
    });
}

/// The factors as the arithmetic takes them: rounded once each, as burn's operations round them.
#[derive(Clone, Copy)]
struct Rounded {
    decay: f32,
    momentum: f32,
    one_minus_momentum: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    step_size: f32,
    sqr_debias: f32,
    epsilon: f32,
}

impl Rounded {
    fn new(factors: AdamFactors) -> Self {
        Self {
            decay: factors.decay as f32,
            momentum: factors.momentum as f32,
            one_minus_momentum: (1.0 - factors.momentum) as f32,
            beta_2: factors.beta_2 as f32,
            one_minus_beta_2: (1.0 - factors.beta_2) as f32,
            step_size: factors.step_size as f32,
            sqr_debias: factors.sqr_debias as f32,
            epsilon: factors.epsilon as f32,
        }
    }
}

struct Pass<'a> {
    gradient: &'a [f32],
    scale: f32,
    value: Shared,
    grad_avg: Shared,
    sqr_avg: Shared,
    factors: Rounded,
}

/// The update, as one thread of a team runs it on its share of the elements.
struct Run<'a> {
    pass: &'a Pass<'a>,
    member: &'a Member<'a>,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let pass = self.pass;
        let elements = pass.gradient.len();
        let lanes = S::F32_LANES;
        let vectors = self.member.share(elements.div_ceil(lanes));
        for vector in vectors {
            let offset = vector * lanes;
            let len = lanes.min(elements - offset);
            // SAFETY: the `len` elements from `offset` lie within all four slices, which are of one
            // length, and no two members share a vector.
            unsafe { pass.update(simd, offset, len) };
        }
    }
}

impl Pass<'_> {
    /// Updates `len` elements, at most a vector of them. Without fused multiply-adds, so that every
    /// level of vector instructions rounds alike.
    ///
    /// # Safety
    ///
    /// The `len` elements from `offset` must lie within the slices, and no other thread may access
    /// them.
    #[inline(always)]
    unsafe fn update<S: Simd>(&self, simd: S, offset: usize, len: usize) {
        let Rounded {
            decay,
            momentum,
            one_minus_momentum,
            beta_2,
            one_minus_beta_2,
            step_size,
            sqr_debias,
            epsilon,
        } = self.factors;
        // SAFETY: the caller's promise.
        let (gradient, value_at, grad_avg_at, sqr_avg_at) = unsafe {
            (
                load(simd, self.gradient.as_ptr().add(offset), len),
                self.value.at(offset, len),
                self.grad_avg.at(offset, len),
                self.sqr_avg.at(offset, len),
            )
        };
        // SAFETY: the caller's promise.
        let (value, grad_avg, sqr_avg) = unsafe {
            (
                load(simd, value_at, len),
                load(simd, grad_avg_at, len),
                load(simd, sqr_avg_at, len),
            )
        };
        let gradient = times(simd, gradient, self.scale);
        let square = simd.mul_f32s(gradient, gradient);
        let sqr_avg = simd.add_f32s(
            times(simd, sqr_avg, beta_2),
            times(simd, square, one_minus_beta_2),
        );
        let grad_avg = simd.add_f32s(
            times(simd, grad_avg, momentum),
            times(simd, gradient, one_minus_momentum),
        );
        let grad_avg = without_subnormals(simd, grad_avg);
        let sqr_avg = without_subnormals(simd, sqr_avg);
        let root = simd.sqrt_f32s(times(simd, sqr_avg, sqr_debias));
        let root = simd.add_f32s(root, simd.splat_f32s(epsilon));
        let direction = simd.div_f32s(grad_avg, root);
        let value = simd.sub_f32s(times(simd, value, decay), times(simd, direction, step_size));
        // SAFETY: the caller's promise.
        unsafe {
            store(simd, value_at, len, value);
            store(simd, grad_avg_at, len, grad_avg);
            store(simd, sqr_avg_at, len, sqr_avg);
        }
    }
}

#[inline(always)]
fn times<S: Simd>(simd: S, vector: S::f32s, factor: f32) -> S::f32s {
    simd.mul_f32s(vector, simd.splat_f32s(factor))
}

/// Zero in place of numbers smaller than all normal ones. The average of a gradient that has become
/// zero, as of a word that no longer comes up, ends among them and never leaves: a fraction of the
/// smallest number rounds to that number. Each operation on one takes a hundred cycles or more.
#[inline(always)]
fn without_subnormals<S: Simd>(simd: S, vector: S::f32s) -> S::f32s {
    let smallest = simd.splat_f32s(f32::MIN_POSITIVE);
    let small = simd.less_than_f32s(simd.abs_f32s(vector), smallest);
    simd.select_f32s(small, simd.splat_f32s(0.0), vector)
}
