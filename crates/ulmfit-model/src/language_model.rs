use burn::config::Config;
use burn::module::{Module, Param, ParamGroup};
use burn::tensor::{Device, Int, Tensor};
use ulmfit_kernels::{
    CrossEntropyOptions, CrossEntropySum, TiedWeight, embedding, linear_cross_entropy,
    linear_cross_entropy_sum,
};

use crate::awd_lstm::{AwdLstm, AwdLstmConfig, AwdLstmOutput};
use crate::awd_lstm_state::AwdLstmState;
use crate::dropout::{DropoutRng, LockedDropout};
use crate::init::{InitRng, constant};
use crate::regularization::{activation_regularization, temporal_activation_regularization};

/// Configuration to create a [`LanguageModel`] using the [init function](LanguageModelConfig::init).
#[derive(Config, Debug, PartialEq)]
pub struct LanguageModelConfig {
    /// The encoder.
    pub encoder: AwdLstmConfig,
    /// Weight of activation regularization; 2 in Merity et al. (2017).
    #[config(default = 2.0)]
    pub alpha: f64,
    /// Weight of temporal activation regularization; 1 in Merity et al. (2017).
    #[config(default = 1.0)]
    pub beta: f64,
}

/// A language model: an [`AwdLstm`] and a decoder to the vocabulary, whose weights are the
/// embedding matrix itself (Inan et al. 2017; Press and Wolf 2017).
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// The encoder, whose embedding is the decoder's weight as well.
    pub encoder: AwdLstm,
    /// The decoder's bias, `[vocab_size]`.
    pub decoder_bias: Param<Tensor<1>>,
    /// Dropout before the decoder.
    pub output_dropout: LockedDropout,
    /// Weight of activation regularization.
    pub alpha: f64,
    /// Weight of temporal activation regularization.
    pub beta: f64,
}

/// What [`LanguageModel::forward`] returns.
#[derive(Clone, Debug)]
pub struct LanguageModelOutput {
    /// Scores of the next word before the softmax, `[seq_len, batch_size, vocab_size]`.
    pub logits: Tensor<3>,
    /// The state to continue from.
    pub state: AwdLstmState,
}

/// The targets of a batch among the candidates of a sampled softmax.
#[derive(Clone, Debug)]
pub struct SampledTargets {
    /// The words that the targets are compared with, `[candidates]`.
    pub candidates: Tensor<1, Int>,
    /// The logarithm of each candidate's probability of being one, `[candidates]`.
    pub log_probabilities: Tensor<1>,
    /// Where each target is among the candidates, `[batch_size, seq_len]`.
    pub targets: Tensor<2, Int>,
}

/// What [`LanguageModel::loss`] returns; the losses are of shape `[1]`, in nats.
#[derive(Clone, Debug)]
pub struct LanguageModelLoss {
    /// Mean negative log-likelihood of the targets: the loss that is reported.
    pub cross_entropy: Tensor<1>,
    /// Activation regularization, times `alpha`.
    pub activation: Tensor<1>,
    /// Temporal activation regularization, times `beta`.
    pub temporal_activation: Tensor<1>,
    /// The state to continue from.
    pub state: AwdLstmState,
}

impl LanguageModelLoss {
    /// The loss to minimize: the sum of the three.
    pub fn total(&self) -> Tensor<1> {
        self.cross_entropy.clone() + self.activation.clone() + self.temporal_activation.clone()
    }
}

impl LanguageModelConfig {
    /// The name and shape of every weight, known before any is allocated.
    pub fn weight_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let mut shapes = self.encoder.weight_shapes("encoder");
        shapes.push(("decoder_bias".to_owned(), vec![self.encoder.vocab_size]));
        shapes
    }

    /// A model whose encoder is initialized by [`AwdLstmConfig::init`], and whose decoder bias is
    /// zero.
    ///
    /// # Panics
    ///
    /// Panics if [`AwdLstmConfig::validate`] fails.
    pub fn init(&self, rng: &mut InitRng, device: &Device) -> LanguageModel {
        LanguageModel {
            encoder: self.encoder.init(rng, device),
            decoder_bias: constant([self.encoder.vocab_size], 0.0, device),
            output_dropout: LockedDropout {
                prob: self.encoder.dropout.output,
            },
            alpha: self.alpha,
            beta: self.beta,
        }
    }
}

impl LanguageModel {
    /// Scores the next word at every position, continuing from `state`.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, seq_len]`
    /// - logits: `[seq_len, batch_size, vocab_size]`
    pub fn forward(
        &self,
        tokens: Tensor<2, Int>,
        state: AwdLstmState,
        mut dropout: Option<&mut DropoutRng>,
    ) -> LanguageModelOutput {
        let encoded = self.encoder.forward(tokens, state, dropout.as_deref_mut());
        let dropped = self.output_dropout.forward(encoded.output, dropout);
        let [seq_len, batch_size, _] = dropped.dims();
        let logits = rows(dropped).matmul(self.encoder.embedding.val().transpose())
            + self.decoder_bias.val().unsqueeze(); // [seq_len * batch_size, vocab_size]
        LanguageModelOutput {
            logits: logits.reshape([seq_len, batch_size, self.encoder.vocab_size()]),
            state: encoded.state,
        }
    }

    /// The losses of predicting `targets` from `tokens`, continuing from `state`.
    ///
    /// # Shapes
    ///
    /// - tokens, targets: `[batch_size, seq_len]`
    pub fn loss(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: AwdLstmState,
        dropout: Option<&mut DropoutRng>,
    ) -> LanguageModelLoss {
        self.loss_with(tokens, state, dropout, |hidden, weight| {
            linear_cross_entropy(
                hidden,
                weight,
                self.decoder_bias.val(),
                time_major(targets),
                CrossEntropyOptions::default(),
            )
        })
    }

