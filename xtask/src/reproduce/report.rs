//! The report of an experiment: one struct, as Markdown for people and as JSON for programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::atomic_file::write_atomically;
use crate::machine::Machine;
use crate::markdown::table;
use crate::reproduce::corpus::{DataFacts, Repeated};
use crate::reproduce::evaluation::Evaluation;
use crate::reproduce::recipe::Recipe;
use crate::workspace;

/// Everything a reader needs to judge a figure and to get it again.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Also the name of the two files.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) command: String,
    pub(crate) commit: Option<String>,
    pub(crate) published: Vec<Published>,
    pub(crate) results: Vec<Measured>,
    pub(crate) baseline: Evaluation,
    pub(crate) stages: Vec<StageFacts>,
    pub(crate) seed: u64,
    pub(crate) device: String,
    pub(crate) machine: Machine,
    pub(crate) data: Vec<DataFacts>,
    /// The language model that fine-tuning started from, unless one was pretrained for it.
    pub(crate) pretrained: Option<String>,
    /// Empty when the language model was pretrained on the task's own text, or not at all.
    pub(crate) pretraining_data: Vec<DataFacts>,
    /// Whether the language model was given the text of the test documents.
    pub(crate) test_text_seen: bool,
    /// What it may have read of them all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeated_test_documents: Option<Repeated>,
    pub(crate) recipe: RecipeFacts,
}

/// A figure from a publication; the error is a share.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Published {
    pub(crate) what: &'static str,
    pub(crate) error_rate: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// forward, backward or ensemble
    pub(crate) model: &'static str,
    pub(crate) evaluation: Evaluation,
}

#[derive(Debug, Serialize)]
pub(crate) struct StageFacts {
    pub(crate) stage: &'static str,
    pub(crate) direction: &'static str,
    pub(crate) seconds: f64,
    pub(crate) metrics: Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RecipeFacts {
    pub(crate) path: String,
    pub(crate) sha256: String,
    pub(crate) text: String,
}

impl From<&Recipe> for RecipeFacts {
    fn from(recipe: &Recipe) -> Self {
        Self {
            path: workspace::shown(&recipe.path),
            sha256: recipe.sha256.clone(),
            text: recipe.text.clone(),
        }
    }
}

impl Report {
    /// Writes `NAME.md` and `NAME.json`; returns the path of the first.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        fs_err::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        write_atomically(&folder.join(format!("{}.json", self.name)), json)?;
        let path = folder.join(format!("{}.md", self.name));
        write_atomically(&path, self.markdown())?;
        Ok(path)
    }

    /// The table of figures alone.
    pub(crate) fn figures(&self) -> String {
        let mut rows = vec![];
        for published in &self.published {
            let what = format!("{} (published)", published.what);
            rows.push([
                what,
                percent(published.error_rate),
                percent(1.0 - published.error_rate),
                String::new(),
            ]);
        }
        let measured = |what: String, evaluation: &Evaluation| {
            let Evaluation {
                error_rate,
                accuracy,
                documents,
                ..
            } = evaluation;
            [
                what,
                percent(*error_rate),
                percent(*accuracy),
                documents.to_string(),
            ]
        };
        for Measured { model, evaluation } in &self.results {
            rows.push(measured(format!("**ULMFiT, {model}**"), evaluation));
        }
        rows.push(measured(
            "TF-IDF + logistic regression, same split".into(),
            &self.baseline,
        ));
        let chance = self
            .results
            .iter()
            .find_map(|r| r.evaluation.error_of_most_frequent_class());
        if let Some(error_rate) = chance {
            let what = "the most frequent class, always".into();
            rows.push([
                what,
                percent(error_rate),
                percent(1.0 - error_rate),
                String::new(),
            ]);
        }
        table(["", "test error", "accuracy", "test documents"], &rows)
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.title);
        writeln!(text, "Written by `{}`.\n\n{}", self.command, self.figures()).expect(INFALLIBLE);
        writeln!(text, "{}\n", self.test_text()).expect(INFALLIBLE);
        writeln!(text, "## Stages\n\n{}", self.stage_table()).expect(INFALLIBLE);
        writeln!(text, "## Conditions\n\n{}", self.conditions()).expect(INFALLIBLE);
        let RecipeFacts {
            path, text: recipe, ..
        } = &self.recipe;
        write!(
            text,
            "## Recipe\n\n`{path}`:\n\n```toml\n{}\n```\n",
            recipe.trim_end()
        )
        .expect(INFALLIBLE);
        text
    }

    fn test_text(&self) -> String {
        if self.test_text_seen {
            "The language model **saw the text of the test documents**, without their labels \
             (`--transductive`)."
                .to_owned()
        } else {
            let but = but_repeated(self.repeated_test_documents);
            format!("The language model was not given the test documents{but}.")
        }
    }

    fn stage_table(&self) -> String {
        let row = |stage: &StageFacts| {
            let metric = |(name, value): (&String, &Value)| match value.as_f64() {
                Some(number) => format!("{name} {number:.4}"),
                None => format!("{name} {value}"),
            };
            let metrics: Vec<_> = stage.metrics.iter().map(metric).collect();
            let name = format!("{}, {}", stage.stage, stage.direction);
            [name, duration(stage.seconds), metrics.join(", ")]
        };
        let mut rows: Vec<_> = self.stages.iter().map(row).collect();
        for Measured { model, evaluation } in &self.results {
            rows.push([
                format!("evaluation, {model}"),
                duration(evaluation.seconds),
                String::new(),
            ]);
        }
        let baseline = duration(self.baseline.seconds);
        rows.push(["baseline".into(), baseline, String::new()]);
        table(["stage", "wall time", "at its end"], &rows)
    }

    fn conditions(&self) -> String {
        let mut rows = vec![
            ["seed".into(), self.seed.to_string()],
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
        ];
        if let Some(pretrained) = &self.pretrained {
            rows.push(["pretrained model".into(), format!("`{pretrained}`")]);
        }
        rows.extend(self.data.iter().map(|facts| ["data".into(), data(facts)]));
        rows.extend(
            self.pretraining_data
                .iter()
                .map(|f| ["pretraining data".into(), data(f)]),
        );
        table(["", ""], &rows)
    }
}

