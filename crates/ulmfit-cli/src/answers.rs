//! Answers as a stream: a JSON object or a row of CSV a document, in the order of the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anyhow::ensure;
use serde::{Serialize, Serializer};
use serde_json::Value;
use ulmfit_data::Document;
use ulmfit_train::{Prediction, Predictor, Target};

use crate::failure::UsageError;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AnswerFormat {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated, with a header line
    Csv,
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerOptions {
    pub(crate) format: AnswerFormat,
    /// How many probabilities are told, the largest first; all by name where it is none.
    pub(crate) top_k: Option<usize>,
    /// The probability from which a label is an answer, where a document may have several.
    pub(crate) threshold: f32,
}

/// Asks a model, and writes what it answers.
pub(crate) struct AnswerWriter<'a> {
    predictor: &'a Predictor,
    options: AnswerOptions,
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
    #[serde(flatten)]
    answer: Answer<'a>,
}

/// What a document is answered with.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Label {
        label: &'a str,
        probabilities: Probabilities<'a>,
    },
    Labels {
        labels: Vec<&'a str>,
        probabilities: Probabilities<'a>,
    },
    Value {
        value: f64,
    },
}

/// Labels with their probabilities, in the order in which they are told.
struct Probabilities<'a>(Vec<(&'a str, f32)>);

impl Serialize for Probabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl<'a> AnswerWriter<'a> {
    /// Fails where answers could be read in two ways.
    pub(crate) fn new(
        predictor: &'a Predictor,
        options: AnswerOptions,
    ) -> Result<Self, UsageError> {
        let this = Self {
            predictor,
            options,
            with_ids: None,
            done: 0,
        };
        let joins = options.format == AnswerFormat::Csv
            && matches!(predictor.target(), Target::MultiLabel { .. });
        let separator = this.separator();
        let mut names = predictor.labels().iter();
        if joins && let Some(label) = names.find(|label| label.contains(separator)) {
            return Err(UsageError(format!(
                "the label \"{label}\" has \"{separator}\" in it, which stands between several labels \
                 in CSV; use --output-format jsonl"
            )));
        }
        Ok(this)
    }

    /// Writes the answers to some documents.
    pub(crate) fn write(
        &mut self,
        out: &mut impl Write,
        documents: &[Document],
    ) -> anyhow::Result<()> {
        let answers = self.answers(documents)?;
        match self.options.format {
            AnswerFormat::Jsonl => write_json(out, documents, answers)?,
            AnswerFormat::Csv => self.write_csv(out, documents, &answers)?,
        }
        self.done += documents.len();
        Ok(out.flush()?)
    }

    fn answers(&self, documents: &[Document]) -> anyhow::Result<Vec<Answer<'a>>> {
        let names = self.predictor.labels();
        let predictions = || self.predictor.predict_documents(documents).into_iter();
        Ok(match self.predictor.target() {
            Target::SingleLabel => predictions()
                .map(|prediction| Answer::Label {
                    label: &names[prediction.class],
                    probabilities: self.probabilities(&prediction),
                })
                .collect(),
            Target::MultiLabel { .. } => predictions()
                .map(|prediction| {
                    let labels = prediction.at_least(self.options.threshold).into_iter();
                    Answer::Labels {
                        labels: labels.map(|label| names[label].as_str()).collect(),
                        probabilities: self.probabilities(&prediction),
                    }
                })
                .collect(),
            Target::Regression => {
                let numbers = self.predictor.predict_numbers(documents)?.into_iter();
                numbers.map(|value| Answer::Value { value }).collect()
            }
        })
    }

    fn probabilities(&self, prediction: &Prediction) -> Probabilities<'a> {
        let names = self.predictor.labels().iter().map(String::as_str);
        let named = names.zip(prediction.probabilities.iter().copied());
        let Some(top_k) = self.options.top_k else {
            let by_name: BTreeMap<_, _> = named.collect();
            return Probabilities(by_name.into_iter().collect());
        };
        let mut named: Vec<_> = named.collect();
        named.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        named.truncate(top_k);
        Probabilities(named)
    }

    fn write_csv(
        &mut self,
        out: &mut impl Write,
        documents: &[Document],
        answers: &[Answer<'_>],
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
        for (index, (document, answer)) in documents.iter().zip(answers).enumerate() {
            ensure!(
                with_ids || document.id.is_none(),
                "document {} has an id and the first ones have none, so that the CSV has no column \
                 for it; use --output-format jsonl",
                self.done + index + 1
            );
            let id = with_ids.then(|| document.id.as_ref().map_or_else(String::new, cell));
            let mut row: Vec<String> = id.into_iter().collect();
            let probabilities = match answer {
                Answer::Label {
                    label,
                    probabilities,
                } => {
                    row.push((*label).to_owned());
                    &probabilities.0[..]
                }
                Answer::Labels {
                    labels,
                    probabilities,
                } => {
                    row.push(labels.join(self.separator()));
                    &probabilities.0[..]
                }
                Answer::Value { value } => {
                    row.push(value.to_string());
                    &[]
                }
            };
            for (label, probability) in probabilities {
                if self.options.top_k.is_some() {
                    row.push((*label).to_owned());
                }
                row.push(probability.to_string());
            }
            rows.write_record(row)?;
        }
        let rows = rows.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(out.write_all(&rows)?)
    }

    fn header(&self, with_ids: bool) -> Vec<String> {
        let id = with_ids.then(|| "id".to_owned());
        let mut columns: Vec<String> = id.into_iter().collect();
        let answer = match self.predictor.target() {
            Target::SingleLabel => "label",
            Target::MultiLabel { .. } => "labels",
            Target::Regression => "value",
        };
        columns.push(answer.to_owned());
        let labels = self.predictor.labels();
        if let Some(top_k) = self.options.top_k {
            for rank in 1..=top_k.min(labels.len()) {
                columns.extend([format!("label_{rank}"), format!("probability_{rank}")]);
            }
        } else {
            let by_name: BTreeSet<&String> = labels.iter().collect();
            let names = by_name.into_iter();
            columns.extend(names.map(|label| format!("probability_{label}")));
        }
        columns
    }

    /// What stands between several labels in a column.
    fn separator(&self) -> &str {
        match self.predictor.target() {
            Target::MultiLabel {
                separator: Some(separator),
            } => separator,
            _ => ";",
        }
    }
}

fn write_json(
    out: &mut impl Write,
    documents: &[Document],
    answers: Vec<Answer<'_>>,
) -> io::Result<()> {
    for (document, answer) in documents.iter().zip(answers) {
        let id = document.id.as_ref();
        serde_json::to_writer(&mut *out, &Line { id, answer })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// An id as CSV has it: a string as it is, anything else as JSON spells it.
fn cell(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
