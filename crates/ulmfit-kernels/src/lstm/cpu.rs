//! The recurrence on slices, for the CPU.
//!
//! Each thread owns some of the hidden units, for all rows and all time steps. Its part of the
//! recurrent weights is packed once a chunk, in the order in which the products read it, and stays
//! in the cache next to its core; at the end of a time step the threads meet at a barrier, since
//! each needs the hidden states of all units. No sum depends on how many threads share the work, so
//! results do not either.

use pulp::{Simd, WithSimd};

use crate::cpu::math::{sigmoid, tanh};
use crate::cpu::simd::{dispatch, load, load_all, prefetch, store};
use crate::cpu::team::{Member, Shared, team};

const GATES: usize = 4;

/// The vectors of a row of a tile. Two, since then a tile has as many rows as the registers hold
/// sums for, and each weight that is loaded is used that often.
const WIDTH: usize = 2;

/// The rows of a tile, at most.
const MOST_ROWS: usize = 14;

/// The sizes of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) seq_len: usize,
    pub(crate) batch_size: usize,
    pub(crate) d_hidden: usize,
}

/// The recurrent weights, `[4 * d_hidden, d_hidden]`, and what weight drop multiplies them with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) mask: Option<&'a [f32]>,
}

/// Runs the recurrence over a chunk.
///
/// - gates, `[seq_len, batch_size, 4 * d_hidden]`: the inputs' projections on the way in, the
///   gates after their activations on the way out
/// - hiddens, cells, `[seq_len + 1, batch_size, d_hidden]`: the state before the chunk comes in the
///   first step, those after each step go into the others
/// - bias: `[4 * d_hidden]`
pub(crate) fn forward(
    sizes: Sizes,
    weights: Weights<'_>,
    bias: &[f32],
    gates: &mut [f32],
    hiddens: &mut [f32],
    cells: &mut [f32],
) {
    sizes.check(&weights);
    assert_eq!(bias.len(), GATES * sizes.d_hidden);
    assert_eq!(gates.len(), sizes.seq_len * sizes.gates_of_step());
    assert_eq!(hiddens.len(), (sizes.seq_len + 1) * sizes.units_of_step());
    assert_eq!(cells.len(), hiddens.len());
    let pass = Forward {
        sizes,
        weights,
        bias,
        gates: Shared::new(gates),
        hiddens: Shared::new(hiddens),
        cells: Shared::new(cells),
    };
    team(sizes.d_hidden, |member| dispatch(Run { pass, member }));
}

/// Runs the recurrence's backward pass over a chunk.
///
/// - gates, `[seq_len, batch_size, 4 * d_hidden]`: the activated gates on the way in, the gradients
///   before their activations on the way out
/// - cells, `[seq_len + 1, batch_size, d_hidden]`: as [`forward`] left them
/// - grad, `[seq_len, batch_size, d_hidden]`: the gradient of the hidden states
/// - `bias_grad`, `[4 * d_hidden]`: to what this adds the bias's gradient
pub(crate) fn backward(
    sizes: Sizes,
    weights: Weights<'_>,
    gates: &mut [f32],
    cells: &[f32],
    grad: &[f32],
    bias_grad: &mut [f32],
) {
    sizes.check(&weights);
    assert_eq!(gates.len(), sizes.seq_len * sizes.gates_of_step());
    assert_eq!(cells.len(), (sizes.seq_len + 1) * sizes.units_of_step());
    assert_eq!(grad.len(), sizes.seq_len * sizes.units_of_step());
    assert_eq!(bias_grad.len(), GATES * sizes.d_hidden);
    let mut cell_grad = vec![0.0; sizes.units_of_step()];
    let pass = Backward {
        sizes,
        weights,
        gates: Shared::new(gates),
        cells,
        grad,
        bias_grad: Shared::new(bias_grad),
        cell_grad: Shared::new(&mut cell_grad),
    };
    team(sizes.d_hidden, |member| dispatch(Run { pass, member }));
}

impl Sizes {
    fn units_of_step(&self) -> usize {
        self.batch_size * self.d_hidden
    }

    fn gates_of_step(&self) -> usize {
        GATES * self.units_of_step()
    }

    fn check(&self, weights: &Weights<'_>) {
        let len = GATES * self.d_hidden * self.d_hidden;
        assert_eq!(weights.values.len(), len);
        assert!(weights.mask.is_none_or(|mask| mask.len() == len));
    }
}

