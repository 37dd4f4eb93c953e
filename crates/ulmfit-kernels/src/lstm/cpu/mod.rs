//! The recurrence on slices, for the CPU.
//!
//! Each thread owns some of the hidden units, for all rows and all time steps. Its part of the
//! recurrent weights is packed once a chunk, in the order in which the products read it, and stays
//! in the cache next to its core; at the end of a time step the threads meet at a barrier, since
//! each needs the hidden states of all units. No sum depends on how many threads share the work, so
//! results do not either.

mod backward;
mod forward;
mod product;

use pulp::{Simd, WithSimd};

use crate::cpu::simd::{SimdLevel, dispatch};
use crate::cpu::team::{Member, Shared, team};

use backward::Backward;
use forward::Forward;

const GATES: usize = 4;

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
    run(sizes, pass);
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
    run(sizes, pass);
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

fn run(sizes: Sizes, pass: impl Pass + Sync) {
    let level = SimdLevel::current();
    // A vector of units is the least share.
    team(sizes.d_hidden.div_ceil(level.lanes()), |member| {
        dispatch(level, Run { pass, member });
    });
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
