use std::path::Path;

use burn::tensor::Device;
use ulmfit_data::{Direction, Document, DocumentBatches, Tokenizer, Vocab, encode_documents};
use ulmfit_model::PackedClassifier;

use crate::direction::directed;
use crate::error::TrainError;
use crate::model_file::{ModelFile, TrainedClassifier};
use crate::target::{Standardization, Target};

/// Classifies texts with one classifier, or with several whose probabilities are averaged (Howard
/// and Ruder 2018, section 4.1: a forward and a backward one). Where the [`Target`] is a number, it is
/// the numbers that are averaged.
#[derive(Clone, Debug)]
pub struct Predictor {
    members: Vec<Member>,
    /// The classes' names.
    labels: Vec<String>,
    target: Target,
}

/// A classifier, its weights packed for inference.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    tokenizer: Tokenizer,
    vocab: Vocab,
    direction: Direction,
    temperature: f32,
    standardization: Standardization,
    model: PackedClassifier,
}

/// A member's scores of documents, `[documents, outputs]`, and what it takes to read them.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    pub(crate) scores: Vec<Vec<f32>>,
    pub(crate) temperature: f32,
    pub(crate) standardization: Standardization,
}

/// What a [`Predictor`] makes of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The most probable class, as an index of [`Predictor::labels`].
    pub class: usize,
    /// The probability of each class, in the order of [`Predictor::labels`]. They sum to 1 where the
    /// target is one class; where it is several labels, each is that of its label by itself.
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
    /// [`TrainError::Unusable`] when there are none, or their labels or their targets differ.
    pub fn new(members: Vec<TrainedClassifier>) -> Result<Self, TrainError> {
        if members.is_empty() || !TrainedClassifier::agree(&members) {
            return Err(TrainError::Unusable(
                "an ensemble is made of one or more classifiers with the same target and the same labels"
                    .to_owned(),
            ));
        }
        let labels = members[0].labels.clone();
        let target = members[0].target.clone();
        Ok(Self {
            members: members.into_iter().map(Member::from).collect(),
            labels,
            target,
        })
    }

    /// The classes' names, in the order of the probabilities; none where the target is a number.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What the answers are: [`predict`](Self::predict)ions, of which several labels a text are those
    /// [`at_least`](Prediction::at_least) as probable as a threshold, or
    /// [numbers](Self::predict_numbers).
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Classifies texts; the answers are in the order of the texts, and each depends on its own
    /// text alone. Where the target is a number, there are no classes and no probabilities:
    /// [`predict_numbers`](Self::predict_numbers) answers.
    pub fn predict<T: AsRef<str>>(&self, texts: &[T]) -> Vec<Prediction> {
        let documents = texts
            .iter()
            .map(|text| Document::new(text.as_ref()))
            .collect::<Vec<_>>();
        self.predict_documents(&documents)
    }

    /// Like [`predict`](Self::predict), for documents of several fields.
    pub fn predict_documents(&self, documents: &[Document]) -> Vec<Prediction> {
        if self.target == Target::Regression {
            let none = Prediction {
                class: 0,
                probabilities: Vec::new(),
            };
            return vec![none; documents.len()];
        }
        averaged(&self.target, &self.scored(documents))
    }

    /// The number of each document, in the unit of those that were learned, in the order of the
    /// documents.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unusable`] when the target is not a number.
    pub fn predict_numbers(&self, documents: &[Document]) -> Result<Vec<f64>, TrainError> {
        if self.target == Target::Regression {
            return Ok(averaged_numbers(&self.scored(documents)));
        }
        Err(TrainError::Unusable(
            "the model answers with labels and not with numbers".to_owned(),
        ))
    }

    fn scored(&self, documents: &[Document]) -> Vec<Scored> {
        let members = self.members.iter();
        members.map(|member| member.scored(documents)).collect()
    }
}

impl From<TrainedClassifier> for Member {
    fn from(trained: TrainedClassifier) -> Self {
        Self {
            tokenizer: trained.tokenizer,
            vocab: trained.vocab,
            direction: trained.direction,
            temperature: trained.temperature,
            standardization: trained.standardization,
            model: trained.model.pack(trained.precision),
        }
    }
}

impl Member {
    /// Documents that are read side by side; it bounds the memory and changes no answer.
    const BATCH_SIZE: usize = 32;

    pub(crate) fn scored(&self, documents: &[Document]) -> Scored {
        Scored {
            scores: self.scores(documents),
            temperature: self.temperature,
            standardization: self.standardization,
        }
    }

    /// The score of each class for each document, before any softmax.
    fn scores(&self, documents: &[Document]) -> Vec<Vec<f32>> {
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

/// The mean of the members' numbers for each document.
pub(crate) fn averaged_numbers(members: &[Scored]) -> Vec<f64> {
    let n_documents = members.first().map_or(0, |scored| scored.scores.len());
    let of_document = |index: usize| {
        let numbers = members.iter().map(|scored| {
            let output = f64::from(scored.scores[index][0]);
            scored.standardization.undo(output)
        });
        numbers.sum::<f64>() / members.len() as f64
    };
    (0..n_documents).map(of_document).collect()
}

/// The mean of the members' probabilities for each document.
pub(crate) fn averaged(target: &Target, members: &[Scored]) -> Vec<Prediction> {
    let n_documents = members.first().map_or(0, |scored| scored.scores.len());
    let of_document = |index: usize| {
        let mut sums = Vec::new();
        for scored in members {
            let (scores, temperature) = (&scored.scores[index], scored.temperature);
            let probabilities = match target {
                Target::SingleLabel | Target::Regression => softmax(scores, temperature),
                Target::MultiLabel { .. } => sigmoid(scores, temperature),
            };
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

/// The probability of each score by itself, divided by the temperature.
fn sigmoid(scores: &[f32], temperature: f32) -> Vec<f32> {
    let probability = |score: &f32| 1.0 / (1.0 + (-score / temperature).exp());
    scores.iter().map(probability).collect()
}

impl Prediction {
    /// The probability from which a label is an answer, where nothing else is asked for.
    pub const THRESHOLD: f32 = 0.5;

    /// The classes whose probability is at least the threshold, as rising indices of
    /// [`Predictor::labels`]: the answer where the target is several labels.
    pub fn at_least(&self, threshold: f32) -> Vec<usize> {
        let classes = 0..self.probabilities.len();
        classes
            .filter(|&class| self.probabilities[class] >= threshold)
            .collect()
    }

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
