//! The document of a measurement: tables, the command, the conditions.

use std::fmt::Write as _;

use crate::bench::comparison::Extent;
use crate::bench::peer::Facts;
use crate::machine::Machine;
use crate::markdown;

/// Everything that a reader needs to judge the figures and to get them again.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) command: String,
    pub(crate) extent: Extent,
    /// Before the first run.
    pub(crate) load: Option<f64>,
    pub(crate) comparison: &'a str,
    pub(crate) sweep: Option<&'a str>,
    pub(crate) facts: &'a Facts,
    pub(crate) machine: Machine,
    pub(crate) commit: Option<&'a str>,
}

const INFALLIBLE: &str = "a String takes every write";

/// The load from which on figures are not to be trusted.
const BUSY: f64 = 0.5;

/// What is to be said of figures that are taken beside other work.
pub(crate) fn warning(load: Option<f64>) -> Option<String> {
    let load = load.filter(|load| *load > BUSY)?;
    Some(format!(
        "other work shares the cores (load {load:.1}); PyTorch, whose threads wait for each other by \
         spinning, suffers most, so ratios say too much"
    ))
}

impl Document<'_> {
    pub(crate) fn markdown(&self) -> String {
        let Self {
            command,
            comparison,
            ..
        } = self;
        let warning = warning(self.load);
        let warning = warning.map_or_else(String::new, |it| format!("**Warning**: {it}.\n\n"));
        let mut text = format!(
            "# Performance\n\nWritten by `{command}`.\n\n{comparison}\n{warning}\
             Sizes are vocabulary/embedding/hidden/layers. ulmfit and its peers ran in turn; a \
             run's figure is the median of its steps, on random tokens or on the texts named, after \
             one that does not count, but for tokenizing. *Ratio* is that of the medians, ulmfit to \
             the peer, and more is better; in parentheses the least and the greatest of runs that followed each \
             other. *Of a large product*: the speed of ulmfit's dense products, forward and \
             backward, all else included in the time, as a part of that of burn's best large matrix \
             product in the same process. *Memory* is the most that the process had resident, the \
             peer's Python and libraries included.\n"
        );
        if let Some(sweep) = self.sweep {
            write!(
                text,
                "\n## Batch sizes, sequence lengths, threads\n\nulmfit's train-lm at \
                 10000/200/512/3, one run each.\n\n{sweep}"
            )
            .expect(INFALLIBLE);
        }
        write!(text, "\n## Conditions\n\n{}", self.conditions()).expect(INFALLIBLE);
        text
    }

    fn conditions(&self) -> String {
        let Extent {
            runs,
            steps,
            threads,
        } = self.extent;
        let load = self.load.map(|load| format!("{load:.1}"));
        let mut rows = vec![
            ["date".to_owned(), self.facts.date.clone()],
            ["machine".to_owned(), self.machine.to_string()],
            [
                "load before".to_owned(),
                load.unwrap_or_else(|| "not known".to_owned()),
            ],
            ["threads".to_owned(), threads.to_string()],
            ["runs of each program".to_owned(), runs.to_string()],
            ["steps of a run".to_owned(), steps.to_string()],
            [
                "ulmfit, commit".to_owned(),
                self.commit.unwrap_or("not known").to_owned(),
            ],
        ];
        for (package, version) in &self.facts.versions {
            rows.push([package.clone(), version.clone().unwrap_or_default()]);
        }
        markdown::table(["", ""], &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_its_command_and_its_conditions() {
        let facts = Facts {
            date: "2026-01-02".into(),
            versions: [("torch".into(), Some("2.11.0".into()))].into(),
        };
        let mut document = Document {
            command: "cargo xtask bench --peer PYTHON".into(),
            extent: Extent {
                runs: 5,
                steps: 3,
                threads: 2,
            },
            load: Some(0.04),
            comparison: "| work |\n|---|\n| train |\n",
            sweep: Some("| bs |\n|---|\n| 16 |\n"),
            facts: &facts,
            machine: Machine {
                cores: 2,
                cpu: Some("A CPU".into()),
                system: "linux x86_64".into(),
            },
            commit: None,
        };
        let text = document.markdown();
        for part in [
            "# Performance\n\nWritten by `cargo xtask bench --peer PYTHON`.\n\n| work |\n",
            "\n\n| bs |\n",
            "| date | 2026-01-02 |\n| machine | 2 cores, A CPU, linux x86_64 |\n",
            "| load before | 0.0 |\n| threads | 2 |\n| runs of each program | 5 |\n",
            "| ulmfit, commit | not known |\n| torch | 2.11.0 |\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("\n\n\n") && text.ends_with("|\n"));
        assert!(!text.contains("Warning"), "{text}");

        document.load = Some(1.26);
        let text = document.markdown();
        assert!(
            text.contains("|\n\n**Warning**: other work shares the cores (load 1.3); ")
                && text.contains("so ratios say too much.\n\nSizes are"),
            "{text}"
        );
    }
}
