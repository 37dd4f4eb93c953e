//! What a classifier's outputs mean.

use serde::{Deserialize, Serialize};
use ulmfit_data::corpus::{LabelKind, is_label_list};

use crate::error::TrainError;
use crate::truth::Truth;

/// What a classifier answers with. The network is the same for all: an output a label, or one output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// One class a document: a softmax over the outputs, and cross-entropy.
    #[default]
    SingleLabel,
    /// Any number of labels a document, each by itself: a sigmoid of each output, and the mean of the
    /// labels' binary cross-entropies.
    #[doc(alias = "sigmoid")]
    MultiLabel {
        /// What stands between the names in a label that is no list.
        separator: Option<String>,
    },
    /// A number: one output, and its mean squared error in units of [`Standardization`].
    Regression,
}

impl Target {
    /// Several labels where any of the labels is a list, as JSON lines can have it, otherwise one.
    pub fn of_labels<'a>(labels: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        if labels.into_iter().flatten().any(is_label_list) {
            Self::MultiLabel { separator: None }
        } else {
            Self::SingleLabel
        }
    }

    /// How the labels of documents are to be read.
    pub fn label_kind(&self) -> LabelKind {
        match self {
            Self::MultiLabel {
                separator: Some(separator),
            } => LabelKind::Joined(separator.clone()),
            Self::SingleLabel | Self::MultiLabel { separator: None } => LabelKind::Name,
            Self::Regression => LabelKind::Number,
        }
    }

    /// How many outputs the network has for these labels.
    pub(crate) fn n_outputs(&self, labels: &[String]) -> usize {
        match self {
            Self::SingleLabel | Self::MultiLabel { .. } => labels.len(),
            Self::Regression => 1,
        }
    }

    pub(crate) fn is_single_label(&self) -> bool {
        *self == Self::SingleLabel
    }
}

/// How numbers become what a network learns, of mean 0 and standard deviation 1, and back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardization {
    /// The mean of the documents that were trained on.
    pub mean: f64,
    /// Their standard deviation.
    pub standard_deviation: f64,
}

/// Changes nothing.
impl Default for Standardization {
    fn default() -> Self {
        Self {
            mean: 0.0,
            standard_deviation: 1.0,
        }
    }
}

impl Standardization {
    /// That of the answers to train on, which are at the places `train`: of numbers theirs, of all others
    /// none.
    ///
    /// # Errors
    ///
    /// As [`Standardization::of`]; [`TrainError::Unusable`] when any number is so far from those to train on
    /// that its squared error is no number in single precision.
    pub(crate) fn of_truth(truth: &Truth, train: &[usize]) -> Result<Self, TrainError> {
        /// Standard deviations. The squares of a thousand million such numbers can be added.
        const FARTHEST: f64 = 1e14;
        let Truth::Numbers(numbers) = truth else {
            return Ok(Self::default());
        };
        let Truth::Numbers(to_train) = truth.select(train) else {
            unreachable!("a part of numbers is numbers")
        };
        let this = Self::of(&to_train)?;
        let is_far = |number: &&f64| this.apply(**number).abs() > FARTHEST;
        match numbers.iter().find(is_far) {
            Some(number) => Err(TrainError::Unusable(format!(
                "the number {number} is too far from those to train on, whose mean is {} and whose standard \
                 deviation is {}; correct it, or leave its document out",
                this.mean, this.standard_deviation
            ))),
            None => Ok(this),
        }
    }

    /// That of the numbers to train on.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unusable`] when they are all the same, or too large to be squared.
    pub(crate) fn of(numbers: &[f64]) -> Result<Self, TrainError> {
        let Some(first) = numbers.first() else {
            return Err(TrainError::Unusable(
                "there are no documents to train on".to_owned(),
            ));
        };
        if numbers.iter().all(|number| number.total_cmp(first).is_eq()) {
            return Err(TrainError::Unusable(format!(
                "every document to train on has the number {first}; regression needs numbers that differ"
            )));
        }
        let count = numbers.len() as f64;
        let mean = numbers.iter().map(|number| number / count).sum::<f64>();
        let squares = numbers.iter().map(|number| (number - mean).powi(2) / count);
        let standardization = Self {
            mean,
            standard_deviation: squares.sum::<f64>().sqrt(),
        };
        if standardization.is_usable() {
            return Ok(standardization);
        }
        Err(TrainError::Unusable(
            "the numbers of the documents are too large or too close together to be learned; write \
             them in another unit"
                .to_owned(),
        ))
    }

    /// Whether numbers can be undone by it.
    pub(crate) fn is_usable(&self) -> bool {
        let deviation = self.standard_deviation;
        self.mean.is_finite() && deviation.is_normal() && deviation > 0.0
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// A document's number as the network learns it.
    pub fn apply(&self, number: f64) -> f64 {
        (number - self.mean) / self.standard_deviation
    }

    /// The number that an output of the network stands for.
    pub fn undo(&self, output: f64) -> f64 {
        output * self.standard_deviation + self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_standardized_and_back() {
        let numbers = [1.0, 2.0, 3.0, 6.0];
        let standardization = Standardization::of(&numbers).unwrap();
        assert!((standardization.mean - 3.0).abs() < 1e-12);
        assert!((standardization.standard_deviation - 3.5_f64.sqrt()).abs() < 1e-12);
        for number in numbers {
            let back = standardization.undo(standardization.apply(number));
            assert!((back - number).abs() < 1e-12);
        }
    }

    #[test]
    fn numbers_that_teach_nothing_are_refused() {
        for (numbers, expected) in [
            (
                &[0.1; 7][..],
                "every document to train on has the number 0.1",
            ),
            (&[1e300, -1e300], "in another unit"),
            (&[], "no documents"),
        ] {
            let message = Standardization::of(numbers).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
