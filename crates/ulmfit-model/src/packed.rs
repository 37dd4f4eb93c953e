//! Models with packed weights, for inference.

use burn::module::Module as _;
use burn::tensor::{Device, Int, Tensor};
use ulmfit_kernels::{LstmOutput, LstmWeights, PackedLstm, Precision, lstm_packed, pack_lstm};

use crate::awd_lstm::{AwdLstm, AwdLstmOutput};
use crate::awd_lstm_state::AwdLstmState;
use crate::chunk_plan::ChunkPlan;
use crate::classifier_head::ClassifierHead;
use crate::document_reader::{Encode, classify};
use crate::lstm::LstmState;
use crate::text_classifier::TextClassifier;

/// An [`AwdLstm`] whose weights were put in the order in which inference reads them, as floats or in
/// eight bits. It has no dropout and no gradients.
#[derive(Clone, Debug)]
pub struct PackedAwdLstm {
    /// `[vocab_size, d_embedding]`.
    embedding: Tensor<2>,
    /// Bottom to top.
    layers: Vec<PackedLstm>,
}

/// A [`TextClassifier`] for inference; see [`TextClassifier::pack`].
#[derive(Clone, Debug)]
pub struct PackedClassifier {
    encoder: PackedAwdLstm,
    head: ClassifierHead,
    bptt: usize,
    max_len: Option<usize>,
}

impl AwdLstm {
    /// The same encoder for inference. In eight bits, the weights of the layers are rounded, and
    /// those of the embedding are not: few of them are read.
    pub fn pack(&self, precision: Precision) -> PackedAwdLstm {
        let layers = self.layers.iter().map(|layer| {
            let weights = LstmWeights {
                ih: layer.weight_ih.val(),
                hh: layer.weight_hh.val(),
                hh_mask: None,
                bias: layer.bias.val(),
            };
            pack_lstm(weights, precision)
        });
        PackedAwdLstm {
            embedding: self.embedding.val().inner(),
            layers: layers.collect(),
        }
    }
}

impl PackedAwdLstm {
    /// Encodes a chunk of text, continuing from `state`.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, seq_len]`, each id below the vocabulary's size
    /// - output: `[seq_len, batch_size, d_embedding]`
    ///
    /// # Panics
    ///
    /// Panics if there is not one state for each layer.
    pub fn forward(&self, tokens: Tensor<2, Int>, state: AwdLstmState) -> AwdLstmOutput {
        assert_eq!(
            state.layers.len(),
            self.layers.len(),
            "one state for each layer"
        );
        let [batch_size, seq_len] = tokens.dims();
        let [_, d_embedding] = self.embedding.dims();
        let tokens = tokens.transpose().reshape([seq_len * batch_size]); // time-major
        let embedded = self.embedding.clone().select(0, tokens); // [tokens, d_embedding]
        let mut output = embedded.reshape([seq_len, batch_size, d_embedding]);
        let mut next = Vec::with_capacity(self.layers.len());
        for (layer, LstmState { hidden, cell }) in self.layers.iter().zip(state.layers) {
            let LstmOutput { output: run, cell } = lstm_packed(output, hidden, cell, layer);
            output = run; // [seq_len, batch_size, d_hidden of this layer]
            let hidden = output.clone().narrow(0, seq_len - 1, 1).squeeze_dim(0);
            next.push(LstmState { hidden, cell });
        }
        AwdLstmOutput {
            output,
            state: AwdLstmState { layers: next },
        }
    }

    /// The state before any text: zeros, for `batch_size` rows.
    pub fn zeros(&self, batch_size: usize) -> AwdLstmState {
        let sizes = self.layers.iter().map(PackedLstm::d_hidden);
        AwdLstmState::of_sizes(sizes, batch_size, &self.embedding.device())
    }
}

impl Encode for &PackedAwdLstm {
    fn device(&self) -> Device {
        self.embedding.device()
    }

    fn zeros(&self, batch_size: usize) -> AwdLstmState {
        PackedAwdLstm::zeros(self, batch_size)
    }

    fn encode(&mut self, tokens: Tensor<2, Int>, state: AwdLstmState) -> AwdLstmOutput {
        self.forward(tokens, state)
    }
}

impl TextClassifier {
    /// The same classifier for inference: its layers' weights put in order once, as floats or in
    /// eight bits. Answers are the same up to the rounding of floats; in eight bits, nearly.
    pub fn pack(&self, precision: Precision) -> PackedClassifier {
        PackedClassifier {
            encoder: self.encoder.pack(precision),
            head: self.head.valid(),
            bptt: self.bptt,
            max_len: self.max_len,
        }
    }
}

impl PackedClassifier {
    /// Scores of the classes before the softmax, `[documents, classes]`, in input order; see
    /// [`TextClassifier::forward`].
    ///
    /// # Panics
    ///
    /// Panics if there are no documents, or on an id that is not below the vocabulary's size.
    pub fn forward(&self, documents: &[&[u32]]) -> Tensor<2> {
        let plan = ChunkPlan::of_documents(documents, self.bptt, self.max_len);
        classify(documents, &plan, &self.encoder, &self.head)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;
    use crate::{AwdLstmConfig, InitRng, TextClassifierConfig};

    fn classifier() -> TextClassifier {
        let encoder = AwdLstmConfig::new(23)
            .with_d_embedding(7)
            .with_d_hidden(21)
            .with_n_layers(3);
        let config = TextClassifierConfig::new(encoder, 3)
            .with_bptt(4)
            .with_max_len(Some(8));
        config.init(&mut InitRng::new(1), &Device::flex())
    }

    fn documents() -> Vec<Vec<u32>> {
        let lengths = [0, 1, 4, 5, 13, 40];
        let document = |len: u32| (0..len).map(|index| (index * 7 + len) % 23).collect();
        lengths.into_iter().map(document).collect()
    }

    #[test]
    fn packed_floats_answer_as_the_classifier_does() {
        let (classifier, documents) = (classifier(), documents());
        let documents = documents.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let expected = classifier.forward(&documents).into_data();
        let packed = classifier.pack(Precision::Float32).forward(&documents);
        packed
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
        let rounded = classifier.pack(Precision::Int8).forward(&documents);
        rounded
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::absolute(0.02));
    }

    #[test]
    fn packed_answers_do_not_depend_on_the_other_documents() {
        let documents = documents();
        let documents = documents.iter().map(Vec::as_slice).collect::<Vec<_>>();
        for precision in [Precision::Float32, Precision::Int8] {
            let packed = classifier().pack(precision);
            let together = packed.forward(&documents);
            for (index, document) in documents.iter().enumerate() {
                let alone = packed.forward(&[document]).into_data();
                let row = together.clone().narrow(0, index, 1).into_data();
                row.assert_approx_eq::<f32>(&alone, Tolerance::absolute(1e-5));
            }
        }
    }
}
