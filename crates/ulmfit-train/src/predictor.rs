use std::path::Path;

use burn::tensor::Device;
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
}

/// A classifier, its weights packed for inference.
#[derive(Clone, Debug)]
pub(crate) struct Member {
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
        Ok(Self {
            members: members.into_iter().map(Member::from).collect(),
            labels,
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
        let members = self.members.iter();
        let scored = members.map(|member| (member.scores(documents), member.temperature));
        averaged(&scored.collect::<Vec<_>>())
    }
}

impl From<TrainedClassifier> for Member {
    fn from(trained: TrainedClassifier) -> Self {
        Self {
            tokenizer: trained.tokenizer,
            vocab: trained.vocab,
            direction: trained.direction,
            temperature: trained.temperature,
            model: trained.model.pack(trained.precision),
        }
    }
}

impl Member {
    /// Documents that are read side by side; it bounds the memory and changes no answer.
    const BATCH_SIZE: usize = 32;

    /// The score of each class for each document, before any softmax.
    pub(crate) fn scores(&self, documents: &[Document]) -> Vec<Vec<f32>> {
        let corpus = encode_documents(&self.tokenizer, &self.vocab, documents);
        let corpus = directed(corpus, self.direction);
        let batches = DocumentBatches::new(corpus.lengths(), Self::BATCH_SIZE)
            .expect("the batch size is not zero");
        let mut all = vec![Vec::new(); documents.len()];
        for batch in batches.evaluation() {
            let ids = batch.indices.iter().map(|&index| corpus.document(index));
            let rows = scores(&self.model, &ids.collect::<Vec<_>>());
            let n_classes = rows.len() / batch.indices.len();
            for (&index, row) in batch.indices.iter().zip(rows.chunks_exact(n_classes)) {
                all[index] = row.to_vec();
            }
        }
        all
    }
}

/// The score of each class for documents that are read side by side, row-major `[documents,
/// classes]`.
pub(crate) fn scores(model: &PackedClassifier, documents: &[&[u32]]) -> Vec<f32> {
    let rows = model.forward(documents).into_data_as::<f32>();
    rows.try_to_vec::<f32>().expect("converted to f32")
}

/// The mean of the members' probabilities for each document; a member has its scores, `[documents,
/// classes]`, and its temperature.
pub(crate) fn averaged(members: &[(Vec<Vec<f32>>, f32)]) -> Vec<Prediction> {
    let n_documents = members.first().map_or(0, |(scores, _)| scores.len());
    let of_document = |index: usize| {
        let mut sums = Vec::new();
        for (scores, temperature) in members {
            let probabilities = softmax(&scores[index], *temperature);
            sums.resize(probabilities.len(), 0.0);
            for (sum, probability) in sums.iter_mut().zip(probabilities) {
                *sum += probability;
            }
        }
        Prediction::mean(sums, members.len())
    };
    (0..n_documents).map(of_document).collect()
}

/// Probabilities out of scores that are divided by the temperature (Guo et al. 2017, equation 6).
fn softmax(scores: &[f32], temperature: f32) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = scores
        .iter()
        .map(|score| ((score - most) / temperature).exp());
    let powers: Vec<f32> = powers.collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
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
