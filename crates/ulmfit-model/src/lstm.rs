use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ulmfit_kernels::{LstmOutput, LstmWeights, lstm};

use crate::dropout::{DropoutRng, WeightDrop};
use crate::init::InitRng;

/// Configuration to create an [`Lstm`] layer using the [init function](LstmConfig::init).
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the hidden state and of the output.
    pub d_hidden: usize,
    /// Probability of [`WeightDrop`] on the hidden-to-hidden weights.
    #[config(default = 0.0)]
    pub weight_drop: f64,
}

/// One LSTM layer with its four gates fused, in `PyTorch`'s order: input, forget, cell, output.
///
/// There is one bias where `PyTorch` has two: only their sum enters the gates. An imported bias is
/// the sum of both.
#[derive(Module, Debug)]
pub struct Lstm {
    /// Input-to-hidden weights, `[4 * d_hidden, d_input]`.
    pub weight_ih: Param<Tensor<2>>,
    /// Hidden-to-hidden weights, `[4 * d_hidden, d_hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// Bias of the gates, `[4 * d_hidden]`.
    pub bias: Param<Tensor<1>>,
    /// Dropout of the hidden-to-hidden weights.
    pub weight_drop: WeightDrop,
}

/// The state of one LSTM layer between two time steps.
#[derive(Clone, Debug)]
pub struct LstmState {
    /// The hidden state, `[batch_size, d_hidden]`.
    pub hidden: Tensor<2>,
    /// The cell state, `[batch_size, d_hidden]`.
    pub cell: Tensor<2>,
}

impl LstmConfig {
    /// A layer with `PyTorch`'s initialization: U(-1/sqrt(`d_hidden`), 1/sqrt(`d_hidden`)), where
    /// the bias is the sum of two such draws, since `PyTorch` has two biases.
    pub fn init(&self, rng: &mut InitRng, device: &Device) -> Lstm {
        let bound = 1.0 / (self.d_hidden as f64).sqrt();
        let gates = 4 * self.d_hidden;
        let weight_ih = rng.uniform([gates, self.d_input], bound, device);
        let weight_hh = rng.uniform([gates, self.d_hidden], bound, device);
        let biases = [rng.values(gates, bound), rng.values(gates, bound)];
        let bias = biases[0]
            .iter()
            .zip(&biases[1])
            .map(|(a, b)| a + b)
            .collect::<Vec<_>>();
        Lstm {
            weight_ih,
            weight_hh,
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(bias, [gates]), device)),
            weight_drop: WeightDrop {
                prob: self.weight_drop,
            },
        }
    }
}

impl Lstm {
    /// Runs the layer over a chunk of time steps, with one draw of the weight-drop mask for all of
    /// them. No gradient flows through the state.
    ///
    /// # Shapes
    ///
    /// - input: `[seq_len, batch_size, d_input]`
    /// - output: `[seq_len, batch_size, d_hidden]`
    pub fn forward(
        &self,
        input: Tensor<3>,
        state: LstmState,
        dropout: Option<&mut DropoutRng>,
    ) -> (Tensor<3>, LstmState) {
        let [seq_len, _, _] = input.dims();
        let weight_hh = self.weight_hh.val();
        let hh_mask = self.weight_drop.mask(&weight_hh, dropout);
        let LstmOutput { output, cell } = lstm(
            input,
            state.hidden,
            state.cell,
            LstmWeights {
                ih: self.weight_ih.val(),
                hh: weight_hh,
                hh_mask,
                bias: self.bias.val(),
            },
        );
        let hidden = output
            .clone()
            .detach()
            .narrow(0, seq_len - 1, 1)
            .squeeze_dim(0);
        (output, LstmState { hidden, cell })
    }

    /// Features of the hidden state.
    pub fn d_hidden(&self) -> usize {
        self.weight_hh.dims()[1]
    }
}
