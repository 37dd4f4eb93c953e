use std::path::Path;

use burn::tensor::Device;
use burn::tensor::activation::softmax;
use ulmfit_data::{Direction, Document, DocumentBatches, Tokenizer, Vocab, encode_documents};
use ulmfit_model::PackedClassifier;

use crate::direction::directed;
use crate::error::TrainError;
use crate::model_file::{ModelFile, TrainedClassifier};

/// Classifies texts with one classifier, or with several whose probabilities are averaged (Howard
/// and Ruder 2018, section 4.1: a forward and a backward one).
#[derive(Clone, Debug)]
pub struct Predictor {
    members: Vec<Member>,
    /// The classes' names.
    labels: Vec<String>,
    batch_size: usize,
}

/// A classifier, its weights packed for inference.
#[derive(Clone, Debug)]
struct Member {
    tokenizer: Tokenizer,
    vocab: Vocab,
    direction: Direction,
    temperature: f32,
    model: PackedClassifier,
}

/// What a [`Predictor`] makes of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The most probable class, as an index of [`Predictor::labels`].
    pub class: usize,
    /// The probability of each class, in the order of [`Predictor::labels`].
    pub probabilities: Vec<f32>,
}

impl Predictor {
    /// Documents that are read side by side; it bounds the memory and changes no answer.
    const BATCH_SIZE: usize = 32;

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::open_classifiers`].
    pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Self, TrainError> {
        Self::new(ModelFile::open_classifiers(path.as_ref(), device)?)
    }

    /// Averages the given classifiers.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unusable`] when there are none, or their labels differ.
    pub fn new(members: Vec<TrainedClassifier>) -> Result<Self, TrainError> {
        let same = members
            .windows(2)
            .all(|pair| pair[0].labels == pair[1].labels);
        if members.is_empty() || !same {
            return Err(TrainError::Unusable(
                "an ensemble is made of one or more classifiers with the same labels".to_owned(),
            ));
        }
        let labels = members[0].labels.clone();
        let members = members.into_iter().map(|member| Member {
            tokenizer: member.tokenizer,
            vocab: member.vocab,
            direction: member.direction,
            temperature: member.temperature,
            model: member.model.pack(member.precision),
        });
        Ok(Self {
            members: members.collect(),
            labels,
            batch_size: Self::BATCH_SIZE,
        })
    }

    /// The classes' names, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Classifies texts; the answers are in the order of the texts, and each depends on its own
    /// text alone.
    pub fn predict<T: AsRef<str>>(&self, texts: &[T]) -> Vec<Prediction> {
        let documents = texts
            .iter()
            .map(|text| Document::new(text.as_ref()))
            .collect::<Vec<_>>();
        self.predict_documents(&documents)
    }

    /// Like [`predict`](Self::predict), for documents of several fields.
    pub fn predict_documents(&self, documents: &[Document]) -> Vec<Prediction> {
        let n_classes = self.labels().len();
        let mut sums = vec![vec![0.0; n_classes]; documents.len()];
        for member in &self.members {
            let corpus = encode_documents(&member.tokenizer, &member.vocab, documents);
            let corpus = directed(corpus, member.direction);
            let batches = DocumentBatches::new(corpus.lengths(), self.batch_size)
                .expect("the batch size is not zero");
            for batch in batches.evaluation() {
                let ids = batch.indices.iter().map(|&index| corpus.document(index));
                let rows =
                    probabilities(&member.model, &ids.collect::<Vec<_>>(), member.temperature);
                for (&index, row) in batch.indices.iter().zip(rows.chunks_exact(n_classes)) {
                    for (sum, probability) in sums[index].iter_mut().zip(row) {
                        *sum += probability;
                    }
                }
            }
        }
        sums.into_iter()
            .map(|sum| Prediction::mean(sum, self.members.len()))
            .collect()
    }
}

/// The probability of each class for documents that are read side by side, row-major `[documents,
/// classes]`.
pub(crate) fn probabilities(
    model: &PackedClassifier,
    documents: &[&[u32]],
    temperature: f32,
) -> Vec<f32> {
    let rows = softmax(model.forward(documents) / temperature, 1).into_data_as::<f32>();
    rows.try_to_vec::<f32>().expect("converted to f32")
}

impl Prediction {
    fn mean(mut sums: Vec<f32>, members: usize) -> Self {
        for sum in &mut sums {
            *sum /= members as f32;
        }
        let class =
            (0..sums.len()).reduce(|best, next| if sums[next] > sums[best] { next } else { best });
        Self {
            class: class.unwrap_or(0),
            probabilities: sums,
        }
    }
}
