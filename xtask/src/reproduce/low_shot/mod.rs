//! How many labels does it take? Five arms at several numbers of labels, each on the same documents
//! (Howard and Ruder 2018, figure 3).

mod arm;
mod plot;
mod report;
#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub(crate) use arm::Arm;

use crate::listed::unless_usual;
use crate::machine::Machine;
use crate::reproduce::corpus::Draw;
use crate::reproduce::report::RecipeFacts;
use crate::reproduce::study::cell::Cell;
use crate::reproduce::study::design::{Design, Start};
use crate::reproduce::study::estimate;
use crate::reproduce::study::step::Step;
use crate::reproduce::study::variant::Variant;
use crate::ulmfit::Ulmfit;
use crate::workspace;
use report::{Measured, Report};

/// Numbers of labels, seeds and arms of the whole study.
pub(crate) const LABELS: [usize; 5] = [100, 200, 500, 1000, 5000];
pub(crate) const SEEDS: [u64; 3] = [0, 1, 2];
/// Of the test reviews.
pub(crate) const TEST_DOCUMENTS: usize = 5000;
/// Words, punctuation and special tokens of a review, on average.
pub(crate) const TOKENS_PER_REVIEW: f64 = 300.0;

/// The study, and which part of it is to run.
#[derive(Debug)]
pub(crate) struct LowShot {
    /// The command for the report, but for labels and seeds.
    pub(crate) command: String,
    pub(crate) design: Design,
    /// The language models that the semi-supervised arms start from, forward and backward: the `cpu`
    /// profile's, fine-tuned on all training and unlabeled reviews.
    pub(crate) language_models: [Step; 2],
    pub(crate) labels: Vec<usize>,
    pub(crate) seeds: Vec<u64>,
    pub(crate) arms: Vec<Arm>,
    /// The folder of the report.
    pub(crate) reports: PathBuf,
}

/// A measurement of the study.
#[derive(Debug)]
struct Place {
    arm: Arm,
    draw: Draw,
    cell: Cell,
}

impl LowShot {
    /// Runs every cell asked for that is not finished. The report, of all that are, is written anew after
    /// each.
    pub(crate) fn run(&self, ulmfit: &Ulmfit) -> anyhow::Result<()> {
        let wanted = self.places(&self.labels, &self.seeds, &self.arms)?;
        // Before anything that takes time.
        let reported = self.reported()?;
        let kept = &self.design.kept;
        kept.ensure_all_of(reported.iter().map(|place| &place.cell))?;
        for place in &wanted {
            place.cell.check()?;
        }
        let cells: Vec<_> = wanted.iter().map(|place| &place.cell).collect();
        let tokens = self.design.tokens_per_document;
        eprintln!("{}", estimate::line(&cells, tokens)?);
        for place in &wanted {
            place.cell.complete(ulmfit)?;
            self.report(ulmfit)?.write(&self.reports)?;
        }
        let report = self.report(ulmfit)?;
        println!("{}", report.figures());
        let path = workspace::shown(&self.reports.join("low-shot.md"));
        eprintln!("the report is in {path}");
        Ok(())
    }

    /// The cells of some labels, seeds and arms, those of a seed together and the quick arms first.
    fn places(&self, labels: &[usize], seeds: &[u64], arms: &[Arm]) -> anyhow::Result<Vec<Place>> {
        let mut places = vec![];
        for &seed in seeds {
            for &arm in arms {
                for &labels in labels {
                    let documents = labels;
                    let draw = Draw { documents, seed };
                    let cell = self.cell(arm, draw)?;
                    places.push(Place { arm, draw, cell });
                }
            }
        }
        Ok(places)
    }

    fn cell(&self, arm: Arm, draw: Draw) -> anyhow::Result<Cell> {
        let design = &self.design;
        let Draw {
            documents: labels,
            seed,
        } = draw;
        let folder = |arm: Arm| design.runs.join(format!("{arm}-{labels}-{seed}"));
        let train = |arm: Arm, start: &Start<'_>| {
            design.train(&folder(arm), &arm.variant(labels), draw, start)
        };
        let after = |tuned: &Step, arm: Arm| {
            let classifier = train(arm, &Start::Stage(&tuned.stage))?;
            anyhow::Ok([tuned.clone(), classifier])
        };
        let [forward, backward] = &self.language_models;
        let steps = match arm {
            Arm::TfIdf => return design.baseline(folder(arm), draw),
            Arm::FromScratch => vec![train(arm, &Start::Nothing)?],
            Arm::Supervised => {
                let variant = arm.variant(labels);
                let tuned = design.finetune(&folder(arm), &variant, draw, &Start::OnBoard)?;
                after(&tuned, arm)?.into()
            }
            Arm::SemiSupervised => after(forward, arm)?.into(),
            Arm::BothDirections => {
                [after(forward, Arm::SemiSupervised)?, after(backward, arm)?].concat()
            }
        };
        design.measured(folder(arm), steps)
    }

    /// The numbers of labels in the report: of the whole study, and those beyond it that the report has
    /// already or that were asked for.
    fn reported_labels(&self) -> Vec<usize> {
        let kept = self.design.kept.labels();
        in_order(LABELS.into_iter().chain(kept).chain(self.labels.clone()))
    }

    /// The cells in the report, by the same rule.
    fn reported(&self) -> anyhow::Result<Vec<Place>> {
        let kept = self.design.kept.seeds();
        let seeds = in_order(SEEDS.into_iter().chain(kept).chain(self.seeds.clone()));
        self.places(&self.reported_labels(), &seeds, &Arm::ALL)
    }

    /// The report, of all that is finished.
    fn report(&self, ulmfit: &Ulmfit) -> anyhow::Result<Report> {
        let labels = self.reported_labels();
        let mut measured = vec![];
        let mut missing = vec![];
        for Place { arm, draw, cell } in self.reported()? {
            match cell.outcome() {
                Some(outcome) => measured.push(Measured {
                    arm,
                    labels: draw.documents,
                    seed: draw.seed,
                    outcome,
                }),
                None => missing.push((arm, draw.documents, draw.seed)),
            }
        }
        let variants = [Arm::FromScratch, Arm::Supervised, Arm::SemiSupervised]
            .into_iter()
            .flat_map(|arm| labels.iter().map(move |&labels| (arm, labels)))
            .map(|(arm, labels)| (arm, labels, arm.variant(labels)))
            .collect::<Vec<(Arm, usize, Variant)>>();
        let seeds = in_order(SEEDS.into_iter().chain(measured.iter().map(|it| it.seed)));
        let measured_labels = LABELS
            .into_iter()
            .chain(measured.iter().map(|it| it.labels));
        let command = self.command.clone()
            + &unless_usual("labels", &in_order(measured_labels), &LABELS)
            + &unless_usual("seeds", &seeds, &SEEDS);
        Ok(Report {
            command,
            commit: ulmfit.commit.clone(),
            machine: Machine::this(),
            device: self.design.device.clone(),
            data: self.design.data.clone(),
            on_board: self.design.on_board.clone(),
            test_documents: self.design.test_documents,
            repeated_test_documents: self.design.corpus.repeated,
            labels,
            measured,
            missing,
            recipe: RecipeFacts::from(&self.design.recipe),
            source: RecipeFacts::from(&self.language_models[0].recipe),
            variants,
        })
    }
}

/// Each value once, in rising order.
fn in_order<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<T>>().into_iter().collect()
}
