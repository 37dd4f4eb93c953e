//! What a classifier's outputs are compared with, and how: a loss for each target.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::recipe::ClassWeights;
use crate::target::Standardization;
use crate::truth::Truth;

/// The answers that outputs are compared with, and what each counts.
pub(super) enum Objective {
    Classes {
        classes: Vec<usize>,
        /// Of each class.
        weights: Vec<f32>,
    },
    LabelSets {
        sets: Vec<Vec<usize>>,
        /// Of each label, where a document has it.
        positive_weights: Vec<f32>,
    },
    /// Standardized.
    Numbers(Vec<f32>),
}

impl Objective {
    pub(super) fn new(
        truth: Truth,
        n_labels: usize,
        weights: ClassWeights,
        standardization: &Standardization,
    ) -> Self {
        let counts = truth.counts(n_labels);
        match truth {
            Truth::Classes(classes) => Self::Classes {
                weights: weights.of(&counts),
                classes,
            },
            Truth::LabelSets(sets) => Self::LabelSets {
                positive_weights: weights.of_positives(&counts, sets.len()),
                sets,
            },
            Truth::Numbers(numbers) => Self::Numbers(
                numbers
                    .into_iter()
                    .map(|number| standardization.apply(number) as f32)
                    .collect(),
            ),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Classes { classes, .. } => classes.is_empty(),
            Self::LabelSets { sets, .. } => sets.is_empty(),
            Self::Numbers(numbers) => numbers.is_empty(),
        }
    }

    /// The mean loss of the documents at these places, `[1]`; `outputs` is `[documents, labels]`, or
    /// `[documents, 1]` for numbers.
    pub(super) fn loss(&self, outputs: Tensor<2>, places: &[usize]) -> Tensor<1> {
        let device = outputs.device();
        match self {
            Self::Classes { classes, weights } => {
                let classes = places.iter().map(|&place| classes[place]);
                cross_entropy(outputs, classes, weights, &device)
            }
            Self::LabelSets {
                sets,
                positive_weights,
            } => {
                let sets: Vec<&[usize]> = places.iter().map(|&at| sets[at].as_slice()).collect();
                binary_cross_entropy(outputs, &sets, positive_weights)
            }
            Self::Numbers(numbers) => {
                let numbers: Vec<f32> = places.iter().map(|&place| numbers[place]).collect();
                let shape = [numbers.len(), 1];
                let numbers = Tensor::<2>::from_data(TensorData::new(numbers, shape), &device);
                (outputs - numbers).square().mean()
            }
        }
    }

    /// How many of the documents at these places are answered right, of several labels with all of
    /// them; `None` for numbers, which are never just right.
    pub(super) fn n_right(&self, outputs: Tensor<2>, places: &[usize]) -> Option<usize> {
        match self {
            Self::Classes { classes, .. } => {
                let predicted = outputs.argmax(1).into_data_as::<i64>().try_to_vec::<i64>();
                let predicted = predicted.expect("converted to i64");
                let pairs = predicted.iter().zip(places);
                Some(
                    pairs
                        .filter(|(predicted, place)| **predicted == classes[**place] as i64)
                        .count(),
                )
            }
            Self::LabelSets { sets, .. } => {
                let [_, n_labels] = outputs.dims();
                let outputs = outputs.into_data_as::<f32>().try_to_vec::<f32>();
                let outputs = outputs.expect("converted to f32");
                let rows = outputs.chunks_exact(n_labels).zip(places);
                let is_right = |(row, place): &(&[f32], &usize)| {
                    // A probability of a half or more is a score of 0 or more.
                    let has = (0..n_labels).filter(|&label| row[label] >= 0.0);
                    has.eq(sets[**place].iter().copied())
                };
                Some(rows.filter(is_right).count())
            }
            Self::Numbers(_) => None,
        }
    }
}

/// Mean negative log-likelihood of the labels, each by the weight of its class, `[1]`; `logits` is
/// `[documents, classes]`.
fn cross_entropy(
    logits: Tensor<2>,
    labels: impl ExactSizeIterator<Item = usize> + Clone,
    weights: &[f32],
    device: &Device,
) -> Tensor<1> {
    let count = labels.len();
    let places = labels.clone().map(|label| label as i64).collect::<Vec<_>>();
    let places = Tensor::<2, Int>::from_data(TensorData::new(places, [count, 1]), device);
    let likelihoods = log_softmax(logits, 1).gather(1, places); // [documents, 1]
    if weights
        .iter()
        .all(|weight| weight.to_bits() == 1.0_f32.to_bits())
    {
        return likelihoods.mean().neg();
    }
    let weights = labels.map(|label| weights[label]).collect::<Vec<_>>();
    let sum: f32 = weights.iter().sum();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), device);
    (likelihoods * weights).sum().neg() / sum
}

