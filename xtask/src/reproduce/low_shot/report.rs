//! The report of the study, as Markdown, as JSON and as a plot.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::plot::{self, Point};
use super::{Arm, TEST_DOCUMENTS};
use crate::atomic_file::write_atomically;
use crate::machine::Machine;
use crate::markdown::table;
use crate::reproduce::corpus::{DataFacts, Repeated};
use crate::reproduce::pretrained;
use crate::reproduce::report::{INFALLIBLE, RecipeFacts, but_repeated, data, duration};
use crate::reproduce::study::cell::{Outcome, StageOutcome};
use crate::reproduce::study::design::TEST_SEED;
use crate::reproduce::study::statistics::Spread;
use crate::reproduce::study::variant::Variant;

/// What is finished, and what a reader needs to judge it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) command: String,
    pub(super) commit: Option<String>,
    pub(super) machine: Machine,
    pub(super) device: String,
    pub(super) data: Vec<DataFacts>,
    /// The digest of the language model on board.
    pub(super) on_board: Option<String>,
    pub(super) test_documents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repeated_test_documents: Option<Repeated>,
    /// In rising order.
    pub(super) labels: Vec<usize>,
    pub(super) measured: Vec<Measured>,
    /// Arm, number of labels and seed of what is not finished.
    pub(super) missing: Vec<(Arm, usize, u64)>,
    pub(super) recipe: RecipeFacts,
    /// The recipe of the language models that the semi-supervised cells start from.
    pub(super) source: RecipeFacts,
    pub(super) variants: Vec<(Arm, usize, Variant)>,
}

/// A finished cell.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) arm: Arm,
    pub(super) labels: usize,
    pub(super) seed: u64,
    pub(super) outcome: Outcome,
}

