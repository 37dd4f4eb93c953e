//! Both sides' figures side by side, as Markdown for people and as JSON for programs.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::sides::{Learner, NAME, Outcome, Run, SCRIPT, THREADS};
use crate::atomic_file::write_atomically;
use crate::listed::unless_usual;
use crate::machine::Machine;
use crate::markdown::table;
use crate::reproduce::report::duration;
use crate::reproduce::study::statistics::Spread;
use crate::workspace::shown;

/// Steps of the language model whose training losses are shown.
const SHOWN_STEPS: [u64; 7] = [40, 100, 200, 300, 400, 600, 960];

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// By seed and learner.
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) fastai: String,
    pub(crate) torch: String,
    pub(crate) machine: Machine,
    pub(crate) commit: Option<String>,
    /// Of the last call, in UTC.
    pub(crate) date: String,
}

impl Report {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
        self.outcomes.sort_by_key(Outcome::run);
    }

    /// Writes both files.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs_err::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        write_atomically(&folder.join(format!("{NAME}.json")), json)?;
        write_atomically(&folder.join(format!("{NAME}.md")), self.markdown())?;
        Ok(())
    }

    /// The means of each side.
    pub(crate) fn means(&self) -> String {
        let rows: Vec<_> = [Learner::Ulmfit, Learner::Fastai]
            .into_iter()
            .filter_map(|learner| {
                let loss = self.spread(learner, |outcome| outcome.language_model_loss)?;
                let accuracy = self.spread(learner, |outcome| outcome.accuracy)?;
                Some([
                    learner.name().to_owned(),
                    loss.runs.to_string(),
                    match loss.runs {
                        1 => format!("{:.3}", loss.mean),
                        _ => format!("{:.3} ± {:.3}", loss.mean, loss.deviation),
                    },
                    accuracy.percent(),
                ])
            })
            .collect();
        let head = [
            "learner",
            "runs",
            "language-model loss",
            "accuracy of the classifier, percent (runs)",
        ];
        table(head, &rows)
    }

    fn spread(&self, learner: Learner, value: impl Fn(&Outcome) -> f64) -> Option<Spread> {
        let of_learner = self.outcomes.iter().filter(|it| it.learner == learner);
        Spread::of(&of_learner.map(value).collect::<Vec<_>>())
    }

    /// How far our mean loss is from theirs, once there are both.
    fn difference(&self) -> String {
        let loss = |learner| self.spread(learner, |outcome| outcome.language_model_loss);
        match (loss(Learner::Ulmfit), loss(Learner::Fastai)) {
            (Some(ours), Some(theirs)) => format!(
                "\nOur mean loss is {:.4} of fastai's.\n",
                ours.mean / theirs.mean
            ),
            _ => String::new(),
        }
    }

    fn runs(&self) -> String {
        let rows: Vec<_> = self
            .outcomes
            .iter()
            .map(|outcome| {
                [
                    outcome.learner.name().to_owned(),
                    outcome.seed.to_string(),
                    outcome.steps.map(|steps| steps.to_string()).join(" + "),
                    format!("{:.3}", outcome.language_model_loss),
                    format!("{:.1}", outcome.language_model_loss.exp()),
                    format!("{:.1} %", 100.0 * outcome.language_model_accuracy),
                    format!("{:.1} %", 100.0 * outcome.accuracy),
                    duration(outcome.seconds),
                ]
            })
            .collect();
        let head = [
            "learner",
            "seed",
            "steps",
            "loss",
            "perplexity",
            "accuracy, next word",
            "accuracy, classifier",
            "wall time",
        ];
        table(head, &rows)
    }

    fn training(&self) -> String {
        const COLUMNS: usize = 1 + SHOWN_STEPS.len();
        // The first column is not one of a step.
        let row = |first: String, of_step: &dyn Fn(u64) -> String| -> [String; COLUMNS] {
            std::array::from_fn(|column| match column.checked_sub(1) {
                Some(place) => of_step(SHOWN_STEPS[place]),
                None => first.clone(),
            })
        };
        let head = row("learner, seed; steps".into(), &|step| step.to_string());
        let rows: Vec<_> = self
            .outcomes
            .iter()
            .map(|outcome| {
                let first = format!("{}, {}", outcome.learner.name(), outcome.seed);
                let training = &outcome.training;
                row(first, &|step| {
                    let loss = training.iter().find(|it| it.step == step);
                    loss.map_or_else(String::new, |it| format!("{:.2}", it.loss))
                })
            })
            .collect();
        table(head.each_ref().map(String::as_str), &rows)
    }

    /// The command that does these runs.
    fn command(&self) -> String {
        let runs: BTreeSet<Run> = self.outcomes.iter().map(Outcome::run).collect();
        let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
        let learner = Learner::Fastai;
        let without_peer = seeds.iter().copied();
        let without_peer = without_peer.filter(|&seed| !runs.contains(&Run { seed, learner }));
        let without_peer: BTreeSet<u64> = without_peer.collect();
        let mut command = "cargo xtask parity --peer PYTHON --data aclImdb_v1.tar.gz".to_owned();
        for (option, seeds) in [("seeds", seeds), ("without-peer", without_peer)] {
            let seeds: Vec<u64> = seeds.into_iter().collect();
            command += &unless_usual(option, &seeds, &[]);
        }
        command
    }

    fn markdown(&self) -> String {
        let Self {
            fastai,
            torch,
            machine,
            date,
            ..
        } = self;
        let commit = self.commit.as_deref().unwrap_or("not known");
        let (means, difference) = (self.means(), self.difference());
        let (runs, training) = (self.runs(), self.training());
        let command = self.command();
        format!(
            "# The same learner as fastai's?\n\nWritten by `{command}`: both sides train on the same \
             documents (10,000 unlabeled and 5,000 labeled reviews, of whose text the language model \
             does not see 3 %; 2,500 test reviews), from scratch, an epoch and four, on {THREADS} \
             threads. Seeds are those of the weights, the dropout and the order. The recipe is \
             `recipes/{NAME}.toml`, the other side `{SCRIPT}`.\n\n\
             {means}{difference}\n\
             Mean ± standard deviation over seeds.\n\n{runs}\n\
             Loss (nats a token) and accuracy of the language model are those of the reviews held \
             out, the last accuracy is that of the classifier on the test reviews.\n\n\
             The language model's training loss, each the mean of the twenty steps that end there:\n\n\
             {training}\n\
             Of the last call: machine {machine}; commit {commit}; fastai {fastai}, torch {torch}; {date}.\n"
        )
    }
}

