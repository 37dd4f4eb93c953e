//! Rows times the panel of a block, whatever the weights are stored as.

use pulp::Simd;

use super::float;
use super::int8::Kernel;
use super::panels::{COLUMNS, GROUP, blocks};
use super::tile::Tile;

/// The most rows of any tile.
const MOST_ROWS: usize = 14;

/// Packed weights; see [`super::panels`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Panels<'a> {
    Float32(&'a [f32]),
    Int8 {
        values: &'a [i8],
        offsets: &'a [i32],
        scales: &'a [f32],
    },
}

/// Packed weights, `[4 * d_hidden, inner]`, and the instructions for those in eight bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a> {
    pub(crate) panels: Panels<'a>,
    pub(crate) inner: usize,
    pub(crate) kernel: Kernel,
}

/// Rows that are to be multiplied: of the weights' kind, and as long as they ask.
#[derive(Clone, Copy)]
pub(crate) enum Rows {
    Float32 {
        values: *const f32,
        stride: usize,
    },
    Int8 {
        values: *const u8,
        stride: usize,
        scales: *const f32,
    },
}

/// The sums of a tile, `[rows, COLUMNS]`.
pub(crate) struct Sums {
    floats: [f32; MOST_ROWS * COLUMNS],
    ints: [i32; MOST_ROWS * COLUMNS],
}

impl Sums {
    pub(crate) const fn new() -> Self {
        Self {
            floats: [0.0; MOST_ROWS * COLUMNS],
            ints: [0; MOST_ROWS * COLUMNS],
        }
    }

    /// Of a row of the tile, a block's gates one after the other.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.floats[row * COLUMNS..][..COLUMNS]
    }
}

impl Weights<'_> {
    /// Panics unless the panels are whole.
    pub(crate) fn check(&self, d_hidden: usize) {
        let columns = blocks(d_hidden) * COLUMNS;
        match self.panels {
            Panels::Float32(values) => assert!(values.len() >= columns * self.inner),
            Panels::Int8 {
                values,
                offsets,
                scales,
            } => {
                assert!(values.len() >= columns * self.inner.next_multiple_of(GROUP));
                assert_eq!((offsets.len(), scales.len()), (columns, columns));
            }
        }
    }

    pub(crate) fn are_int8(&self) -> bool {
        matches!(self.panels, Panels::Int8 { .. })
    }

    /// The most rows of a tile.
    #[inline(always)]
    pub(crate) fn most_rows<S: Simd>(&self) -> usize {
        match self.panels {
            Panels::Float32(_) => float::most_rows::<S>(),
            Panels::Int8 { .. } => self.kernel.most_rows(),
        }
    }

    /// `len` of the rows from `first` on times a block's panel.
    ///
    /// # Safety
    ///
    /// The rows must be there, and nobody may write them meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn multiply<S: Simd>(
        &self,
        simd: S,
        block: usize,
        rows: Rows,
        first: usize,
        len: usize,
        sums: &mut Sums,
    ) {
        debug_assert!(len <= MOST_ROWS);
        let inner = self.inner;
        match (self.panels, rows) {
            (Panels::Float32(panels), Rows::Float32 { values, stride }) => {
                let panel = &panels[block * COLUMNS * inner..][..COLUMNS * inner];
                // SAFETY: the panel is whole and the sums are as many as a tile has; the rest is
                // the caller's promise.
                unsafe {
                    let tile = Tile {
                        rows: len,
                        values: values.add(first * stride),
                        stride,
                        inner,
                        panel: panel.as_ptr(),
                        sums: sums.floats.as_mut_ptr(),
                    };
                    float::multiply(simd, tile);
                }
            }
            (
                Panels::Int8 {
                    values: panels,
                    offsets,
                    scales,
                },
                Rows::Int8 {
                    values,
                    stride,
                    scales: row_scales,
                },
            ) => {
                let groups = inner.div_ceil(GROUP);
                let panel_len = COLUMNS * groups * GROUP;
                let panel = &panels[block * panel_len..][..panel_len];
                let offsets = &offsets[block * COLUMNS..][..COLUMNS];
                let scales = &scales[block * COLUMNS..][..COLUMNS];
                // SAFETY: as above; the kernel is one that the machine has.
                unsafe {
                    let tile = Tile {
                        rows: len,
                        values: values.add(first * stride),
                        stride,
                        inner: groups,
                        panel: panel.as_ptr(),
                        sums: sums.ints.as_mut_ptr(),
                    };
                    self.kernel.multiply(tile, offsets.as_ptr());
                    for row in 0..len {
                        let row_scale = *row_scales.add(first + row);
                        let ints = &sums.ints[row * COLUMNS..][..COLUMNS];
                        let floats = &mut sums.floats[row * COLUMNS..][..COLUMNS];
                        for index in 0..COLUMNS {
                            floats[index] = ints[index] as f32 * (row_scale * scales[index]);
                        }
                    }
                }
            }
            _ => unreachable!("rows are rounded if the weights are"),
        }
    }
}
