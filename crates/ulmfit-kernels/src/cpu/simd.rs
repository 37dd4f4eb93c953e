//! Vectors of as many floats as this machine's registers hold, chosen at run time.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use pulp::{Simd, WithSimd};

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SimdLevel {
    /// No vectors: the arithmetic that every machine has.
    Scalar = 1,
    /// 128-bit vectors of ARM.
    Neon = 2,
    /// 256-bit vectors of x86 with fused multiply-add.
    Avx2 = 3,
    /// 512-bit vectors of x86.
    Avx512 = 4,
}

/// The level that [`set_simd_level`] asked for; 0 for the best there is.
static FORCED: AtomicU8 = AtomicU8::new(0);

impl SimdLevel {
    const ALL: [Self; 4] = [Self::Scalar, Self::Neon, Self::Avx2, Self::Avx512];

    /// The levels that this machine has, the fastest last.
    pub fn available() -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|level| level.is_available())
            .collect()
    }

    /// The level that the CPU kernels run at now.
    pub fn current() -> Self {
        let forced = FORCED.load(Ordering::Relaxed);
        let mut levels = Self::ALL.into_iter().rev();
        levels
            .find(|level| {
                if forced == 0 {
                    level.is_available()
                } else {
                    *level as u8 == forced
                }
            })
            .unwrap_or(Self::Scalar)
    }

    /// The floats of a vector.
    pub(crate) fn lanes(self) -> usize {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        dispatch(self, Lanes)
    }

    fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => pulp::aarch64::Neon::try_new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::try_new().is_some(),
            #[allow(
                unreachable_patterns,
                reason = "which arms there are depends on the CPU"
            )]
            _ => false,
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

/// Makes the CPU kernels of this process run at `level`, or at the best one for `None`. Results
/// differ between levels by rounding. What has begun ends at the level that it began with.
///
/// Products of whole matrices, which are a library's work, keep choosing for themselves.
///
/// # Panics
///
/// Panics if the machine does not have `level`.
pub fn set_simd_level(level: Option<SimdLevel>) {
    let forced = level.map_or(0, |level| {
        assert!(level.is_available(), "this machine does not have {level}");
        level as u8
    });
    FORCED.store(forced, Ordering::Relaxed);
}

/// Runs `op` with the vectors of a level that the machine has.
///
/// An operation takes the current level once, before it shares its work: the width of the vectors
/// decides who has which part, so all threads must go by the same.
pub(crate) fn dispatch<Op: WithSimd>(level: SimdLevel, op: Op) -> Op::Output {
    match level {
        #[cfg(target_arch = "aarch64")]
        SimdLevel::Neon => match pulp::aarch64::Neon::try_new() {
            Some(simd) => Simd::vectorize(simd, op),
            None => Simd::vectorize(pulp::Scalar, op),
        },
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => match pulp::x86::V3::try_new() {
            Some(simd) => Simd::vectorize(simd, op),
            None => Simd::vectorize(pulp::Scalar, op),
        },
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => match pulp::x86::V4::try_new() {
            Some(simd) => Simd::vectorize(simd, op),
            None => Simd::vectorize(pulp::Scalar, op),
        },
        #[allow(
            unreachable_patterns,
            reason = "which arms there are depends on the CPU"
        )]
        _ => Simd::vectorize(pulp::Scalar, op),
    }
}

/// The first `len` floats at `pointer`, and zeros behind them; `len` at most the vector's.
///
/// # Safety
///
/// `pointer` must be valid for reads of `len` floats.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(simd: S, pointer: *const f32, len: usize) -> S::f32s {
    if len == S::F32_LANES {
        // SAFETY: the caller's promise, and a vector of floats is as long as that many floats.
        unsafe { pointer.cast::<S::f32s>().read_unaligned() }
    } else {
        // SAFETY: the caller's promise.
        simd.partial_load_f32s(unsafe { std::slice::from_raw_parts(pointer, len) })
    }
}

/// Writes the first `len` floats of `values` to `pointer`; `len` at most the vector's.
///
/// # Safety
///
/// `pointer` must be valid for writes of `len` floats that nobody else accesses meanwhile.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(simd: S, pointer: *mut f32, len: usize, values: S::f32s) {
    if len == S::F32_LANES {
        // SAFETY: the caller's promise, and a vector of floats is as long as that many floats.
        unsafe { pointer.cast::<S::f32s>().write_unaligned(values) }
    } else {
        // SAFETY: the caller's promise.
        simd.partial_store_f32s(
            unsafe { std::slice::from_raw_parts_mut(pointer, len) },
            values,
        );
    }
}

/// Asks for the cache line at `pointer`, which may lie anywhere.
#[inline(always)]
pub(crate) fn prefetch(pointer: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch does not access memory, and every x86-64 CPU has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(pointer.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pointer;
}

/// `N` vectors of `len` floats each, the starts of which are `stride` floats apart.
///
/// A loop rather than `array::from_fn`: a closure is compiled on its own, without the vector
/// instructions of its caller, unless it happens to be inlined.
///
/// # Safety
///
/// As for [`load`], for each of them.
#[inline(always)]
pub(crate) unsafe fn load_all<S: Simd, const N: usize>(
    simd: S,
    pointer: *const f32,
    stride: usize,
    len: usize,
) -> [S::f32s; N] {
    let mut vectors = [simd.splat_f32s(0.0); N];
    for (index, vector) in vectors.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *vector = unsafe { load(simd, pointer.add(index * stride), len) };
    }
    vectors
}
