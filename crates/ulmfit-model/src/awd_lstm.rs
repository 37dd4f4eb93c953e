use burn::config::Config;
use burn::module::{Module, Param, ParamGroup};
use burn::tensor::{Device, Int, Tensor};
use ulmfit_kernels::{TiedWeight, embedding};

use crate::awd_lstm_state::AwdLstmState;
use crate::dropout::{DropoutRng, EmbeddingDropout, LockedDropout};
use crate::error::ModelError;
use crate::init::InitRng;
use crate::lstm::{Lstm, LstmConfig};

/// The dropout probabilities of an AWD-LSTM and of the head above it, each in `[0, 1)`.
#[derive(Config, Debug, PartialEq)]
pub struct AwdLstmDropout {
    /// Before the decoder of a language model, or first in the head of a classifier
    /// ([`LockedDropout`] there, plain dropout here).
    pub output: f64,
    /// Between the layers ([`LockedDropout`]), not after the last.
    pub hidden: f64,
    /// After the embedding ([`LockedDropout`]).
    pub input: f64,
    /// Of whole words ([`EmbeddingDropout`]).
    pub embedding: f64,
    /// Of the hidden-to-hidden weights ([`crate::WeightDrop`]).
    pub weight: f64,
}

impl AwdLstmDropout {
    /// No dropout at all.
    pub const NONE: Self = Self {
        output: 0.0,
        hidden: 0.0,
        input: 0.0,
        embedding: 0.0,
        weight: 0.0,
    };

    /// For language models: fastai's `awd_lstm_lm_config`, the paper's scripts' `[.25, .1, .2,
    /// .02, .15]`.
    pub const LANGUAGE_MODEL: Self = Self {
        output: 0.1,
        hidden: 0.15,
        input: 0.25,
        embedding: 0.02,
        weight: 0.2,
    };

    /// For classifiers: fastai's `awd_lstm_clas_config`, the paper's section 4.1.
    pub const CLASSIFIER: Self = Self {
        output: 0.4,
        hidden: 0.3,
        input: 0.4,
        embedding: 0.05,
        weight: 0.5,
    };

    /// Every probability times `multiplier`, fastai's `drop_mult`.
    #[must_use]
    pub fn scaled(&self, multiplier: f64) -> Self {
        Self {
            output: self.output * multiplier,
            hidden: self.hidden * multiplier,
            input: self.input * multiplier,
            embedding: self.embedding * multiplier,
            weight: self.weight * multiplier,
        }
    }

    fn validate(&self) -> Result<(), ModelError> {
        let all = [
            ("output", self.output),
            ("hidden", self.hidden),
            ("input", self.input),
            ("embedding", self.embedding),
            ("weight", self.weight),
        ];
        match all.iter().find(|(_, prob)| !(0.0..1.0).contains(prob)) {
            Some((name, prob)) => Err(ModelError::Config(format!(
                "the {name} dropout is {prob}, which is not in [0, 1)"
            ))),
            None => Ok(()),
        }
    }
}

/// Configuration to create an [`AwdLstm`] using the [init function](AwdLstmConfig::init).
#[doc(alias = "AWD_LSTM")]
#[derive(Config, Debug, PartialEq)]
pub struct AwdLstmConfig {
    /// Words in the vocabulary.
    pub vocab_size: usize,
    /// Features of the embedding and of the last layer; 400 in the paper.
    #[config(default = 400)]
    pub d_embedding: usize,
    /// Features of the layers before the last; 1150 in the paper, 1152 in fastai since 1.0.
    #[config(default = 1152)]
    pub d_hidden: usize,
    /// The number of LSTM layers; 3 in the paper.
    #[config(default = 3)]
    pub n_layers: usize,
    /// The dropout probabilities.
    #[config(default = "AwdLstmDropout::NONE")]
    pub dropout: AwdLstmDropout,
}

/// The encoder of ULMFiT: an embedding and a stack of LSTM layers, the last of which returns to
/// the size of the embedding, under the five dropouts of Merity et al. (2017).
#[doc(alias = "AWD_LSTM")]
#[derive(Module, Debug)]
pub struct AwdLstm {
    /// The embedding matrix, `[vocab_size, d_embedding]`.
    pub embedding: Param<Tensor<2>>,
    /// The LSTM layers, bottom to top.
    pub layers: Vec<Lstm>,
    /// Dropout of whole words.
    pub embedding_dropout: EmbeddingDropout,
    /// Dropout after the embedding.
    pub input_dropout: LockedDropout,
    /// Dropout between the layers.
    pub hidden_dropout: LockedDropout,
}

/// What [`AwdLstm::forward`] returns.
#[derive(Clone, Debug)]
pub struct AwdLstmOutput {
    /// The last layer's hidden states, `[seq_len, batch_size, d_embedding]`, without dropout.
    pub output: Tensor<3>,
    /// The state to continue from.
    pub state: AwdLstmState,
}