impl Report {
    /// Writes `low-shot.md`, `.json`, `.svg` and `.png`.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs_err::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        write_atomically(&folder.join("low-shot.json"), json)?;
        plot::write(folder, &self.lines())?;
        write_atomically(&folder.join("low-shot.md"), self.markdown())?;
        Ok(())
    }

    /// The table of accuracies alone.
    pub(super) fn figures(&self) -> String {
        self.by_labels(|cells| {
            let accuracies: Vec<_> = cells
                .iter()
                .map(|cell| cell.outcome.evaluation.accuracy)
                .collect();
            Spread::of(&accuracies).map(|spread| spread.percent())
        })
    }

    fn times(&self) -> String {
        self.by_labels(|cells| {
            let seconds: Vec<_> = cells.iter().map(|cell| cell.outcome.seconds()).collect();
            Spread::of(&seconds).map(|spread| duration(spread.mean))
        })
    }

    /// A row a number of labels, a column an arm.
    fn by_labels(&self, show: impl Fn(&[&Measured]) -> Option<String>) -> String {
        let rows: Vec<_> = self
            .labels
            .iter()
            .map(|&labels| {
                let cells = Arm::ALL.map(|arm| show(&self.cells(arm, labels)).unwrap_or_default());
                let [baseline, scratch, supervised, semi, both] = cells;
                [
                    labels.to_string(),
                    baseline,
                    scratch,
                    supervised,
                    semi,
                    both,
                ]
            })
            .collect();
        let [baseline, scratch, supervised, semi, both] = Arm::ALL.map(Arm::title);
        let head = ["labels", baseline, scratch, supervised, semi, both];
        table(head, &rows)
    }

    fn cells(&self, arm: Arm, labels: usize) -> Vec<&Measured> {
        let cells = self.measured.iter();
        cells
            .filter(|cell| cell.arm == arm && cell.labels == labels)
            .collect()
    }

    /// What the plot shows: the arms that have a figure.
    fn lines(&self) -> Vec<(Arm, Vec<Point>)> {
        let line = |arm| {
            let point = |&labels: &usize| {
                let cells = self.cells(arm, labels);
                let accuracies: Vec<_> = cells
                    .iter()
                    .map(|cell| cell.outcome.evaluation.accuracy)
                    .collect();
                Some((labels, Spread::of(&accuracies)?))
            };
            (
                arm,
                self.labels.iter().filter_map(point).collect::<Vec<_>>(),
            )
        };
        let lines = Arm::ALL.into_iter().map(line);
        lines.filter(|(_, points)| !points.is_empty()).collect()
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# IMDb with few labels\n\nWritten by `{}`.\n\n{}\n",
            self.command,
            self.figures()
        );
        let mut say = |line: &str| writeln!(text, "{line}\n").expect(INFALLIBLE);
        say("Test accuracy in percent: mean ± standard deviation over seeds (number of runs).");
        say("![accuracy over the number of labels](low-shot.svg)");
        say(&self.what_is_compared());
        if !self.missing.is_empty() {
            say(&self.what_is_missing());
        }
        say("## Wall times");
        say(self.times().trim_end());
        say(&self.what_is_timed());
        say("## Conditions");
        say(self.conditions().trim_end());
        say("## Recipe");
        say(
            "What the cells change in the recipe; the seed and the documents aside, nothing else \
             differs. Both directions change what the semi-supervised arm does.",
        );
        say(self.overrides().trim_end());
        let RecipeFacts {
            path, text: recipe, ..
        } = &self.recipe;
        say(&format!("`{path}`:\n\n```toml\n{}\n```", recipe.trim_end()));
        text.trim_end().to_owned() + "\n"
    }

    fn what_is_compared(&self) -> String {
        let test = match self.test_documents {
            0 => "all test reviews".to_owned(),
            count => format!("the same {count} test reviews, drawn by seed {TEST_SEED}"),
        };
        let usual = if self.test_documents == TEST_DOCUMENTS {
            ""
        } else {
            " This is not the study's usual number of them."
        };
        let but = but_repeated(self.repeated_test_documents);
        format!(
            "Every figure is on {test}.{usual} A seed draws the same labeled reviews for every arm, of \
             each class its share, and all of them are trained on. *From scratch* is the classifier \
             on random weights. *Supervised* starts from the language model on board, fine-tuned on \
             the labeled reviews' text alone; *semi-supervised* from the same one, fine-tuned on all \
             training and unlabeled reviews, once for all runs. *Both directions* averages that classifier and one that \
             reads backward, from a language model that was made alike. No language model was given \
             the test reviews{but}."
        )
    }

    fn what_is_missing(&self) -> String {
        let mut text = format!("**{} runs are not finished**:", self.missing.len());
        for arm in Arm::ALL {
            let of_arm: Vec<_> = self
                .missing
                .iter()
                .filter(|(missing, ..)| *missing == arm)
                .map(|(_, labels, seed)| format!("{labels}/{seed}"))
                .collect();
            if !of_arm.is_empty() {
                write!(text, " {} {};", arm.title(), of_arm.join(", ")).expect(INFALLIBLE);
            }
        }
        text.pop();
        text + " (labels/seed)."
    }

    fn what_is_timed(&self) -> String {
        let mut text =
            "Mean wall time of a run: its training, by `run.json`, and its evaluation. A run in both \
             directions goes on from the semi-supervised one, whose training is counted there."
                .to_owned();
        for (direction, stage) in self.language_models() {
            let time = duration(stage.seconds);
            let sentence =
                format!(" The {direction} language model, which runs share, took {time}.");
            text.push_str(&sentence);
        }
        text
    }

    /// Those that the semi-supervised cells start from, as far as there are any.
    fn language_models(&self) -> Vec<(&'static str, &StageOutcome)> {
        let tuned = |arm, place| {
            let cells = self.measured.iter().filter(move |cell| cell.arm == arm);
            let mut tuned = cells.filter_map(move |cell| {
                let shared = cell.outcome.shared();
                shared.filter(|stage| stage.stage == "finetune").nth(place)
            });
            tuned.next()
        };
        let forward = tuned(Arm::SemiSupervised, 0).map(|stage| ("forward", stage));
        let backward = tuned(Arm::BothDirections, 1).map(|stage| ("backward", stage));
        forward.into_iter().chain(backward).collect()
    }

    fn overrides(&self) -> String {
        let rows: Vec<_> = self
            .variants
            .iter()
            .map(|(arm, labels, variant)| {
                [arm.title().to_owned(), labels.to_string(), variant.shown()]
            })
            .collect();
        table(["arm", "labels", "changes"], &rows)
    }

    fn conditions(&self) -> String {
        let mut seeds: Vec<_> = self.measured.iter().map(|cell| cell.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let seeds: Vec<_> = seeds.iter().map(ToString::to_string).collect();
        let mut rows = vec![
            ["seeds".to_owned(), seeds.join(", ")],
            ["device".into(), self.device.clone()],
            ["machine of the last call".into(), self.machine.to_string()],
            [
                "commit of the last call".into(),
                self.commit.clone().unwrap_or_else(|| "not known".into()),
            ],
            [
                "recipe, SHA-256".into(),
                format!("`{}`", self.recipe.sha256),
            ],
            [
                format!(
                    "`{}`, SHA-256, of the shared language models",
                    self.source.path
                ),
                format!("`{}`", self.source.sha256),
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
