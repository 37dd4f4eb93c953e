//! Some rows times a panel of packed weights.

use pulp::Simd;

use crate::cpu::simd::{load_all, prefetch};

/// The vectors of a row of a tile. Two, since then a tile has as many rows as the registers hold
/// sums for, and each weight that is loaded is used that often.
pub(super) const WIDTH: usize = 2;

/// The rows of a tile, at most.
const MOST_ROWS: usize = 14;

/// How many rows of weights ahead of their use they are asked for: a time step's weights exceed the
/// nearest caches, and the processor's own prefetching stops at every page.
const AHEAD: usize = 12;

/// `ROWS` rows of `values`, each of `inner`, times a packed panel, `[inner, WIDTH vectors]`.
///
/// # Safety
///
/// `values` must be valid for reads of `ROWS * inner` floats.
#[inline(always)]
pub(super) unsafe fn product<const WIDTH: usize, const ROWS: usize, S: Simd>(
    simd: S,
    values: *const f32,
    inner: usize,
    panel: &[f32],
) -> [[S::f32s; WIDTH]; ROWS] {
    let width = WIDTH * S::F32_LANES;
    assert_eq!(panel.len(), inner * width);
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
    let mut weights = panel.as_ptr();
    for index in 0..inner {
        for vector in 0..WIDTH {
            prefetch(weights.wrapping_add(AHEAD * width + vector * S::F32_LANES));
        }
        // SAFETY: the panel's length was checked, and the values are the caller's promise.
        unsafe {
            let vectors = load_all::<S, WIDTH>(simd, weights, S::F32_LANES, S::F32_LANES);
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = simd.splat_f32s(*values.add(row * inner + index));
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = simd.mul_add_e_f32s(value, vector, *sum);
                }
            }
            weights = weights.add(width);
        }
    }
    sums
}

/// How many rows a tile has: as many as the registers hold sums for, beside the weights and a value.
pub(super) fn rows_of_tile<S: Simd>() -> usize {
    ((S::REGISTER_COUNT - 1) / WIDTH - 1).clamp(1, MOST_ROWS)
}

/// Evaluates an expression with the number of a tile's rows as a constant.
macro_rules! with_tile_rows {
    ($rows:expr, $constant:ident => $run:expr) => {
        $crate::lstm::row_tiles::with_rows!(
            $rows,
            [1 2 3 4 5 6 7 8 9 10 11 12 13 14],
            $constant => $run
        )
    };
}
pub(super) use with_tile_rows;
