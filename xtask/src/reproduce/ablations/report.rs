//! The report of the study on one data set, as Markdown and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::DataSet;
use super::claims::{CLAIMS, Claim, Gain};
use super::rows::{Encoder, ROWS, Row};
use super::tables::{Line, TABLES};
use crate::atomic_file::write_atomically;
use crate::machine::Machine;
use crate::markdown::table;
use crate::reproduce::corpus::DataFacts;
use crate::reproduce::evaluation::Evaluation;
use crate::reproduce::pretrained;
use crate::reproduce::report::{INFALLIBLE, RecipeFacts, data, duration};
use crate::reproduce::study::cell::Outcome;
use crate::reproduce::study::statistics::Spread;

/// What is finished, and what a reader needs to judge it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) data_set: DataSet,
    pub(super) command: String,
    pub(super) commit: Option<String>,
    pub(super) machine: Machine,
    pub(super) device: String,
    pub(super) data: Vec<DataFacts>,
    /// The digest of the language model on board.
    pub(super) on_board: Option<String>,
    pub(super) train_documents: usize,
    pub(super) measured: Vec<Measured>,
    pub(super) recipe: RecipeFacts,
}

/// A finished cell.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) row: &'static str,
    pub(super) seed: u64,
    pub(super) outcome: Outcome,
}

impl Report {
    /// `ablations-DATA_SET.EXTENSION`
    pub(super) fn file_name(&self, extension: &str) -> String {
        format!("ablations-{}.{extension}", self.data_set)
    }

