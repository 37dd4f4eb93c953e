//! A layer with packed weights, on slices.
//!
//! Each thread owns some blocks of units for all time steps, and the threads meet at a barrier once a
//! step, as in training. The inputs' projections are made for some steps at a time, by the thread
//! that will use them, so that they stay in its cache.

use std::cell::RefCell;

use pulp::{Simd, WithSimd};

use super::int8::{self, Kernel};
use super::panels::{BLOCK, COLUMNS, GROUP, blocks};
use super::product::{Panels, Rows, Sums, Weights};
use crate::cpu::math::{sigmoid, tanh};
use crate::cpu::simd::{SimdLevel, dispatch, load, store};
use crate::cpu::team::{Member, Shared, team};
use crate::lstm::row_tiles::RowTiles;

/// Rows whose projections are made before their steps are taken, at least: enough that reading the
/// weights costs little beside the products.
const ROWS_AHEAD: usize = 128;

/// A layer and the chunk that it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a> {
    pub(crate) seq_len: usize,
    pub(crate) batch_size: usize,
    pub(crate) d_input: usize,
    pub(crate) d_hidden: usize,
    /// Of the input-to-hidden weights.
    pub(crate) ih: Panels<'a>,
    /// Of the hidden-to-hidden weights.
    pub(crate) hh: Panels<'a>,
    /// `[4 * d_hidden]`.
    pub(crate) bias: &'a [f32],
}

/// Runs a layer over a chunk.
///
/// - input: `[seq_len, batch_size, d_input]`
/// - hidden: `[batch_size, d_hidden]`, the state before the chunk
/// - cells: `[batch_size, d_hidden]`, before the chunk on the way in, after it on the way out
/// - output: `[seq_len, batch_size, d_hidden]`, the hidden states
pub(crate) fn run(
    layer: Layer<'_>,
    input: &[f32],
    hidden: &[f32],
    cells: &mut [f32],
    output: &mut [f32],
) {
    let rows = layer.seq_len * layer.batch_size;
    let units = layer.batch_size * layer.d_hidden;
    let level = SimdLevel::current();
    let kernel = Kernel::best(level);
    let weights = |panels, inner| Weights {
        panels,
        inner,
        kernel,
    };
    let ih = weights(layer.ih, layer.d_input);
    let hh = weights(layer.hh, layer.d_hidden);
    ih.check(layer.d_hidden);
    hh.check(layer.d_hidden);
    assert_eq!(layer.bias.len(), 4 * layer.d_hidden);
    assert_eq!(input.len(), rows * layer.d_input);
    assert_eq!(hidden.len(), units);
    assert_eq!(cells.len(), units);
    assert_eq!(output.len(), layer.seq_len * units);
    let width = layer.d_input.div_ceil(GROUP);
    let mut rounded = vec![0.0; if ih.are_int8() { rows * (width + 1) } else { 0 }];
    let pass = Pass {
        layer,
        ih,
        hh,
        input,
        hidden,
        cells: Shared::new(cells),
        output: Shared::new(output),
        rounded: Shared::new(&mut rounded),
    };
    team(blocks(layer.d_hidden), |member| {
        SCRATCH.with_borrow_mut(|scratch| {
            let run = Run {
                pass,
                member,
                scratch,
            };
            dispatch(level, run);
        });
    });
}

#[derive(Clone, Copy)]
struct Pass<'a> {
    layer: Layer<'a>,
    ih: Weights<'a>,
    hh: Weights<'a>,
    input: &'a [f32],
    hidden: &'a [f32],
    cells: Shared,
    output: Shared,
    /// The input in eight bits, four elements in the place of a float, and then the rows' scales;
    /// empty for weights that are floats.
    rounded: Shared,
}

struct Run<'a> {
    pass: Pass<'a>,
    member: &'a Member<'a>,
    scratch: &'a mut Scratch,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.pass.run(simd, self.member, self.scratch);
    }
}