    /// [`loss`](Self::loss) with a sampled softmax: targets are compared with some words instead of
    /// the whole vocabulary (Bengio and Senecal 2008; Jean et al. 2015, section 3), which is most of
    /// the decoder's work saved.
    ///
    /// A word's score is corrected by the logarithm of its probability of being among the
    /// candidates, so that in expectation the sum over them is that over the vocabulary. The loss is
    /// not comparable with [`loss`](Self::loss); to measure a model, use
    /// [`evaluate`](Self::evaluate).
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, seq_len]`
    pub fn sampled_loss(
        &self,
        tokens: Tensor<2, Int>,
        sampled: SampledTargets,
        state: AwdLstmState,
        dropout: Option<&mut DropoutRng>,
    ) -> LanguageModelLoss {
        self.loss_with(tokens, state, dropout, |hidden, weight| {
            let bias = self
                .decoder_bias
                .val()
                .select(0, sampled.candidates.clone());
            linear_cross_entropy(
                hidden,
                embedding(weight, sampled.candidates, None), // [candidates, d_embedding]
                bias - sampled.log_probabilities,
                time_major(sampled.targets),
                CrossEntropyOptions::default(),
            )
        })
    }

    /// The losses, with a cross-entropy of the last layer's outputs after dropout,
    /// `[seq_len * batch_size, d_embedding]`, and the tied weights.
    fn loss_with(
        &self,
        tokens: Tensor<2, Int>,
        state: AwdLstmState,
        mut dropout: Option<&mut DropoutRng>,
        cross_entropy: impl FnOnce(Tensor<2>, TiedWeight) -> Tensor<1>,
    ) -> LanguageModelLoss {
        let weight = TiedWeight::new(self.encoder.embedding.val());
        let AwdLstmOutput { output, state } =
            self.encoder
                .encode(weight.clone(), tokens, state, dropout.as_deref_mut());
        let dropped = self.output_dropout.forward(output.clone(), dropout);
        LanguageModelLoss {
            cross_entropy: cross_entropy(rows(dropped.clone()), weight),
            activation: activation_regularization(dropped, self.alpha),
            temporal_activation: temporal_activation_regularization(output, self.beta),
            state,
        }
    }

    /// How well `targets` are predicted from `tokens`: the sum of their negative log-likelihoods, in
    /// nats, and how many had the highest score, each of shape `[1]`; then the state to continue
    /// from. No dropout.
    ///
    /// # Shapes
    ///
    /// - tokens, targets: `[batch_size, seq_len]`
    pub fn evaluate(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: AwdLstmState,
    ) -> (Tensor<1>, Tensor<1, Int>, AwdLstmState) {
        let AwdLstmOutput { output, state } = self.encoder.forward(tokens, state, None);
        let CrossEntropySum { loss, correct } = linear_cross_entropy_sum(
            rows(output),
            self.encoder.embedding.val(),
            self.decoder_bias.val(),
            time_major(targets),
            CrossEntropyOptions::default(),
        );
        (loss, correct, state)
    }

    /// The layer groups, bottom to top, as fastai splits a language model: one for each LSTM
    /// layer, then the embedding with the decoder, whose weights are the same.
    pub fn layer_groups(&self) -> Vec<ParamGroup> {
        let (_, mut groups) = self.encoder.parameter_groups();
        let tied = vec![self.encoder.embedding.id, self.decoder_bias.id];
        groups.push(ParamGroup::from_ids(tied));
        groups
    }
}

/// `[seq_len, batch_size, features]` to `[seq_len * batch_size, features]`.
fn rows(hidden: Tensor<3>) -> Tensor<2> {
    let [seq_len, batch_size, features] = hidden.dims();
    hidden.reshape([seq_len * batch_size, features])
}

/// `[batch_size, seq_len]` to `[seq_len * batch_size]`, in the order of [`rows`].
fn time_major(targets: Tensor<2, Int>) -> Tensor<1, Int> {
    let [batch_size, seq_len] = targets.dims();
    targets.transpose().reshape([seq_len * batch_size])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awd_lstm::AwdLstmDropout;

    #[test]
    fn activations_are_regularized_under_dropout_and_their_changes_without() {
        let device = Device::flex();
        let dropout = AwdLstmDropout {
            output: 0.5,
            ..AwdLstmDropout::NONE
        };
        let encoder = AwdLstmConfig::new(10)
            .with_d_embedding(6)
            .with_d_hidden(9)
            .with_n_layers(1)
            .with_dropout(dropout);
        let model = LanguageModelConfig::new(encoder).init(&mut InitRng::new(3), &device);
        let tokens = Tensor::from_data([[1, 5, 2, 7], [0, 9, 3, 3]], &device);
        let state = AwdLstmState::zeros(&model.encoder, 2, &device);
        let loss = |dropout| model.loss(tokens.clone(), tokens.clone(), state.clone(), dropout);
        let (plain, dropped) = (loss(None), loss(Some(&mut DropoutRng::new(1, 1))));
        let value = |tensor: Tensor<1>| tensor.into_scalar::<f32>();
        let differ = |a, b| (value(a) - value(b)).abs() > 1e-7;
        assert!(differ(plain.cross_entropy, dropped.cross_entropy));
        assert!(differ(plain.activation, dropped.activation));
        assert!(!differ(
            plain.temporal_activation,
            dropped.temporal_activation
        ));
    }
}
