//! Weights in the order in which the products read them.
//!
//! The units of a layer come in blocks of [`BLOCK`], whose four gates make [`COLUMNS`] columns. A
//! block's panel is one stretch of memory: for each half of the columns, for each input, the columns'
//! weights; in eight bits, four inputs of a column lie side by side. The order does not depend on the
//! vectors or the threads that will read it.

use crate::int8::Int8Rows;

/// Units of a block.
pub(crate) const BLOCK: usize = 16;
/// Columns of a block: its units' input, forget, cell and output gates.
pub(crate) const COLUMNS: usize = 4 * BLOCK;
/// Columns that are read together where there are many rows.
pub(crate) const HALF: usize = COLUMNS / 2;
/// Inputs that lie side by side in eight bits.
pub(crate) const GROUP: usize = 4;
/// Bytes of a cache line, where panels begin.
const LINE: usize = 64;

/// Elements of a panel, and where in the buffer they begin.
#[derive(Clone, Debug)]
pub(crate) struct Aligned<T> {
    pub(crate) buffer: Vec<T>,
    pub(crate) start: usize,
}

/// Weights in eight bits, with what makes sums of them into floats.
#[derive(Clone, Debug)]
pub(crate) struct Int8Panels {
    pub(crate) values: Aligned<i8>,
    /// For each column of each block: what the sums begin with, since inputs are stored with 128
    /// added.
    pub(crate) offsets: Vec<i32>,
    /// For each column of each block.
    pub(crate) scales: Vec<f32>,
}

/// Blocks of a layer.
pub(crate) const fn blocks(d_hidden: usize) -> usize {
    d_hidden.div_ceil(BLOCK)
}

/// Packs weights, `[4 * d_hidden, inner]`.
pub(crate) fn pack_floats(weights: &[f32], d_hidden: usize, inner: usize) -> Aligned<f32> {
    let panel_len = COLUMNS * inner;
    let mut packed = Aligned::zeros(blocks(d_hidden) * panel_len);
    for (block, column, row) in columns(d_hidden) {
        let start = block * panel_len + column / HALF * HALF * inner + column % HALF;
        let row = &weights[row * inner..(row + 1) * inner];
        let places = packed.elements_mut()[start..].iter_mut().step_by(HALF);
        for (place, weight) in places.zip(row) {
            *place = *weight;
        }
    }
    packed
}

/// Rounds weights, `[4 * d_hidden, inner]`, and packs them.
pub(crate) fn pack_int8(weights: &[f32], d_hidden: usize, inner: usize) -> Int8Panels {
    let rounded = Int8Rows::new(weights, inner);
    let groups = inner.div_ceil(GROUP);
    let panel_len = COLUMNS * groups * GROUP;
    let n_columns = blocks(d_hidden) * COLUMNS;
    let mut packed = Int8Panels {
        values: Aligned::zeros(blocks(d_hidden) * panel_len),
        offsets: vec![0; n_columns],
        scales: vec![0.0; n_columns],
    };
    for (block, column, row) in columns(d_hidden) {
        let start = block * panel_len + (column / HALF * HALF * groups + column % HALF) * GROUP;
        let values = &rounded.values[row * inner..(row + 1) * inner];
        let places = packed.values.elements_mut()[start..].chunks_mut(HALF * GROUP);
        for (places, values) in places.zip(values.chunks(GROUP)) {
            places[..values.len()].copy_from_slice(values);
        }
        let sum = values.iter().map(|&value| i32::from(value)).sum::<i32>();
        packed.offsets[block * COLUMNS + column] = -128 * sum;
        packed.scales[block * COLUMNS + column] = rounded.scales[row];
    }
    packed
}

/// Each block's columns that are not padding, with their rows of the weights.
fn columns(d_hidden: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..blocks(d_hidden)).flat_map(move |block| {
        (0..COLUMNS).filter_map(move |column| {
            let unit = block * BLOCK + column % BLOCK;
            let row = column / BLOCK * d_hidden + unit;
            (unit < d_hidden).then_some((block, column, row))
        })
    })
}

impl<T: Copy + Default> Aligned<T> {
    fn zeros(len: usize) -> Self {
        let spare = LINE / size_of::<T>();
        let buffer = vec![T::default(); len + spare];
        // How far that is the machine may decline to say; it is for speed alone.
        let start = buffer.as_ptr().align_offset(LINE).min(spare);
        Self { buffer, start }
    }

    fn elements_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..]
    }
}