/// What a thread works in, kept from one chunk to the next.
#[derive(Default)]
struct Scratch {
    /// The projections of some steps, `[own blocks, rows, COLUMNS]`.
    projected: Vec<f32>,
    /// The hidden states of a step in eight bits.
    bytes: Vec<u8>,
    /// Their rows' scales.
    scales: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Pass<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, member: &Member<'_>, scratch: &mut Scratch) {
        let Layer {
            seq_len,
            batch_size,
            d_hidden,
            ..
        } = self.layer;
        let own = member.share(blocks(d_hidden));
        let is_int8 = self.hh.are_int8();
        let steps_ahead = ROWS_AHEAD.div_ceil(batch_size.max(1)).min(seq_len);
        let rows_ahead = steps_ahead * batch_size;
        grow(&mut scratch.projected, own.len() * rows_ahead * COLUMNS);
        let width = d_hidden.next_multiple_of(GROUP);
        if is_int8 {
            grow(&mut scratch.bytes, batch_size * width);
            grow(&mut scratch.scales, batch_size);
            self.round_input(member);
            member.wait();
        }
        let mut sums = Sums::new();
        let mut start = 0;
        while start < seq_len {
            let steps = steps_ahead.min(seq_len - start);
            for (index, block) in own.clone().enumerate() {
                let projected = &mut scratch.projected[index * rows_ahead * COLUMNS..];
                let projected = &mut projected[..steps * batch_size * COLUMNS];
                self.project(simd, block, start * batch_size, projected, &mut sums);
            }
            for step in start..start + steps {
                // SAFETY: what members wrote of the step before, they wrote before the barrier, and
                // no one writes it again.
                let before = unsafe {
                    match step.checked_sub(1) {
                        None => self.hidden,
                        Some(step) => std::slice::from_raw_parts(
                            self.output
                                .at(step * batch_size * d_hidden, batch_size * d_hidden),
                            batch_size * d_hidden,
                        ),
                    }
                };
                let rows = if is_int8 {
                    for row in 0..batch_size {
                        scratch.scales[row] = int8::round(
                            &before[row * d_hidden..(row + 1) * d_hidden],
                            &mut scratch.bytes[row * width..(row + 1) * width],
                        );
                    }
                    Rows::Int8 {
                        values: scratch.bytes.as_ptr(),
                        stride: width,
                        scales: scratch.scales.as_ptr(),
                    }
                } else {
                    Rows::Float32 {
                        values: before.as_ptr(),
                        stride: d_hidden,
                    }
                };
                for position in 0..own.len() {
                    // There and back, so that a step begins with the panels that the last one left
                    // in the cache.
                    let index = if step % 2 == 0 {
                        position
                    } else {
                        own.len() - 1 - position
                    };
                    let block = own.start + index;
                    let first = (index * rows_ahead + (step - start) * batch_size) * COLUMNS;
                    let projected = &scratch.projected[first..][..batch_size * COLUMNS];
                    // SAFETY: the rows are those of the step before, and this member alone writes
                    // the units of its blocks.
                    unsafe { self.step(simd, block, step, rows, projected, &mut sums) };
                }
                member.wait();
            }
            start += steps;
        }
    }

    /// Rounds this member's share of the input's rows.
    #[inline(always)]
    fn round_input(&self, member: &Member<'_>) {
        let (rows, inner) = (
            self.layer.seq_len * self.layer.batch_size,
            self.layer.d_input,
        );
        let width = inner.div_ceil(GROUP);
        for row in member.share(rows) {
            // SAFETY: no two members have the same row, and bytes may lie where floats do.
            unsafe {
                let bytes = self.rounded.at(row * width, width).cast::<u8>();
                let bytes = std::slice::from_raw_parts_mut(bytes, width * GROUP);
                let scale = int8::round(&self.input[row * inner..(row + 1) * inner], bytes);
                *self.rounded.at(rows * width + row, 1) = scale;
            }
        }
    }

    /// The projections of a block for rows from `first` on, with the bias.
    #[inline(always)]
    fn project<S: Simd>(
        &self,
        simd: S,
        block: usize,
        first: usize,
        projected: &mut [f32],
        sums: &mut Sums,
    ) {
        let Layer {
            d_input, d_hidden, ..
        } = self.layer;
        let mut bias = [0.0; COLUMNS];
        let unit = block * BLOCK;
        let units = BLOCK.min(d_hidden - unit);
        for gate in 0..4 {
            bias[gate * BLOCK..][..units]
                .copy_from_slice(&self.layer.bias[gate * d_hidden + unit..][..units]);
        }
        let rows = match self.layer.ih {
            Panels::Float32(_) => Rows::Float32 {
                values: self.input.as_ptr(),
                stride: d_input,
            },
            Panels::Int8 { .. } => {
                let width = d_input.div_ceil(GROUP);
                let all = self.layer.seq_len * self.layer.batch_size;
                // SAFETY: the members rounded these before the last barrier, and nobody writes
                // them again.
                unsafe {
                    Rows::Int8 {
                        values: self.rounded.at(0, all * width).cast::<u8>(),
                        stride: width * GROUP,
                        scales: self.rounded.at(all * width, all),
                    }
                }
            }
        };
        let count = projected.len() / COLUMNS;
        let mut tiles = RowTiles::new(count, self.ih.most_rows::<S>());
        while let Some((row, len)) = tiles.next() {
            // SAFETY: the chunk has these rows.
            unsafe {
                self.ih.multiply(simd, block, rows, first + row, len, sums);
            }
            let projected = &mut projected[row * COLUMNS..(row + len) * COLUMNS];
            for (row, projected) in projected.chunks_exact_mut(COLUMNS).enumerate() {
                let sums = sums.row(row);
                for index in 0..COLUMNS {
                    projected[index] = sums[index] + bias[index];
                }
            }
        }
    }

    /// One time step of a block.
    ///
    /// # Safety
    ///
    /// `rows` must be the batch's hidden states before the step, and nobody else may access the
    /// block's cells and its units of the step's output.
    #[inline(always)]
    unsafe fn step<S: Simd>(
        &self,
        simd: S,
        block: usize,
        step: usize,
        rows: Rows,
        projected: &[f32],
        sums: &mut Sums,
    ) {
        let Layer {
            batch_size,
            d_hidden,
            ..
        } = self.layer;
        let unit = block * BLOCK;
        let units = BLOCK.min(d_hidden - unit);
        let mut tiles = RowTiles::new(batch_size, self.hh.most_rows::<S>());
        while let Some((first, len)) = tiles.next() {
            // SAFETY: the caller's promise; offsets are within the buffers, whose lengths `run`
            // checked.
            unsafe {
                self.hh.multiply(simd, block, rows, first, len, sums);
                for row in first..first + len {
                    let sums = sums.row(row - first);
                    let projected = &projected[row * COLUMNS..][..COLUMNS];
                    let cells = self.cells.at(row * d_hidden + unit, units);
                    let output = (step * batch_size + row) * d_hidden + unit;
                    let output = self.output.at(output, units);
                    gates(simd, sums, projected, units, cells, output);
                }
            }
        }
    }
}

