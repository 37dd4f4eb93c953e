//! Rows times a panel of floats.

use pulp::Simd;

use super::panels::{COLUMNS, HALF};
use super::tile::Tile;
use crate::cpu::simd::{load_all, prefetch, store};
use crate::lstm::row_tiles::with_rows;

/// Inputs ahead of their use for which weights are asked: the panels of a layer exceed the nearest
/// caches, and the processor's own prefetching stops at every page.
const AHEAD: usize = 16;

/// The most rows of a tile: as many as the registers hold sums for.
pub(crate) const fn most_rows<S: Simd>() -> usize {
    match S::F32_LANES {
        16 => 14,
        8 | 4 => 3,
        _ => 1,
    }
}

/// Multiplies up to [`most_rows`] rows with a panel. Few rows take all columns at once, so that the
/// panel passes once; more of them take one half after the other.
///
/// # Safety
///
/// The tile's pointers must be valid for what its fields say, and nobody may access the sums
/// meanwhile.
#[inline(always)]
pub(crate) unsafe fn multiply<S: Simd>(simd: S, tile: Tile<f32, f32, f32>) {
    // SAFETY: the caller's promise; the constants are the vectors in half the columns.
    unsafe {
        match (S::F32_LANES, tile.rows) {
            (16, 1..=6) => {
                with_rows!(tile.rows, [1 2 3 4 5 6], ROWS => whole::<S, 2, ROWS>(simd, tile));
            }
            (16, rows) => {
                with_rows!(rows, [7 8 9 10 11 12 13 14], ROWS => halves::<S, 2, ROWS>(simd, tile));
            }
            (8, 1) => whole::<S, 4, 1>(simd, tile),
            (8, rows) => with_rows!(rows, [2 3], ROWS => halves::<S, 4, ROWS>(simd, tile)),
            (4, 1) => whole::<S, 8, 1>(simd, tile),
            (4, rows) => with_rows!(rows, [2 3], ROWS => halves::<S, 8, ROWS>(simd, tile)),
            _ => scalar(tile),
        }
    }
}

#[inline(always)]
unsafe fn whole<S: Simd, const VECTORS: usize, const ROWS: usize>(
    simd: S,
    tile: Tile<f32, f32, f32>,
) {
    // SAFETY: the caller's promise.
    unsafe { product::<S, VECTORS, 2, ROWS>(simd, tile, 0) }
}

#[inline(always)]
unsafe fn halves<S: Simd, const VECTORS: usize, const ROWS: usize>(
    simd: S,
    tile: Tile<f32, f32, f32>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        product::<S, VECTORS, 1, ROWS>(simd, tile, 0);
        product::<S, VECTORS, 1, ROWS>(simd, tile, 1);
    }
}

/// `ROWS` rows times `HALVES` halves of the columns from `first` on, in registers.
#[inline(always)]
unsafe fn product<S: Simd, const VECTORS: usize, const HALVES: usize, const ROWS: usize>(
    simd: S,
    tile: Tile<f32, f32, f32>,
    first: usize,
) {
    let lanes = S::F32_LANES;
    let half_len = HALF * tile.inner;
    let mut sums = [[[simd.splat_f32s(0.0); VECTORS]; HALVES]; ROWS];
    // SAFETY: a panel has two halves of HALF weights for each input, and HALF is VECTORS vectors;
    // the rest is the caller's promise.
    unsafe {
        let panel = tile.panel.add(first * half_len);
        for index in 0..tile.inner {
            let mut weights = [[simd.splat_f32s(0.0); VECTORS]; HALVES];
            for (half, weights) in weights.iter_mut().enumerate() {
                let place = panel.add(half * half_len + index * HALF);
                for vector in 0..VECTORS {
                    prefetch(place.wrapping_add(AHEAD * HALF + vector * lanes));
                }
                *weights = load_all::<S, VECTORS>(simd, place, lanes, lanes);
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = simd.splat_f32s(*tile.values.add(row * tile.stride + index));
                for (sums, weights) in sums.iter_mut().zip(&weights) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = simd.mul_add_e_f32s(value, *weight, *sum);
                    }
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (half, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    let column = (first + half) * HALF + vector * lanes;
                    store(simd, tile.sums.add(row * COLUMNS + column), lanes, *sum);
                }
            }
        }
    }
}

/// Without vectors.
#[inline(always)]
unsafe fn scalar(tile: Tile<f32, f32, f32>) {
    for row in 0..tile.rows {
        for half in 0..2 {
            let mut sums = [0.0_f32; HALF];
            for index in 0..tile.inner {
                // SAFETY: the caller's promise.
                unsafe {
                    let value = *tile.values.add(row * tile.stride + index);
                    let weights = tile.panel.add((half * tile.inner + index) * HALF);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum += value * *weights.add(column);
                    }
                }
            }
            // SAFETY: the caller's promise.
            unsafe {
                let place = tile.sums.add(row * COLUMNS + half * HALF);
                place.copy_from_nonoverlapping(sums.as_ptr(), HALF);
            }
        }
    }
}