impl AwdLstmConfig {
    /// The largest sizes that are taken for meant: what a model file states is checked against
    /// them before anything is allocated.
    const LARGEST: [(&'static str, usize); 4] = [
        ("vocab_size", 10_000_000),
        ("d_embedding", 65_536),
        ("d_hidden", 65_536),
        ("n_layers", 64),
    ];

    /// Checks sizes and probabilities.
    ///
    /// # Errors
    ///
    /// [`ModelError::Config`] names the field and what it may be.
    pub fn validate(&self) -> Result<(), ModelError> {
        let sizes = [
            self.vocab_size,
            self.d_embedding,
            self.d_hidden,
            self.n_layers,
        ];
        for ((name, largest), size) in Self::LARGEST.into_iter().zip(sizes) {
            if size == 0 || size > largest {
                return Err(ModelError::Config(format!(
                    "{name} is {size}, which is not from 1 to {largest}"
                )));
            }
        }
        self.dropout.validate()
    }

    /// Features in and out of layer `index`.
    pub fn layer_sizes(&self, index: usize) -> (usize, usize) {
        let d_input = if index == 0 {
            self.d_embedding
        } else {
            self.d_hidden
        };
        let last = index + 1 == self.n_layers;
        (
            d_input,
            if last {
                self.d_embedding
            } else {
                self.d_hidden
            },
        )
    }

    /// The name and shape of every weight under `prefix`, known before any is allocated.
    pub(crate) fn weight_shapes(&self, prefix: &str) -> Vec<(String, Vec<usize>)> {
        let embedding = vec![self.vocab_size, self.d_embedding];
        let mut shapes = vec![(format!("{prefix}.embedding"), embedding)];
        for index in 0..self.n_layers {
            let (d_input, d_hidden) = self.layer_sizes(index);
            let layer = format!("{prefix}.layers.{index}");
            shapes.push((format!("{layer}.weight_ih"), vec![4 * d_hidden, d_input]));
            shapes.push((format!("{layer}.weight_hh"), vec![4 * d_hidden, d_hidden]));
            shapes.push((format!("{layer}.bias"), vec![4 * d_hidden]));
        }
        shapes
    }

    /// An encoder with embeddings from U(-0.1, 0.1) (Merity et al. 2017) and layers with
    /// `PyTorch`'s initialization.
    ///
    /// # Panics
    ///
    /// Panics if [`validate`](Self::validate) fails.
    pub fn init(&self, rng: &mut InitRng, device: &Device) -> AwdLstm {
        self.validate().expect("the configuration was validated");
        let embedding = rng.uniform([self.vocab_size, self.d_embedding], 0.1, device);
        let layers = (0..self.n_layers).map(|index| {
            let (d_input, d_hidden) = self.layer_sizes(index);
            LstmConfig::new(d_input, d_hidden).init(rng, device)
        });
        AwdLstm {
            embedding,
            layers: layers.collect(),
            embedding_dropout: EmbeddingDropout { prob: 0.0 },
            input_dropout: LockedDropout { prob: 0.0 },
            hidden_dropout: LockedDropout { prob: 0.0 },
        }
        .with_dropout(&self.dropout)
    }
}

impl AwdLstm {
    /// The same weights under other dropout probabilities: how an encoder goes from a language
    /// model to a classifier.
    #[must_use]
    pub fn with_dropout(mut self, dropout: &AwdLstmDropout) -> Self {
        self.embedding_dropout.prob = dropout.embedding;
        self.input_dropout.prob = dropout.input;
        self.hidden_dropout.prob = dropout.hidden;
        for layer in &mut self.layers {
            layer.weight_drop.prob = dropout.weight;
        }
        self
    }

    /// Encodes a chunk of text, continuing from `state`.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, seq_len]`, each id below [`vocab_size`](Self::vocab_size)
    /// - output: `[seq_len, batch_size, d_embedding]`
    pub fn forward(
        &self,
        tokens: Tensor<2, Int>,
        state: AwdLstmState,
        dropout: Option<&mut DropoutRng>,
    ) -> AwdLstmOutput {
        self.encode(self.embedding.val().into(), tokens, state, dropout)
    }

    /// [`forward`](Self::forward) with `weight` for the embedding matrix: the embedding's own, tied to
    /// what else it is given to.
    pub(crate) fn encode(
        &self,
        weight: TiedWeight,
        tokens: Tensor<2, Int>,
        state: AwdLstmState,
        mut dropout: Option<&mut DropoutRng>,
    ) -> AwdLstmOutput {
        assert_eq!(
            state.layers.len(),
            self.layers.len(),
            "one state for each layer"
        );
        let [batch_size, seq_len] = tokens.dims();
        let tokens = tokens.transpose().reshape([seq_len * batch_size]); // time-major
        let mask = self
            .embedding_dropout
            .mask(&self.embedding.val(), dropout.as_deref_mut());
        let embedded = embedding(weight, tokens, mask); // [tokens, d_embedding]
        let embedded = embedded.reshape([seq_len, batch_size, self.d_embedding()]);
        let mut output = self.input_dropout.forward(embedded, dropout.as_deref_mut());
        let mut next = Vec::with_capacity(self.layers.len());
        for (index, (layer, layer_state)) in self.layers.iter().zip(state.layers).enumerate() {
            if index > 0 {
                output = self.hidden_dropout.forward(output, dropout.as_deref_mut());
            }
            let layer_next;
            (output, layer_next) = layer.forward(output, layer_state, dropout.as_deref_mut());
            next.push(layer_next); // output: [seq_len, batch_size, d_hidden of this layer]
        }
        AwdLstmOutput {
            output,
            state: AwdLstmState { layers: next },
        }
    }

