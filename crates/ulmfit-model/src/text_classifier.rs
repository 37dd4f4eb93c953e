use burn::config::Config;
use burn::module::{Module, ParamGroup};
use burn::tensor::{Device, Tensor};

use crate::awd_lstm::{AwdLstm, AwdLstmConfig};
use crate::batch_norm::BatchStatistics;
use crate::chunk_plan::ChunkPlan;
use crate::classifier_head::{ClassifierHead, ClassifierHeadConfig};
use crate::concat_pooling::ConcatPooling;
use crate::document_reader::{Reader, WithDropout, classify, in_input_order};
use crate::dropout::DropoutRng;
use crate::error::ModelError;
use crate::init::InitRng;

/// Configuration to create a [`TextClassifier`] using the [init function](TextClassifierConfig::init).
#[derive(Config, Debug, PartialEq)]
pub struct TextClassifierConfig {
    /// The encoder.
    pub encoder: AwdLstmConfig,
    /// The number of classes.
    pub n_classes: usize,
    /// Features of the head's hidden layer; 50 in the paper, section 4.1.
    #[config(default = 50)]
    pub d_head: usize,
    /// Dropout before the head's last linear layer; 0.1 in fastai. The one before its first is
    /// the encoder's output dropout.
    #[config(default = 0.1)]
    pub head_dropout: f64,
    /// The longest chunk that is read at once, in tokens; 70 in the paper's scripts.
    #[config(default = 70)]
    pub bptt: usize,
    /// How many of a document's last tokens are pooled and trained through; all of it is read.
    /// 1400, twenty chunks, in the paper's scripts; `None` pools whole documents.
    #[config(default = "Some(1400)")]
    pub max_len: Option<usize>,
}

/// A text classifier: an [`AwdLstm`] read chunk by chunk, [`ConcatPooling`] and a
/// [`ClassifierHead`] (Howard and Ruder 2018, section 3.3).
///
/// Documents of any length are read whole (BPTT for text classification, BPT3C): chunks of `bptt`
/// tokens, the state carried from one to the next and detached between them. Gradients flow
/// through the chunks that are pooled; what comes before is read without a graph, so the memory of
/// a training step is bounded by `max_len` and that of a prediction by `bptt`.
#[derive(Module, Debug)]
pub struct TextClassifier {
    /// The encoder.
    pub encoder: AwdLstm,
    /// The head.
    pub head: ClassifierHead,
    /// The longest chunk that is read at once, in tokens.
    pub bptt: usize,
    /// How many of a document's last tokens are pooled and trained through.
    #[module(skip)]
    pub max_len: Option<usize>,
}

/// What [`TextClassifier::forward_train`] returns.
#[derive(Clone, Debug)]
pub struct ClassifierOutput {
    /// Scores of the classes before the softmax, `[documents, classes]`, in input order.
    pub logits: Tensor<2>,
    /// The head's running statistics after this batch, for
    /// [`with_statistics`](TextClassifier::with_statistics).
    pub statistics: Vec<BatchStatistics>,
    /// The encoder's outputs that were pooled, chunk by chunk, each `[seq_len, batch_size,
    /// d_embedding]`; positions that do not count are included.
    pub pooled: Vec<Tensor<3>>,
}

impl TextClassifierConfig {
    /// The largest number of classes that is taken for meant.
    const MOST_CLASSES: usize = 1_000_000;

    /// Checks sizes and probabilities.
    ///
    /// # Errors
    ///
    /// [`ModelError::Config`] names the field and what it may be.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.encoder.validate()?;
        let refuse = |message: String| Err(ModelError::Config(message));
        if self.n_classes == 0 || self.n_classes > Self::MOST_CLASSES {
            return refuse(format!(
                "n_classes is {}, which is not from 1 to {}",
                self.n_classes,
                Self::MOST_CLASSES
            ));
        }
        if self.d_head == 0 || self.d_head > 65_536 {
            return refuse(format!(
                "d_head is {}, which is not from 1 to 65536",
                self.d_head
            ));
        }
        if !(0.0..1.0).contains(&self.head_dropout) {
            return refuse(format!(
                "head_dropout is {}, not in [0, 1)",
                self.head_dropout
            ));
        }
        if self.bptt == 0 || self.bptt > 65_536 {
            return refuse(format!(
                "bptt is {}, which is not from 1 to 65536",
                self.bptt
            ));
        }
        match self.max_len {
            Some(max_len) if max_len < self.bptt => refuse(format!(
                "max_len is {max_len}, shorter than a chunk of bptt = {} tokens",
                self.bptt
            )),
            _ => Ok(()),
        }
    }

    /// The name and shape of every weight, known before any is allocated.
    pub fn weight_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let mut shapes = self.encoder.weight_shapes("encoder");
        let sizes = [3 * self.encoder.d_embedding, self.d_head, self.n_classes];
        for (index, pair) in sizes.windows(2).enumerate() {
            let block = format!("head.blocks.{index}");
            for name in ["gamma", "beta", "running_mean", "running_var"] {
                shapes.push((format!("{block}.norm.{name}"), vec![pair[0]]));
            }
            shapes.push((format!("{block}.weight"), vec![pair[1], pair[0]]));
            shapes.push((format!("{block}.bias"), vec![pair[1]]));
        }
        shapes
    }

    /// A classifier with a new encoder and a new head; give it a language model's encoder with
    /// [`TextClassifier::with_encoder`].
    ///
    /// # Panics
    ///
    /// Panics if [`validate`](Self::validate) fails.
    pub fn init(&self, rng: &mut InitRng, device: &Device) -> TextClassifier {
        self.validate().expect("the configuration was validated");
        let head = ClassifierHeadConfig::new(
            vec![3 * self.encoder.d_embedding, self.d_head, self.n_classes],
            vec![self.encoder.dropout.output, self.head_dropout],
        );
        TextClassifier {
            encoder: self.encoder.init(rng, device),
            head: head.init(rng, device),
            bptt: self.bptt,
            max_len: self.max_len,
        }
    }
}

