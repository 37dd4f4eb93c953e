//! What does each part of the method bring? The rows of the paper's tables 4 to 7, each a variant of one
//! recipe (Howard and Ruder 2018, section 5).

mod claims;
mod report;
mod rows;
mod tables;
#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

pub(crate) use rows::{ROWS, Row};

use crate::listed::unless_usual;
use crate::machine::Machine;
use crate::reproduce::corpus::Draw;
use crate::reproduce::low_shot::TOKENS_PER_REVIEW;
use crate::reproduce::report::RecipeFacts;
use crate::reproduce::study::cell::Cell;
use crate::reproduce::study::design::{Design, Start};
use crate::reproduce::study::estimate;
use crate::reproduce::study::step::Step;
use crate::ulmfit::Ulmfit;
use crate::workspace;
use report::{Measured, Report};
use rows::{Encoder, Tuning};

/// What the rows are measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DataSet {
    /// All questions of TREC-6
    Trec,
    /// Part of the IMDb reviews
    Imdb,
}

/// The study on one data set, and which part of it is to run.
#[derive(Debug)]
pub(crate) struct Ablations {
    /// The command for the report, but for seeds.
    pub(crate) command: String,
    pub(crate) data_set: DataSet,
    /// Documents to train on, of the fine-tuning too; 0 for all.
    pub(crate) labels: usize,
    pub(crate) design: Design,
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) seeds: Vec<u64>,
    /// The folder of the report.
    pub(crate) reports: PathBuf,
}

/// Runs of these seeds are in the report whether or not they were asked for this time.
const KNOWN_SEEDS: std::ops::Range<u64> = 0..10;

impl Ablations {
    /// Runs every cell asked for that is not finished. The report, of all that are, is written anew after
    /// each.
    pub(crate) fn run(&self, ulmfit: &Ulmfit) -> anyhow::Result<()> {
        let mut cells = vec![];
        for &seed in &self.seeds {
            for row in &self.rows {
                cells.push(self.cell(row, seed)?);
            }
        }
        // Before anything that takes time.
        let reported = self.reported()?;
        let kept = &self.design.kept;
        kept.ensure_all_of(reported.iter().map(|(_, _, cell)| cell))?;
        cells.iter().try_for_each(Cell::check)?;
        let tokens = self.design.tokens_per_document;
        let all: Vec<_> = cells.iter().collect();
        eprintln!("{}: {}", self.data_set, estimate::line(&all, tokens)?);
        for cell in &cells {
            cell.complete(ulmfit)?;
            self.report(ulmfit)?.write(&self.reports)?;
        }
        let report = self.report(ulmfit)?;
        println!("{}\n{}", report.tables(), report.claims());
        let path = self.reports.join(report.file_name("md"));
        eprintln!("the report is in {}", workspace::shown(&path));
        Ok(())
    }

    fn cell(&self, row: &Row, seed: u64) -> anyhow::Result<Cell> {
        let design = &self.design;
        let folder = design.runs.join(format!("{}-{seed}", row.name));
        let variant = row.variant(self.data_set);
        let draw = self.draw(seed);
        let steps = match row.encoder {
            Encoder::Random => vec![design.train(&folder, &variant, draw, &Start::Nothing)?],
            Encoder::OnBoard => vec![design.train(&folder, &variant, draw, &Start::OnBoard)?],
            Encoder::Tuned(tuning) => {
                let tuned = self.tuned(tuning, seed)?;
                let start = Start::Stage(&tuned.stage);
                let classifier = design.train(&folder, &variant, draw, &start)?;
                vec![tuned, classifier]
            }
        };
        design.measured(folder, steps)
    }

    /// A language model, which rows share.
    fn tuned(&self, tuning: &Tuning, seed: u64) -> anyhow::Result<Step> {
        let folder = format!("language-model-{}-{seed}", tuning.name);
        let start = if tuning.pretrained {
            Start::OnBoard
        } else {
            Start::Nothing
        };
        let folder = self.design.runs.join(folder);
        self.design
            .finetune(&folder, &tuning.variant(), self.draw(seed), &start)
    }

    fn draw(&self, seed: u64) -> Draw {
        Draw {
            documents: self.labels,
            seed,
        }
    }

    /// The cells in the report, as far as they are finished: of the known seeds, and of those that the
    /// report has already or that were asked for.
    fn reported(&self) -> anyhow::Result<Vec<(&'static Row, u64, Cell)>> {
        let kept = self.design.kept.seeds();
        let seeds = KNOWN_SEEDS.chain(kept).chain(self.seeds.iter().copied());
        let seeds: BTreeSet<u64> = seeds.collect();
        let mut cells = vec![];
        for row in &ROWS {
            for &seed in &seeds {
                cells.push((row, seed, self.cell(row, seed)?));
            }
        }
        Ok(cells)
    }

    fn report(&self, ulmfit: &Ulmfit) -> anyhow::Result<Report> {
        let mut measured = vec![];
        for (row, seed, cell) in self.reported()? {
            let Some(outcome) = cell.outcome() else {
                continue;
            };
            measured.push(Measured {
                row: row.name,
                seed,
                outcome,
            });
        }
        let seeds: BTreeSet<u64> = measured.iter().map(|it| it.seed).collect();
        let seeds: Vec<u64> = seeds.into_iter().collect();
        Ok(Report {
            data_set: self.data_set,
            command: self.command.clone() + &unless_usual("seeds", &seeds, &[0]),
            commit: ulmfit.commit.clone(),
            machine: Machine::this(),
            device: self.design.device.clone(),
            data: self.design.data.clone(),
            on_board: self.design.on_board.clone(),
            train_documents: match self.labels {
                0 => self.design.documents,
                labels => labels,
            },
            measured,
            recipe: RecipeFacts::from(&self.design.recipe),
        })
    }
}

impl DataSet {
    pub(crate) const ALL: [Self; 2] = [Self::Trec, Self::Imdb];

    /// Of the training split.
    pub(crate) fn documents(self) -> usize {
        match self {
            Self::Trec => 5_452,
            Self::Imdb => 25_000,
        }
    }

    /// Words, punctuation and special tokens, on average.
    pub(crate) fn tokens_per_document(self) -> f64 {
        match self {
            Self::Trec => 14.0,
            Self::Imdb => TOKENS_PER_REVIEW,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Trec => "TREC-6",
            Self::Imdb => "IMDb",
        }
    }
}

/// As on the command line and in the names of folders.
impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trec => "trec",
            Self::Imdb => "imdb",
        })
    }
}
