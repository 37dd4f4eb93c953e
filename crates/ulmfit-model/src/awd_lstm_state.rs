use burn::tensor::{Device, Tensor};

use crate::awd_lstm::AwdLstm;
use crate::lstm::{Lstm, LstmState};

/// The hidden state of an [`AwdLstm`] between two chunks of text: one [`LstmState`] a layer.
///
/// It never carries gradients: back-propagation through time ends where a chunk does.
#[derive(Clone, Debug)]
pub struct AwdLstmState {
    /// The layers' states, bottom to top.
    pub layers: Vec<LstmState>,
}

impl AwdLstmState {
    /// The state before any text: zeros, for `batch_size` rows.
    pub fn zeros(encoder: &AwdLstm, batch_size: usize, device: &Device) -> Self {
        let sizes = encoder.layers.iter().map(Lstm::d_hidden);
        Self::of_sizes(sizes, batch_size, device)
    }

    /// Zeros, for layers of these sizes, bottom to top.
    pub(crate) fn of_sizes(
        sizes: impl Iterator<Item = usize>,
        batch_size: usize,
        device: &Device,
    ) -> Self {
        let layers = sizes.map(|d_hidden| {
            let zeros = Tensor::zeros([batch_size, d_hidden], device);
            LstmState {
                hidden: zeros.clone(),
                cell: zeros,
            }
        });
        Self {
            layers: layers.collect(),
        }
    }

    /// The number of rows.
    pub fn batch_size(&self) -> usize {
        self.layers
            .first()
            .map_or(0, |layer| layer.hidden.dims()[0])
    }

    /// Adds rows of zeros at the end until there are `batch_size`.
    #[must_use]
    pub fn grown_to(self, batch_size: usize) -> Self {
        self.map(|tensor| {
            let [rows, features] = tensor.dims();
            if rows >= batch_size {
                return tensor;
            }
            let new_rows = Tensor::zeros([batch_size - rows, features], &tensor.device());
            Tensor::cat(vec![tensor, new_rows], 0)
        })
    }

    fn map(self, change: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        let layers = self.layers.into_iter();
        Self {
            layers: layers
                .map(|LstmState { hidden, cell }| LstmState {
                    hidden: change(hidden),
                    cell: change(cell),
                })
                .collect(),
        }
    }
}