/// Fails if the report in a folder has other runs than those that are finished in `place`: of them it is
/// written anew, and the rest would be lost.
pub(super) fn ensure_all_of(
    folder: &Path,
    finished: &BTreeSet<Run>,
    place: &Path,
) -> anyhow::Result<()> {
    /// A report as JSON, as far as it matters.
    #[derive(Deserialize)]
    struct Reported {
        outcomes: BTreeSet<Run>,
    }
    let path = folder.join(format!("{NAME}.json"));
    if !path.exists() {
        return Ok(());
    }
    let text = fs_err::read_to_string(&path)?;
    let reported: Reported = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no report of both sides; restore it, or remove it to start over",
            shown(&path)
        )
    })?;
    let lost = reported.outcomes.difference(finished);
    let lost: Vec<_> = lost
        .map(|run| format!("{}, seed {}", run.learner.name(), run.seed))
        .collect();
    ensure!(
        lost.is_empty(),
        "{} has runs that are not in {} ({}) and would be lost; name the folder that has them with --out, \
         or move that report away",
        shown(&path),
        shown(place),
        lost.join("; ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sides::TrainingLoss;
    use super::*;

    fn outcome(learner: Learner, seed: u64, loss: f64) -> Outcome {
        Outcome {
            learner,
            seed,
            steps: [969, 312],
            language_model_loss: loss,
            language_model_accuracy: 0.22,
            training: vec![TrainingLoss { step: 100, loss }],
            accuracy: 0.75,
            seconds: 1200.0,
        }
    }

    fn report(outcomes: Vec<Outcome>) -> Report {
        Report {
            outcomes,
            fastai: "2.8.12".into(),
            torch: "2.11.0".into(),
            machine: Machine {
                cores: 2,
                cpu: None,
                system: "linux x86_64".into(),
            },
            commit: None,
            date: "2026-01-01".into(),
        }
    }

    #[test]
    fn sides_are_compared_by_their_means() {
        let report = report(vec![
            outcome(Learner::Ulmfit, 0, 4.0),
            outcome(Learner::Ulmfit, 1, 4.2),
            outcome(Learner::Fastai, 0, 4.0),
        ]);
        let text = report.markdown();
        for expected in [
            "parity --peer PYTHON --data aclImdb_v1.tar.gz --seeds 0,1 --without-peer 1`: both",
            "| ulmfit | 2 | 4.100 ± 0.141 | 75.00 ± 0.00 (2) |\n| fastai | 1 | 4.000 | 75.00 (1) |\n",
            "\nOur mean loss is 1.0250 of fastai's.\n",
            "| ulmfit, 1 |  | 4.20 |  |  |  |  |  |\n",
            "| fastai | 0 | 969 + 312 | 4.000 | 54.6 | 22.0 % | 75.0 % | 20 min 0 s |\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_side_alone_has_nothing_to_be_compared_with() {
        let text = report(vec![outcome(Learner::Ulmfit, 0, 4.0)]).markdown();
        assert!(!text.contains("of fastai's.\n"), "{text}");
        assert!(!text.contains("| fastai |"), "{text}");
    }
}
