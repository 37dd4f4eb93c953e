//! Why a checkpoint is refused: a sentence, or a table of the tensors that are not as they should be.

use std::fmt;

use crate::error::ModelError;

/// A tensor of a checkpoint that is missing, of another shape or type, or too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Its name in the checkpoint.
    pub tensor: String,
    /// The shape that the others call for; `None` when nothing of the name is expected.
    pub expected: Option<Vec<usize>>,
    /// What is there: its shape, or its type where that is the matter; `None` when it is missing.
    pub found: Option<String>,
}

/// Tensors that do not fit, as a table: name, what is expected, what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfits(pub Vec<Misfit>);

/// Lines of the table that are shown.
const MOST_LINES: usize = 40;

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |misfit: &Misfit| {
            let expected = misfit.expected.as_ref();
            [
                misfit.tensor.escape_debug().take(100).collect(),
                expected.map_or_else(|| "nothing".to_owned(), |shape| format!("{shape:?}")),
                misfit.found.clone().unwrap_or_else(|| "missing".to_owned()),
            ]
        };
        let heading = ["tensor", "expected", "found"].map(str::to_owned);
        let rows = self.0.iter().take(MOST_LINES).map(row);
        let rows: Vec<[String; 3]> = std::iter::once(heading).chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let [name, expected] = [0, 1].map(|column| width(column).unwrap_or(0));
        for row in &rows {
            let [tensor, shape, found] = row;
            writeln!(f, "  {tensor:<name$}  {shape:<expected$}  {found}")?;
        }
        match self.0.len().checked_sub(MOST_LINES) {
            Some(more @ 1..) => write!(f, "  and {more} more"),
            _ => Ok(()),
        }
    }
}

/// Why a checkpoint is refused, within this module.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A sentence without a subject.
    Sentence(String),
    /// Of what kind of model the tensors are not, and which.
    Misfits(&'static str, Misfits),
    /// Sizes that no model has.
    Model(ModelError),
}

impl From<String> for Refusal {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<Refusal> for ModelError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Sentence(sentence) => Self::Checkpoint(sentence),
            Refusal::Misfits(model, misfits) => Self::Layout { model, misfits },
            Refusal::Model(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misfits_are_a_table() {
        let misfit = |tensor: &str, expected: Option<&[usize]>, found: Option<&str>| Misfit {
            tensor: tensor.to_owned(),
            expected: expected.map(<[usize]>::to_vec),
            found: found.map(str::to_owned),
        };
        let table = Misfits(vec![
            misfit("0.encoder.weight", Some(&[50, 12]), None),
            misfit("1.decoder.bias", Some(&[50]), Some("[51]")),
            misfit("extra", None, Some("[1]")),
        ]);
        assert_eq!(
            table.to_string(),
            "  tensor            expected  found\n  \
             0.encoder.weight  [50, 12]  missing\n  \
             1.decoder.bias    [50]      [51]\n  \
             extra             nothing   [1]\n"
        );
        let many = Misfits(vec![misfit("extra", None, Some("[1]")); 50]);
        assert!(many.to_string().ends_with("and 10 more"));
    }
}
