//! A weight that an embedding and a decoder have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Tensor;

/// A weight matrix, `[vocab_size, d]`, that may be both the embedding's and the decoder's.
///
/// Given to both as clones of one value, the embedding's backward pass adds its gradient to that of
/// the decoder in place, without a matrix of its own. A plain tensor becomes one by
/// [`From`] and gives the same gradients.
#[derive(Clone, Debug)]
pub struct TiedWeight {
    pub(crate) tensor: Tensor<2>,
    pub(crate) gradient: SharedGradient,
}

/// Whether this backward pass has registered a gradient for a tied weight already, which burn's
/// container of gradients does not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedGradient(Arc<AtomicBool>);

impl TiedWeight {
    /// Ties what the clones of this value are given to.
    pub fn new(weight: Tensor<2>) -> Self {
        // Burn hands the gradient of a leaf out as a copy, and that of an inner node of the graph as
        // it is. The reshape makes it one and does nothing else.
        let shape = weight.dims();
        Self::from(weight.reshape(shape))
    }
}

impl From<Tensor<2>> for TiedWeight {
    fn from(tensor: Tensor<2>) -> Self {
        Self {
            tensor,
            gradient: SharedGradient::default(),
        }
    }
}

impl SharedGradient {
    pub(crate) fn set_registered(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