pub(crate) const INFALLIBLE: &str = "a String takes every write";

/// What identifies data, in a table.
pub(crate) fn data(facts: &DataFacts) -> String {
    let DataFacts {
        name,
        bytes,
        sha256,
        files,
    } = facts;
    let mut text = format!("`{name}`, {bytes} bytes");
    if let Some(files) = files {
        write!(text, " in {files} files").expect(INFALLIBLE);
    }
    if let Some(sha256) = sha256 {
        write!(text, ", SHA-256 `{sha256}`").expect(INFALLIBLE);
    }
    text
}

/// How a sentence goes on that says what was not given.
pub(crate) fn but_repeated(repeated: Option<Repeated>) -> String {
    repeated.map_or_else(String::new, |it| format!("; {it}"))
}

/// A share of 1, as percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A time in units that make it short.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    fn evaluation(error_rate: f64) -> Evaluation {
        Evaluation {
            accuracy: 1.0 - error_rate,
            error_rate,
            documents: 400,
            seconds: 12.0,
            macro_f1: None,
            confusion: Some(vec![vec![150, 50], vec![50, 150]]),
        }
    }

    #[test]
    fn the_report_says_what_a_reader_needs() {
        let metrics = [("valid_loss".to_owned(), Value::from(4.51234))]
            .into_iter()
            .collect();
        let mut report = Report {
            name: "imdb-smoke".into(),
            title: "IMDb, profile smoke".into(),
            command: "cargo xtask reproduce imdb".into(),
            commit: None,
            published: vec![Published {
                what: "ULMFiT",
                error_rate: 0.046,
            }],
            results: vec![Measured {
                model: "forward",
                evaluation: evaluation(0.25),
            }],
            baseline: evaluation(0.2),
            stages: vec![StageFacts {
                stage: "pretrain",
                direction: "forward",
                seconds: 83.4,
                metrics,
            }],
            seed: 42,
            device: "cpu".into(),
            machine: Machine {
                cores: 2,
                cpu: None,
                system: "linux x86_64".into(),
            },
            data: vec![DataFacts {
                name: "train.csv".into(),
                bytes: 5,
                sha256: Some("ab".into()),
                files: None,
            }],
            pretrained: Some("wiki-small".into()),
            pretraining_data: vec![],
            test_text_seen: false,
            repeated_test_documents: None,
            recipe: RecipeFacts {
                path: "recipes/imdb-smoke.toml".into(),
                sha256: "cd".into(),
                text: "[data]\n".into(),
            },
        };
        let text = report.markdown();
        for expected in [
            "# IMDb, profile smoke\n\nWritten by `cargo xtask reproduce imdb`.\n",
            "| ULMFiT (published) | 4.60 % | 95.40 % |  |\n",
            "| **ULMFiT, forward** | 25.00 % | 75.00 % | 400 |\n",
            "| TF-IDF + logistic regression, same split | 20.00 % | 80.00 % | 400 |\n",
            "| the most frequent class, always | 50.00 % | 50.00 % |  |\n",
            "\n\nThe language model was not given the test documents.\n\n",
            "| pretrain, forward | 1 min 23 s | valid_loss 4.5123 |\n",
            // Stages that were done before are another commit's, and perhaps another machine's.
            "| machine of the last call | 2 cores, CPU not known, linux x86_64 |\n| commit of the last call | not known |\n",
            "| pretrained model | `wiki-small` |\n",
            "| data | `train.csv`, 5 bytes, SHA-256 `ab` |\n",
            "```toml\n[data]\n```\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }

        report.repeated_test_documents = Manifest::load("imdb").expect("the reviews").repeated();
        let text = report.markdown();
        let expected = "was not given the test documents; the texts of 392 of the data set's 25000 test \
                        documents are in its other splits too, as in every published figure.\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(0.26), "0.3 s");
        assert_eq!(duration(59.96), "1 min 0 s");
        assert_eq!(duration(7384.0), "2 h 3 min");
    }
}