/// The gates and the new state of a block's units.
///
/// # Safety
///
/// `cells` and `output` must be valid for `units` floats that nobody else accesses.
#[inline(always)]
unsafe fn gates<S: Simd>(
    simd: S,
    sums: &[f32],
    projected: &[f32],
    units: usize,
    cells: *mut f32,
    output: *mut f32,
) {
    let lanes = S::F32_LANES;
    let (sums, projected) = (&sums[..COLUMNS], &projected[..COLUMNS]);
    let mut unit = 0;
    while unit < units {
        let len = lanes.min(units - unit);
        let mut gates = [simd.splat_f32s(0.0); 4];
        // SAFETY: a block has as many units as whole vectors hold; the rest is the caller's promise.
        unsafe {
            for (gate, sum) in gates.iter_mut().enumerate() {
                let place = gate * BLOCK + unit;
                *sum = simd.add_f32s(
                    load(simd, sums[place..][..lanes].as_ptr(), lanes),
                    load(simd, projected[place..][..lanes].as_ptr(), lanes),
                );
            }
            let entering = simd.mul_f32s(sigmoid(simd, gates[0]), tanh(simd, gates[2]));
            let cell = load(simd, cells.add(unit), len);
            let cell = simd.mul_add_e_f32s(sigmoid(simd, gates[1]), cell, entering);
            let hidden = simd.mul_f32s(sigmoid(simd, gates[3]), tanh(simd, cell));
            store(simd, cells.add(unit), len, cell);
            store(simd, output.add(unit), len, hidden);
        }
        unit += lanes;
    }
}

fn grow<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
}