/// A pass, as one thread of a team runs it.
trait Pass: Copy {
    fn run<S: Simd>(self, simd: S, member: &Member<'_>);
}

struct Run<'a, P> {
    pass: P,
    member: &'a Member<'a>,
}

impl<P: Pass> WithSimd for Run<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.pass.run(simd, self.member);
    }
}

#[derive(Clone, Copy)]
struct Forward<'a> {
    sizes: Sizes,
    weights: Weights<'a>,
    bias: &'a [f32],
    gates: Shared,
    hiddens: Shared,
    cells: Shared,
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
                    unsafe { for_rows!(rows, tile.run(simd, row)) };
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

#[derive(Clone, Copy)]
struct Backward<'a> {
    sizes: Sizes,
    weights: Weights<'a>,
    gates: Shared,
    cells: &'a [f32],
    grad: &'a [f32],
    bias_grad: Shared,
    cell_grad: Shared,
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
                            for_rows!(rows, tile.run::<1>(simd, row));
                        } else {
                            for_rows!(rows, tile.run::<WIDTH>(simd, row));
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

/// How many rows of weights ahead of their use they are asked for: a time step's weights exceed the
/// nearest caches, and the processor's own prefetching stops at every page.
const AHEAD: usize = 12;

/// `ROWS` rows of `values`, each of `inner`, times a packed panel, `[inner, WIDTH vectors]`.
///
/// # Safety
///
/// `values` must be valid for reads of `ROWS * inner` floats.
#[inline(always)]
unsafe fn product<const WIDTH: usize, const ROWS: usize, S: Simd>(
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
fn rows_of_tile<S: Simd>() -> usize {
    ((S::REGISTER_COUNT - 1) / WIDTH - 1).clamp(1, MOST_ROWS)
}

/// Calls a tile's method with the number of rows as its constant.
macro_rules! for_rows {
    ($rows:expr, $tile:ident.run$(::<$width:ident>)?($($argument:expr),*)) => {
        for_rows!(@ $rows, $tile, [$($width,)?], ($($argument),*))
    };
    ($rows:expr, $tile:ident.run$(::<$width:literal>)?($($argument:expr),*)) => {
        for_rows!(@ $rows, $tile, [$($width,)?], ($($argument),*))
    };
    (@ $rows:expr, $tile:ident, $width:tt, $arguments:tt) => {
        match $rows {
            1 => for_rows!(@call $tile, $width, 1, $arguments),
            2 => for_rows!(@call $tile, $width, 2, $arguments),
            3 => for_rows!(@call $tile, $width, 3, $arguments),
            4 => for_rows!(@call $tile, $width, 4, $arguments),
            5 => for_rows!(@call $tile, $width, 5, $arguments),
            6 => for_rows!(@call $tile, $width, 6, $arguments),
            7 => for_rows!(@call $tile, $width, 7, $arguments),
            8 => for_rows!(@call $tile, $width, 8, $arguments),
            9 => for_rows!(@call $tile, $width, 9, $arguments),
            10 => for_rows!(@call $tile, $width, 10, $arguments),
            11 => for_rows!(@call $tile, $width, 11, $arguments),
            12 => for_rows!(@call $tile, $width, 12, $arguments),
            13 => for_rows!(@call $tile, $width, 13, $arguments),
            _ => for_rows!(@call $tile, $width, MOST_ROWS, $arguments),
        }
    };
    (@call $tile:ident, [$($width:tt,)?], $rows:tt, ($($argument:expr),*)) => {
        $tile.run::<$($width,)? $rows, S>($($argument),*)
    };
}
use for_rows;

/// The rows of a batch in tiles of nearly one size: `(first row, rows)`.
struct RowTiles {
    rows: usize,
    tiles: usize,
    next: usize,
}

impl RowTiles {
    fn new(rows: usize, largest: usize) -> Self {
        Self {
            rows,
            tiles: rows.div_ceil(largest),
            next: 0,
        }
    }

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        if self.next == self.tiles {
            return None;
        }
        let start = |tile: usize| self.rows * tile / self.tiles;
        let (first, last) = (start(self.next), start(self.next + 1));
        self.next += 1;
        Some((first, last - first))
    }
}