    /// The embedding's group and the layers' groups, bottom to top.
    pub(crate) fn parameter_groups(&self) -> (ParamGroup, Vec<ParamGroup>) {
        let embedding = ParamGroup::from_ids(vec![self.embedding.id]);
        let layers = self.layers.iter().map(|layer| {
            ParamGroup::from_ids(vec![layer.weight_ih.id, layer.weight_hh.id, layer.bias.id])
        });
        (embedding, layers.collect())
    }

    /// Words in the vocabulary.
    pub fn vocab_size(&self) -> usize {
        self.embedding.dims()[0]
    }

    /// Features of the embedding and of the output.
    pub fn d_embedding(&self) -> usize {
        self.embedding.dims()[1]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    const VOCAB_SIZE: usize = 40;
    const D_EMBEDDING: usize = 6;
    const NONE: AwdLstmDropout = AwdLstmDropout::NONE;

    fn encoder(n_layers: usize, dropout: AwdLstmDropout) -> AwdLstm {
        AwdLstmConfig::new(VOCAB_SIZE)
            .with_d_embedding(D_EMBEDDING)
            .with_d_hidden(9)
            .with_n_layers(n_layers)
            .with_dropout(dropout)
            .init(&mut InitRng::new(5), &Device::flex())
    }

    /// What becomes of every word as the beginning of a document of `seq_len` words, `seq_len` times
    /// [`VOCAB_SIZE`] rows.
    fn outputs(encoder: &AwdLstm, seq_len: usize) -> Vec<Vec<f32>> {
        let device = Device::flex();
        let ids =
            (0..VOCAB_SIZE * seq_len).map(|at| ((at / seq_len + at % seq_len) % VOCAB_SIZE) as i64);
        let ids = TensorData::new(ids.collect::<Vec<_>>(), [VOCAB_SIZE, seq_len]);
        let tokens = Tensor::from_data(ids, &device);
        let state = AwdLstmState::zeros(encoder, VOCAB_SIZE, &device);
        let rng = &mut DropoutRng::new(1, 1);
        let output = encoder.forward(tokens, state, Some(rng)).output;
        let values: Vec<f32> = output.into_data().try_to_vec().unwrap();
        values.chunks(D_EMBEDDING).map(<[f32]>::to_vec).collect()
    }

    fn differ(a: &[Vec<f32>], b: &[Vec<f32>]) -> bool {
        let pairs = a.iter().flatten().zip(b.iter().flatten());
        pairs.into_iter().any(|(a, b)| (a - b).abs() > 1e-6)
    }

    #[test]
    fn hidden_dropout_is_between_the_layers() {
        let hidden = AwdLstmDropout {
            hidden: 0.5,
            ..NONE
        };
        for (n_layers, changes) in [(1, false), (2, true)] {
            let plain = outputs(&encoder(n_layers, NONE), 1);
            let dropped = outputs(&encoder(n_layers, hidden.clone()), 1);
            assert_eq!(differ(&plain, &dropped), changes, "{n_layers}");
        }
    }

    #[test]
    fn weight_dropout_is_on_what_comes_from_the_state() {
        let weight = AwdLstmDropout {
            weight: 0.5,
            ..NONE
        };
        let plain = outputs(&encoder(1, NONE), 2);
        let dropped = outputs(&encoder(1, weight), 2);
        // The first step has a state of zeros.
        assert!(!differ(&plain[..VOCAB_SIZE], &dropped[..VOCAB_SIZE]));
        assert!(differ(&plain[VOCAB_SIZE..], &dropped[VOCAB_SIZE..]));
    }

    #[test]
    fn embedding_dropout_takes_whole_words_and_input_dropout_features() {
        let times = |factor: f32| {
            let mut encoder = encoder(1, NONE);
            encoder.embedding = encoder.embedding.map(|weight| weight * factor);
            outputs(&encoder, 1)
        };
        let (kept, gone) = (times(2.0), times(0.0));
        let plain = outputs(&encoder(1, NONE), 1);
        let count_of = |dropout| {
            let rows = outputs(&encoder(1, dropout), 1);
            assert!(differ(&plain, &rows));
            let is = |all: &[Vec<f32>], at: usize| !differ(&all[at..=at], &rows[at..=at]);
            let count = |all: &[Vec<f32>]| (0..VOCAB_SIZE).filter(|&at| is(all, at)).count();
            [count(&kept), count(&gone)]
        };
        let [whole, none] = count_of(AwdLstmDropout {
            embedding: 0.5,
            ..NONE
        });
        assert_eq!(whole + none, VOCAB_SIZE);
        assert!(whole > 5 && none > 5, "{whole} {none}");
        let [whole, none] = count_of(AwdLstmDropout { input: 0.5, ..NONE });
        assert!(whole + none < 10, "{whole} {none}");
    }
}