impl TextClassifier {
    /// The same head on another encoder, under this classifier's dropout: the hand-over from a
    /// fine-tuned language model.
    #[must_use]
    pub fn with_encoder(mut self, encoder: AwdLstm, config: &TextClassifierConfig) -> Self {
        self.encoder = encoder.with_dropout(&config.encoder.dropout);
        self
    }

    /// The same classifier with other running statistics in its head, one for each block.
    ///
    /// # Panics
    ///
    /// Panics if there is not one for each block.
    #[must_use]
    pub fn with_statistics(mut self, statistics: Vec<BatchStatistics>) -> Self {
        self.head = self.head.with_statistics(statistics);
        self
    }

    /// Scores of the classes before the softmax, `[documents, classes]`, in input order.
    ///
    /// A document's scores depend on that document alone, up to the rounding of the products. An
    /// empty document is read as the one word of id 0: an unknown one, where the vocabulary begins
    /// with `xxunk`.
    ///
    /// # Panics
    ///
    /// Panics if there are no documents, or on an id that is not below the vocabulary's size.
    pub fn forward(&self, documents: &[&[u32]]) -> Tensor<2> {
        let encoder = WithDropout {
            encoder: &self.encoder,
            dropout: None,
        };
        classify(documents, &self.plan(documents), encoder, &self.head)
    }

    /// Like [`forward`](Self::forward), under dropout, with the head's batch statistics, and with
    /// gradients through the pooled chunks.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_train(
        &self,
        documents: &[&[u32]],
        dropout: &mut DropoutRng,
    ) -> ClassifierOutput {
        let plan = self.plan(documents);
        let without_graph = self.encoder.valid();
        let mut reader = Reader::new(documents, &plan.order);
        let mut pooling = ConcatPooling::new();
        let mut pooled = Vec::new();
        for chunk in &plan.chunks {
            let is_pooled = chunk.is_pooled();
            let mut encoder = WithDropout {
                encoder: if is_pooled {
                    &self.encoder
                } else {
                    &without_graph
                },
                dropout: Some(&mut *dropout),
            };
            let output = reader.read(chunk, &mut encoder);
            if is_pooled {
                pooled.push(output.clone());
                pooling.add(output, &chunk.pooled);
            }
        }
        let (logits, statistics) = self.head.forward_train(pooling.finish(), dropout);
        ClassifierOutput {
            logits: in_input_order(logits, &plan.order),
            statistics,
            pooled,
        }
    }

    /// The layer groups, bottom to top, as fastai splits a classifier: the embedding, one for each
    /// LSTM layer, the head.
    pub fn layer_groups(&self) -> Vec<ParamGroup> {
        let (embedding, layers) = self.encoder.parameter_groups();
        let head = ParamGroup::from_ids(self.head.parameter_ids());
        std::iter::once(embedding)
            .chain(layers)
            .chain(std::iter::once(head))
            .collect()
    }

    fn plan(&self, documents: &[&[u32]]) -> ChunkPlan {
        ChunkPlan::of_documents(documents, self.bptt, self.max_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_before_the_window_is_read_under_checkpointing_too() {
        let encoder = AwdLstmConfig::new(9)
            .with_d_embedding(2)
            .with_d_hidden(3)
            .with_n_layers(1);
        let config = TextClassifierConfig::new(encoder, 2)
            .with_bptt(2)
            .with_max_len(Some(2));
        let device = Device::flex().autodiff().gradient_checkpointing();
        let model = config.init(&mut InitRng::new(1), &device);
        let documents: [&[u32]; 2] = [&[1, 2, 3, 4, 5], &[6, 7]];
        let output = model.forward_train(&documents, &mut DropoutRng::new(0, 0));
        // autodiff refuses operands of two strategies.
        let gradients = output.logits.slice([0..2, 0..1]).sum().backward();
        assert!(model.encoder.embedding.val().grad(&gradients).is_some());
    }
}
