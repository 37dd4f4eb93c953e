//! Answers as a stream: a JSON object or a row of CSV a document, in the order of the documents.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::ensure;
use serde::{Serialize, Serializer};
use serde_json::Value;
use ulmfit_data::Document;
use ulmfit_train::Prediction;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AnswerFormat {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated, with a header line
    Csv,
}

/// Writes answers.
pub(crate) struct AnswerWriter<'a> {
    pub(crate) labels: &'a [String],
    pub(crate) format: AnswerFormat,
    /// How many probabilities are told, the largest first; all by name where it is none.
    pub(crate) top_k: Option<usize>,
    /// Whether rows of CSV begin with an id: known from the first documents on.
    with_ids: Option<bool>,
    /// Answers before these.
    done: usize,
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    label: &'a str,
    probabilities: Probabilities<'a>,
}

/// Labels with their probabilities, in the order in which they are told.
struct Probabilities<'a>(Vec<(&'a str, f32)>);

impl Serialize for Probabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl<'a> AnswerWriter<'a> {
    pub(crate) fn new(labels: &'a [String], format: AnswerFormat, top_k: Option<usize>) -> Self {
        Self {
            labels,
            format,
            top_k,
            with_ids: None,
            done: 0,
        }
    }

    /// Writes the answers to some documents.
    pub(crate) fn write(
        &mut self,
        out: &mut impl Write,
        documents: &[Document],
        predictions: &[Prediction],
    ) -> anyhow::Result<()> {
        match self.format {
            AnswerFormat::Jsonl => self.write_json(out, documents, predictions)?,
            AnswerFormat::Csv => self.write_csv(out, documents, predictions)?,
        }
        self.done += documents.len();
        Ok(out.flush()?)
    }

    fn write_json(
        &self,
        out: &mut impl Write,
        documents: &[Document],
        predictions: &[Prediction],
    ) -> io::Result<()> {
        for (document, prediction) in documents.iter().zip(predictions) {
            let line = Line {
                id: document.id.as_ref(),
                label: &self.labels[prediction.class],
                probabilities: self.probabilities(prediction),
            };
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn write_csv(
        &mut self,
        out: &mut impl Write,
        documents: &[Document],
        predictions: &[Prediction],
    ) -> anyhow::Result<()> {
        // A writer of its own for the rows at hand: what fails is then the output itself.
        let mut rows = csv::Writer::from_writer(Vec::new());
        let has_id = |document: &Document| document.id.is_some();
        let with_ids = self
            .with_ids
            .unwrap_or_else(|| documents.iter().any(has_id));
        if self.with_ids.is_none() {
            rows.write_record(self.header(with_ids))?;
            self.with_ids = Some(with_ids);
        }
        for (index, (document, prediction)) in documents.iter().zip(predictions).enumerate() {
            ensure!(
                with_ids || document.id.is_none(),
                "document {} has an id and the first ones have none, so that the CSV has no column \
                 for it; use --output-format jsonl",
                self.done + index + 1
            );
            let id = with_ids.then(|| document.id.as_ref().map_or_else(String::new, cell));
            let mut row: Vec<String> = id.into_iter().collect();
            row.push(self.labels[prediction.class].clone());
            if self.top_k.is_some() {
                for (label, probability) in self.probabilities(prediction).0 {
                    row.extend([label.to_owned(), probability.to_string()]);
                }
            } else {
                row.extend(prediction.probabilities.iter().map(ToString::to_string));
            }
            rows.write_record(row)?;
        }
        Ok(out.write_all(&rows.into_inner().map_err(csv::IntoInnerError::into_error)?)?)
    }

    fn header(&self, with_ids: bool) -> Vec<String> {
        let id = with_ids.then(|| "id".to_owned());
        let mut names: Vec<String> = id.into_iter().collect();
        names.push("label".to_owned());
        if let Some(top_k) = self.top_k {
            for rank in 1..=top_k.min(self.labels.len()) {
                names.extend([format!("label_{rank}"), format!("probability_{rank}")]);
            }
        } else {
            let labels = self.labels.iter();
            names.extend(labels.map(|label| format!("probability_{label}")));
        }
        names
    }

    fn probabilities(&self, prediction: &Prediction) -> Probabilities<'a> {
        let names = self.labels.iter().map(String::as_str);
        let named = names.zip(prediction.probabilities.iter().copied());
        let Some(top_k) = self.top_k else {
            let by_name: BTreeMap<_, _> = named.collect();
            return Probabilities(by_name.into_iter().collect());
        };
        let mut named: Vec<_> = named.collect();
        named.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        named.truncate(top_k);
        Probabilities(named)
    }
}

/// An id as CSV has it: a string as it is, anything else as JSON spells it.
fn cell(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
