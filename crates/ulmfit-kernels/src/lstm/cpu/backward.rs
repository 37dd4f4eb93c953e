//! The recurrence's backward pass.

use pulp::Simd;

use super::product::{WIDTH, product, rows_of_tile, with_tile_rows};
use super::{GATES, Pass, Sizes, Weights};
use crate::cpu::math::tanh;
use crate::cpu::simd::{load, load_all, store};
use crate::cpu::team::{Member, Shared};
use crate::lstm::row_tiles::RowTiles;

#[derive(Clone, Copy)]
pub(super) struct Backward<'a> {
    pub(super) sizes: Sizes,
    pub(super) weights: Weights<'a>,
    pub(super) gates: Shared,
    pub(super) cells: &'a [f32],
    pub(super) grad: &'a [f32],
    pub(super) bias_grad: Shared,
    pub(super) cell_grad: Shared,
}

impl Pass for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, member: &Member<'_>) {
        let Sizes {
            seq_len,
            batch_size,
            d_hidden,
        } = self.sizes;
        let lanes = S::F32_LANES;
        let blocks = member.share(d_hidden.div_ceil(lanes));
        let columns = |block: usize| {
            let count = WIDTH.min(blocks.end - block);
            (
                block * lanes,
                count,
                (count * lanes).min(d_hidden - block * lanes),
            )
        };
        let block_len = GATES * d_hidden * lanes;
        let mut packed = vec![0.0; blocks.len() * block_len];
        for block in blocks.clone().step_by(WIDTH) {
            let (unit, count, len) = columns(block);
            let start = (block - blocks.start) * block_len;
            self.pack(
                &mut packed[start..start + count * block_len],
                unit,
                count * lanes,
                len,
            );
        }
        for step in (0..seq_len).rev() {
            for block in blocks.clone().step_by(WIDTH) {
                let (unit, count, len) = columns(block);
                let start = (block - blocks.start) * block_len;
                let tile = BackwardTile {
                    pass: &self,
                    step,
                    unit,
                    len,
                    panel: &packed[start..start + count * block_len],
                };
                let mut rows = RowTiles::new(batch_size, rows_of_tile::<S>());
                while let Some((row, rows)) = rows.next() {
                    // SAFETY: this member alone writes the units of its blocks, and what it reads
                    // of others' they wrote before the last barrier.
                    unsafe {
                        if count == 1 {
                            with_tile_rows!(rows, ROWS => tile.run::<1, ROWS, S>(simd, row));
                        } else {
                            with_tile_rows!(rows, ROWS => tile.run::<WIDTH, ROWS, S>(simd, row));
                        }
                    }
                }
            }
            member.wait();
        }
    }
}

impl Backward<'_> {
    /// The weights from all gates to `len` units from `unit`, as the products read them: for each
    /// gate of each unit, `width` values.
    fn pack(&self, panel: &mut [f32], unit: usize, width: usize, len: usize) {
        let d_hidden = self.sizes.d_hidden;
        for (row, packed) in panel.chunks_exact_mut(width).enumerate() {
            let start = row * d_hidden + unit;
            let packed = &mut packed[..len];
            packed.copy_from_slice(&self.weights.values[start..start + len]);
            if let Some(mask) = self.weights.mask {
                for (packed, mask) in packed.iter_mut().zip(&mask[start..start + len]) {
                    *packed *= mask;
                }
            }
        }
    }
}

/// Some units at one time step.
struct BackwardTile<'a> {
    pass: &'a Backward<'a>,
    step: usize,
    unit: usize,
    len: usize,
    panel: &'a [f32],
}

impl BackwardTile<'_> {
    /// `ROWS` rows from `row` and `WIDTH` vectors of units: what reaches their hidden states from the
    /// next step, in registers, then the gradients of their gates.
    #[inline(always)]
    unsafe fn run<const WIDTH: usize, const ROWS: usize, S: Simd>(&self, simd: S, row: usize) {
        let Sizes {
            seq_len,
            batch_size,
            d_hidden,
        } = self.pass.sizes;
        let lanes = S::F32_LANES;
        let one = simd.splat_f32s(1.0);
        let mut sums = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
        // SAFETY: all offsets are within the buffers, whose lengths `backward` checked; the rest is
        // the caller's promise.
        unsafe {
            if self.step + 1 < seq_len {
                let width = GATES * d_hidden;
                let after = ((self.step + 1) * batch_size + row) * width;
                let gates = self.pass.gates.at(after, ROWS * width);
                sums = product::<WIDTH, ROWS, S>(simd, gates, width, self.panel);
            }
            for (index, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    let unit = self.unit + vector * lanes;
                    let len = lanes.min(self.unit + self.len - unit);
                    let row = self.step * batch_size + row + index;
                    let in_step = (row % batch_size) * d_hidden + unit;
                    let at = row * d_hidden + unit;
                    let first = row * GATES * d_hidden + unit;
                    let gates = self.pass.gates.at(first, (GATES - 1) * d_hidden + len);
                    let [input_gate, forget_gate, cell_gate, output_gate] =
                        load_all::<S, GATES>(simd, gates, d_hidden, len);
                    let before = load(simd, self.pass.cells[at..][..len].as_ptr(), len);
                    let after = at + batch_size * d_hidden;
                    let cell = load(simd, self.pass.cells[after..][..len].as_ptr(), len);
                    let cell_tanh = tanh(simd, cell);
                    let grad = load(simd, self.pass.grad[at..][..len].as_ptr(), len);
                    let hidden_grad = simd.add_f32s(*sum, grad);

                    // h = o tanh(c)
                    let output_grad = simd.mul_f32s(hidden_grad, cell_tanh);
                    let slope = simd.negate_mul_add_e_f32s(cell_tanh, cell_tanh, one);
                    let carried = self.pass.cell_grad.at(in_step, len);
                    let cell_grad = simd.mul_add_e_f32s(
                        simd.mul_f32s(hidden_grad, output_gate),
                        slope,
                        load(simd, carried, len),
                    );
                    store(simd, carried, len, simd.mul_f32s(cell_grad, forget_gate));

                    // c = f c_before + i g, and the slopes of the sigmoid and the tangent.
                    let input_slope =
                        simd.negate_mul_add_e_f32s(input_gate, input_gate, input_gate);
                    let forget_slope =
                        simd.negate_mul_add_e_f32s(forget_gate, forget_gate, forget_gate);
                    let cell_slope = simd.negate_mul_add_e_f32s(cell_gate, cell_gate, one);
                    let output_slope =
                        simd.negate_mul_add_e_f32s(output_gate, output_gate, output_gate);
                    let gate_grads = [
                        simd.mul_f32s(simd.mul_f32s(cell_grad, cell_gate), input_slope),
                        simd.mul_f32s(simd.mul_f32s(cell_grad, before), forget_slope),
                        simd.mul_f32s(simd.mul_f32s(cell_grad, input_gate), cell_slope),
                        simd.mul_f32s(output_grad, output_slope),
                    ];
                    for (gate, grad) in gate_grads.into_iter().enumerate() {
                        store(simd, gates.add(gate * d_hidden), len, grad);
                        let bias = self.pass.bias_grad.at(gate * d_hidden + unit, len);
                        store(simd, bias, len, simd.add_f32s(load(simd, bias, len), grad));
                    }
                }
            }
        }
    }
}