    /// Writes the two files.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs_err::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        write_atomically(&folder.join(self.file_name("json")), json)?;
        write_atomically(&folder.join(self.file_name("md")), self.markdown())?;
        Ok(())
    }

    /// The paper's tables, ours beside them.
    pub(super) fn tables(&self) -> String {
        let mut text = String::new();
        for it in TABLES {
            let lines: Vec<_> = it.lines.iter().map(|line| self.line(line)).collect();
            let head = ["", "ours", "the paper", "our row"];
            let lines = table(head, &lines);
            writeln!(text, "## {}\n\n{lines}", it.title).expect(INFALLIBLE);
        }
        text
    }

    fn line(&self, line: &Line) -> [String; 4] {
        let errors = self.errors(line.row);
        let ours = Spread::of(&errors).map_or_else(|| "not run yet".to_owned(), |it| it.percent());
        let published = format!("{:.2}", line.published(self.data_set));
        [line.what.to_owned(), ours, published, line.row.to_owned()]
    }

    /// What the paper concludes from its tables, and what ours say of it.
    pub(super) fn claims(&self) -> String {
        let lines: Vec<_> = CLAIMS.iter().map(|claim| self.claim(claim)).collect();
        let head = ["", "rows", "the paper's gain", "our gain", "at this size"];
        let lines = table(head, &lines);
        format!(
            "## The paper's claims\n\nA gain is by how many points the first row's error rate is below the \
             second's. Beside ours is twice its standard error, of the draw of the test documents alone and as \
             if each row had been measured on its own draw; what training does by chance comes on top. A gain \
             smaller than that is too close to tell.\n\n{lines}"
        )
    }

    fn claim(&self, claim: &Claim) -> [String; 5] {
        let (better, worse) = (
            self.evaluations(claim.better),
            self.evaluations(claim.worse),
        );
        let (gain, verdict) = match Gain::of(&better, &worse) {
            Some(it) => (
                format!("{:+.2} ± {:.2}", 100.0 * it.gain, 100.0 * it.uncertainty),
                it.verdict(),
            ),
            None => ("not run yet".to_owned(), ""),
        };
        let published = claim.published(self.data_set);
        [
            claim.says.to_owned(),
            format!("{}, {}", claim.better, claim.worse),
            published.map_or_else(String::new, |it| format!("{it:+.2}")),
            gain,
            verdict.to_owned(),
        ]
    }

    fn errors(&self, row: &str) -> Vec<f64> {
        let evaluations = self.evaluations(row);
        evaluations.iter().map(|it| it.error_rate).collect()
    }

    fn evaluations(&self, row: &str) -> Vec<&Evaluation> {
        self.of(row).map(|cell| &cell.outcome.evaluation).collect()
    }

    fn of(&self, row: &str) -> impl Iterator<Item = &Measured> {
        self.measured.iter().filter(move |cell| cell.row == row)
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# Ablations on {}\n\nWritten by `{}`.\n\n",
            self.data_set.title(),
            self.command
        );
        let mut say = |line: &str| writeln!(text, "{}\n", line.trim_end()).expect(INFALLIBLE);
        say(&self.what_is_measured());
        say(&self.tables());
        say(&self.claims());
        say("## Rows");
        say(
            "A row is the recipe below with these changes. Times are means over the runs: of the \
             classifier with its evaluation, and of the language model, which rows share.",
        );
        say(&self.rows());
        say("## Conditions");
        say(&self.conditions());
        let RecipeFacts {
            path, text: recipe, ..
        } = &self.recipe;
        say(&format!(
            "## Recipe\n\n`{path}`:\n\n```toml\n{}\n```",
            recipe.trim_end()
        ));
        text.trim_end().to_owned() + "\n"
    }

    fn what_is_measured(&self) -> String {
        let tested = self
            .measured
            .iter()
            .map(|cell| cell.outcome.evaluation.documents)
            .max();
        format!(
            "Error rates in percent, with several seeds mean ± standard deviation, and the number of runs in \
             parentheses. Ours: {} documents to train on, their text alone to fine-tune the language \
             model on, and {} test documents, in one direction and after few epochs. The paper: the \
             whole data set, a tenth of it to measure on, and 50 epochs. So rows compare with each other, \
             not with the paper's figures. The vanilla language model is without dropout and activation \
             regularization while it is fine-tuned; the one on board, which it starts from, had both.",
            self.train_documents,
            tested.unwrap_or(0)
        )
    }

    fn rows(&self) -> String {
        let rows: Vec<_> = ROWS.iter().map(|row| self.row(row)).collect();
        let head = ["row", "language model", "classifier", "seeds", "wall times"];
        table(head, &rows)
    }

    fn row(&self, row: &Row) -> [String; 5] {
        let or = |text: String, none: &str| {
            if text.is_empty() {
                none.to_owned()
            } else {
                text
            }
        };
        let language_model = match row.encoder {
            Encoder::Random => "none: random weights".to_owned(),
            Encoder::OnBoard => "the one on board".to_owned(),
            Encoder::Tuned(tuning) => {
                let changes = or(tuning.variant().shown(), "as the recipe");
                let start = if tuning.pretrained {
                    ""
                } else {
                    "from scratch; "
                };
                format!("{start}{changes}")
            }
        };
        let seeds: Vec<_> = self
            .of(row.name)
            .map(|cell| cell.seed.to_string())
            .collect();
        let mean = |seconds: Vec<f64>| Spread::of(&seconds).map(|spread| duration(spread.mean));
        let classifier = mean(
            self.of(row.name)
                .map(|cell| cell.outcome.seconds())
                .collect(),
        );
        let shared = self
            .of(row.name)
            .filter_map(|cell| Some(cell.outcome.shared().next()?.seconds));
        let times: Vec<_> = [classifier, mean(shared.collect())]
            .into_iter()
            .flatten()
            .collect();
        [
            row.name.to_owned(),
            language_model,
            or(row.variant(self.data_set).shown(), "as the recipe"),
            seeds.join(", "),
            times.join(", "),
        ]
    }

    fn conditions(&self) -> String {
        let mut rows = vec![
            ["device".to_owned(), self.device.clone()],
            ["machine of the last call".into(), self.machine.to_string()],
            [
                "commit of the last call".into(),
                self.commit.clone().unwrap_or_else(|| "not known".into()),
            ],
            [
                "recipe, SHA-256".into(),
                format!("`{}`", self.recipe.sha256),
            ],
        ];
        if let Some(digest) = &self.on_board {
            let what = format!("`{}`, which is on board, SHA-256", pretrained::ENGLISH);
            rows.push([what, format!("`{digest}`")]);
        }
        rows.extend(self.data.iter().map(|facts| ["data".into(), data(facts)]));
        table(["", ""], &rows)
    }
}
