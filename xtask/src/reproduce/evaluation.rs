//! What `ulmfit evaluate` and `ulmfit baseline` are told, and what they report.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::reproduce::corpus::{Corpus, Draw};

/// How a classifier did on the test documents; shares are between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Evaluation {
    pub(crate) accuracy: f64,
    pub(crate) error_rate: f64,
    pub(crate) documents: u64,
    pub(crate) seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) macro_f1: Option<f64>,
    /// A row a true class, a column a predicted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confusion: Option<Vec<Vec<u64>>>,
}

impl Evaluation {
    /// The error of always answering the most frequent class of the test documents.
    pub(crate) fn error_of_most_frequent_class(&self) -> Option<f64> {
        let rows = self
            .confusion
            .as_ref()?
            .iter()
            .map(|row| row.iter().sum::<u64>());
        let largest = rows.max()?;
        (self.documents > 0).then(|| 1.0 - largest as f64 / self.documents as f64)
    }
}

/// The arguments of `ulmfit`, without `--json`, that measure a model on a draw of the test documents.
pub(crate) fn of_model(
    model: PathBuf,
    corpus: &Corpus,
    device: &str,
    test: Draw,
) -> anyhow::Result<Vec<OsString>> {
    let mut arguments = vec!["evaluate".into(), model.into()];
    arguments.extend(corpus.arguments(&["test".to_owned()])?);
    arguments.extend(["--device".into(), device.into()]);
    arguments.extend(test.arguments("--limit", "--seed"));
    Ok(arguments)
}

/// The same of TF-IDF with logistic regression, fitted to a draw of the training documents.
pub(crate) fn of_baseline(
    corpus: &Corpus,
    train: Draw,
    test: Draw,
) -> anyhow::Result<Vec<OsString>> {
    let mut arguments = vec!["baseline".into()];
    arguments.extend(corpus.arguments(&["train".to_owned()])?);
    arguments.push("--test".into());
    arguments.extend(corpus.paths(&["test".to_owned()])?);
    if corpus.has_split_option() {
        arguments.extend(["--test-split".into(), "test".into()]);
    }
    arguments.extend(train.arguments("--limit", "--seed"));
    arguments.extend(test.arguments("--test-limit", "--test-seed"));
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_share_of_the_other_classes() {
        let json = r#"{"accuracy": 0.7, "error_rate": 0.3, "macro_f1": 0.6, "documents": 10,
            "seconds": 1.5, "confusion": [[5, 1], [2, 2]], "per_class": []}"#;
        let evaluation: Evaluation = serde_json::from_str(json).expect("an evaluation");
        assert_eq!(evaluation.error_of_most_frequent_class(), Some(0.4));
    }
}
