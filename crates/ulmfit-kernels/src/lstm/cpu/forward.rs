//! The recurrence itself.

use pulp::Simd;

use super::product::{WIDTH, product, rows_of_tile, with_tile_rows};
use super::{GATES, Pass, Sizes, Weights};
use crate::cpu::math::{sigmoid, tanh};
use crate::cpu::simd::{load, load_all, store};
use crate::cpu::team::{Member, Shared};
use crate::lstm::row_tiles::RowTiles;

#[derive(Clone, Copy)]
pub(super) struct Forward<'a> {
    pub(super) sizes: Sizes,
    pub(super) weights: Weights<'a>,
    pub(super) bias: &'a [f32],
    pub(super) gates: Shared,
    pub(super) hiddens: Shared,
    pub(super) cells: Shared,
}

impl Pass for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, member: &Member<'_>) {
        let Sizes {
            seq_len,
            batch_size,
            d_hidden,
        } = self.sizes;
        let lanes = S::F32_LANES;
        let blocks = member.share(d_hidden.div_ceil(lanes));
        let panel_len = d_hidden * GATES * lanes;
        let mut packed = vec![0.0; blocks.len() * panel_len];
        for (block, panel) in blocks
            .clone()
            .zip(packed.chunks_exact_mut(panel_len.max(1)))
        {
            self.pack(panel, block * lanes, lanes);
        }
        for step in 0..seq_len {
            for (block, panel) in blocks.clone().zip(packed.chunks_exact(panel_len.max(1))) {
                let unit = block * lanes;
                let tile = ForwardTile {
                    pass: &self,
                    step,
                    unit,
                    len: lanes.min(d_hidden - unit),
                    panel,
                };
                let mut rows = RowTiles::new(batch_size, rows_of_tile::<S>());
                while let Some((row, rows)) = rows.next() {
                    // SAFETY: this member alone writes the units of its blocks, and what it reads
                    // of others' they wrote before the last barrier.
                    unsafe { with_tile_rows!(rows, ROWS => tile.run::<ROWS, S>(simd, row)) };
                }
            }
            member.wait();
        }
    }
}

impl Forward<'_> {
    /// The weights of `lanes` units from `unit`, as the products read them: for each half of the
    /// gates, for each input, for each gate of the half, for each unit.
    fn pack(&self, panel: &mut [f32], unit: usize, lanes: usize) {
        let d_hidden = self.sizes.d_hidden;
        for gate in 0..GATES {
            let half = gate / WIDTH * d_hidden * WIDTH * lanes;
            for lane in 0..lanes.min(d_hidden - unit) {
                let start = (gate * d_hidden + unit + lane) * d_hidden;
                let first = half + gate % WIDTH * lanes + lane;
                let packed = panel[first..].iter_mut().step_by(WIDTH * lanes);
                let values = &self.weights.values[start..start + d_hidden];
                match self.weights.mask {
                    None => packed
                        .zip(values)
                        .for_each(|(packed, value)| *packed = *value),
                    Some(mask) => packed
                        .zip(values.iter().zip(&mask[start..start + d_hidden]))
                        .for_each(|(packed, (value, mask))| *packed = value * mask),
                }
            }
        }
    }
}

/// Some units at one time step.
struct ForwardTile<'a> {
    pass: &'a Forward<'a>,
    step: usize,
    unit: usize,
    len: usize,
    panel: &'a [f32],
}

impl ForwardTile<'_> {
    /// Where the tile's gates of a row are, one `d_hidden` behind the other.
    #[inline(always)]
    unsafe fn gates_of_row(&self, row: usize) -> *mut f32 {
        let d_hidden = self.pass.sizes.d_hidden;
        let row = self.step * self.pass.sizes.batch_size + row;
        let first = row * GATES * d_hidden + self.unit;
        // SAFETY: the caller's promise.
        unsafe { self.pass.gates.at(first, (GATES - 1) * d_hidden + self.len) }
    }

    /// `ROWS` rows from `row`: their gates' sums in registers, then their gates and states.
    #[inline(always)]
    unsafe fn run<const ROWS: usize, S: Simd>(&self, simd: S, row: usize) {
        let Sizes {
            batch_size,
            d_hidden,
            ..
        } = self.pass.sizes;
        let (unit, len) = (self.unit, self.len);
        // SAFETY: all offsets are within the buffers, whose lengths `forward` checked; the rest is
        // the caller's promise.
        unsafe {
            let before = self.step * batch_size + row;
            let hidden = self.pass.hiddens.at(before * d_hidden, ROWS * d_hidden);
            let (first, second) = self.panel.split_at(self.panel.len() / 2);
            let first = product::<WIDTH, ROWS, S>(simd, hidden, d_hidden, first);
            // There are not enough registers for the sums of all gates: half of them wait where the
            // gates' projections are.
            for (index, sums) in first.iter().enumerate() {
                let gates = self.gates_of_row(row + index);
                for (gate, sum) in sums.iter().enumerate() {
                    let gate = gates.add(gate * d_hidden);
                    store(simd, gate, len, simd.add_f32s(*sum, load(simd, gate, len)));
                }
            }
            let second = product::<WIDTH, ROWS, S>(simd, hidden, d_hidden, second);
            let bias = self.pass.bias[unit..].as_ptr();
            let bias = load_all::<S, GATES>(simd, bias, d_hidden, len);
            for (index, second) in second.iter().enumerate() {
                let row = row + index;
                let gates = self.gates_of_row(row);
                let mut sums = load_all::<S, GATES>(simd, gates, d_hidden, len);
                for (sum, second) in sums[GATES - WIDTH..].iter_mut().zip(second) {
                    *sum = simd.add_f32s(*sum, *second);
                }
                for (sum, bias) in sums.iter_mut().zip(bias) {
                    *sum = simd.add_f32s(*sum, bias);
                }
                let input_gate = sigmoid(simd, sums[0]);
                let forget_gate = sigmoid(simd, sums[1]);
                let cell_gate = tanh(simd, sums[2]);
                let output_gate = sigmoid(simd, sums[3]);
                store(simd, gates, len, input_gate);
                store(simd, gates.add(d_hidden), len, forget_gate);
                store(simd, gates.add(2 * d_hidden), len, cell_gate);
                store(simd, gates.add(3 * d_hidden), len, output_gate);
                let before = (self.step * batch_size + row) * d_hidden + unit;
                let after = before + batch_size * d_hidden;
                let cell = load(simd, self.pass.cells.at(before, len), len);
                let entering = simd.mul_f32s(input_gate, cell_gate);
                let cell = simd.mul_add_e_f32s(forget_gate, cell, entering);
                let hidden = simd.mul_f32s(output_gate, tanh(simd, cell));
                store(simd, self.pass.cells.at(after, len), len, cell);
                store(simd, self.pass.hiddens.at(after, len), len, hidden);
            }
        }
    }
}
