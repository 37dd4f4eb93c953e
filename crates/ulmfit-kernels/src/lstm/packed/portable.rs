//! Inference in burn operations, for every backend.

use burn::backend::tensor::FloatTensor;

use super::extension::PackedWeights;
use crate::lstm::extension::{LstmBackend, WeightMask};
use crate::lstm::layer::{last_cell, output, project};
use crate::lstm::portable::recurrence;

/// The layer over a chunk: see [`super::extension::PackedLstmBackend::lstm_packed`].
///
/// # Panics
///
/// Panics if the weights were packed for kernels.
pub(super) fn run<B: LstmBackend>(
    input: FloatTensor<B>,
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
    ih: PackedWeights<B>,
    hh: PackedWeights<B>,
    bias: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (PackedWeights::Plain(ih), PackedWeights::Plain(hh)) = (ih, hh) else {
        unreachable!("both weights were packed by the portable body");
    };
    let projected = project::<B>(input, ih);
    let (hiddens, cells, _) = recurrence::<B>(projected, hidden, cell, hh, WeightMask::Whole, bias);
    (output::<B>(hiddens), last_cell::<B>(cells))
}