/// Binary cross-entropy, the mean over documents and labels, `[1]`; `logits` is `[documents, labels]`.
/// For a logit `z`, the truth `y`, 0 or 1, and the label's positive weight `p` it is
/// `-p y ln σ(z) - (1 - y) ln σ(-z)`, as `BCEWithLogitsLoss` of `PyTorch` has it with `pos_weight`. The
/// logarithm of the sigmoid is taken in one, so that no logit is too large for it.
fn binary_cross_entropy(
    logits: Tensor<2>,
    sets: &[&[usize]],
    positive_weights: &[f32],
) -> Tensor<1> {
    let [n_documents, n_labels] = logits.dims();
    let mut positive = vec![0.0_f32; n_documents * n_labels];
    let mut negative = vec![1.0_f32; n_documents * n_labels];
    for (document, set) in sets.iter().enumerate() {
        for &label in *set {
            positive[document * n_labels + label] = positive_weights[label];
            negative[document * n_labels + label] = 0.0;
        }
    }
    let device = logits.device();
    let [positive, negative] = [positive, negative].map(|factors| {
        Tensor::<2>::from_data(TensorData::new(factors, [n_documents, n_labels]), &device)
    }); // each [documents, labels]
    let has = log_sigmoid(logits.clone()) * positive;
    let has_not = log_sigmoid(logits.neg()) * negative;
    (has + has_not).mean().neg()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    const SETS: [&[usize]; 3] = [&[0, 2], &[], &[1]];
    const LOGITS: [f32; 9] = [0.3, -1.2, 0.0, 2.0, -0.5, 0.1, -3.0, 4.0, 1.0];

    /// The formula in its plain form, in f64.
    fn by_hand(logits: &[f64], sets: &[&[usize]], weights: &[f32]) -> f64 {
        let n_labels = weights.len();
        let terms = logits.iter().enumerate().map(|(index, logit)| {
            let label = index % n_labels;
            let probability = 1.0 / (1.0 + (-logit).exp());
            if sets[index / n_labels].contains(&label) {
                -f64::from(weights[label]) * probability.ln()
            } else {
                -(1.0 - probability).ln()
            }
        });
        terms.sum::<f64>() / logits.len() as f64
    }

    fn tensor(logits: &[f32], device: &Device) -> Tensor<2> {
        let shape = [logits.len() / 3, 3];
        Tensor::from_data(TensorData::new(logits.to_vec(), shape), device)
    }

    #[test]
    fn binary_cross_entropy_and_its_slope_are_those_of_the_formula() {
        let device = Device::flex().autodiff();
        for weights in [[1.0; 3], [3.0, 0.5, 2.0]] {
            let logits = tensor(&LOGITS, &device).require_grad();
            let loss = binary_cross_entropy(logits.clone(), &SETS, &weights);
            let gradients = loss.backward();
            let exact = LOGITS.map(f64::from);
            let expected = by_hand(&exact, &SETS, &weights);
            let loss: f32 = loss.into_scalar();
            assert!(
                (f64::from(loss) - expected).abs() < 1e-6,
                "{loss} {expected}"
            );
            let gradient = logits.grad(&gradients).unwrap().into_data_as::<f32>();
            let gradient = gradient.try_to_vec::<f32>().unwrap();
            for (index, slope) in gradient.into_iter().enumerate() {
                let at = |offset: f64| {
                    let mut moved = exact;
                    moved[index] += offset;
                    by_hand(&moved, &SETS, &weights)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (f64::from(slope) - expected).abs() < 1e-6,
                    "{index}: {slope} {expected}"
                );
            }
        }
    }

    #[test]
    fn no_logit_is_too_large_for_the_loss() {
        let device = Device::flex();
        let logits = [1e4, -1e4, 1e4, -1e4, -1e4, -1e4, -1e4, 1e4, -1e4];
        let right = binary_cross_entropy(tensor(&logits, &device), &SETS, &[1.0; 3]);
        assert!(right.into_scalar::<f32>().abs() < 1e-6);
        let wrong = binary_cross_entropy(tensor(&logits, &device).neg(), &SETS, &[1.0; 3]);
        assert!((wrong.into_scalar::<f32>() - 1e4).abs() < 1.0);
    }

    #[test]
    fn all_labels_of_a_document_are_to_be_right() {
        let sets = SETS.map(<[usize]>::to_vec).to_vec();
        let none = Standardization::default();
        let objective = Objective::new(Truth::LabelSets(sets), 3, ClassWeights::None, &none);
        let logits = tensor(
            &[0.1, -1.0, 0.0, -1.0, -1.0, -1.0, 1.0, 1.0, -1.0],
            &Device::flex(),
        );
        assert_eq!(objective.n_right(logits, &[0, 1, 2]), Some(2));
    }

    #[test]
    fn squared_errors_are_of_standardized_numbers() {
        let standardization = Standardization {
            mean: 10.0,
            standard_deviation: 2.0,
        };
        let truth = Truth::Numbers(vec![8.0, 10.0, 14.0]);
        let objective = Objective::new(truth, 0, ClassWeights::None, &standardization);
        let outputs = Tensor::<2>::from_data([[0.0], [2.0]], &Device::flex());
        // Against 0 and 2: a step of 0 and of none.
        let loss: f32 = objective.loss(outputs, &[1, 2]).into_scalar();
        assert!(loss.abs() < 1e-6);
        let outputs = Tensor::<2>::from_data([[1.0], [2.0]], &Device::flex());
        let loss: f32 = objective.loss(outputs.clone(), &[0, 1]).into_scalar();
        assert!((loss - 4.0).abs() < 1e-6, "{loss}");
        assert_eq!(objective.n_right(outputs, &[0, 1]), None);
    }
}
