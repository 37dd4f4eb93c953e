//! The sum of squares of a slice.

use pulp::{Simd, WithSimd};

use crate::cpu::simd::{SimdLevel, dispatch, load};
use crate::cpu::team::{Member, Shared, team};

/// Elements that are summed on their own, by whichever thread: the sum of these sums is then the
/// same for any number of threads.
const CHUNK: usize = 16 * 1024;

/// Chunks that are worth a thread of their own.
const CHUNKS_A_THREAD: usize = 4;

/// Vectors that are summed side by side, so that one addition need not wait for the last.
const SUMS: usize = 4;

/// The sum of the squares of all elements. Squares are added up in `f32` within a chunk, a few
/// hundred to each lane of a vector, and in `f64` beyond.
pub(super) fn sum(values: &[f32]) -> f64 {
    let chunks = values.len().div_ceil(CHUNK);
    let mut partial = vec![0.0; chunks];
    let run = Chunks {
        values,
        partial: Shared::new(&mut partial),
    };
    let (run, level) = (&run, SimdLevel::current());
    team(chunks.div_ceil(CHUNKS_A_THREAD), |member| {
        let run = Run {
            chunks: run,
            member,
        };
        dispatch(level, run);
    });
    partial.into_iter().map(f64::from).sum()
}

struct Chunks<'a> {
    values: &'a [f32],
    /// One sum a chunk.
    partial: Shared,
}

/// The sums of one thread's share of the chunks.
struct Run<'a> {
    chunks: &'a Chunks<'a>,
    member: &'a Member<'a>,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Chunks { values, partial } = self.chunks;
        for chunk in self.member.share(values.len().div_ceil(CHUNK)) {
            let end = values.len().min((chunk + 1) * CHUNK);
            let sum = sum_chunk(simd, &values[chunk * CHUNK..end]);
            // SAFETY: there is a sum for each chunk, and no two members share a chunk.
            unsafe { partial.at(chunk, 1).write(sum) };
        }
    }
}

#[inline(always)]
fn sum_chunk<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let lanes = S::F32_LANES;
    let mut sums = [simd.splat_f32s(0.0); SUMS];
    let mut blocks = values.chunks_exact(SUMS * lanes);
    for block in blocks.by_ref() {
        for (index, sum) in sums.iter_mut().enumerate() {
            // SAFETY: a block has as many vectors as there are sums.
            let vector = unsafe { load(simd, block.as_ptr().add(index * lanes), lanes) };
            *sum = simd.mul_add_e_f32s(vector, vector, *sum);
        }
    }
    for vector in blocks.remainder().chunks(lanes) {
        let vector = simd.partial_load_f32s(vector);
        sums[0] = simd.mul_add_e_f32s(vector, vector, sums[0]);
    }
    let [first, second, third, fourth] = sums;
    let sum = simd.add_f32s(simd.add_f32s(first, second), simd.add_f32s(third, fourth));
    simd.reduce_sum_f32s(sum)
}
