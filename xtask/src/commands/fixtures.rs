//! `cargo xtask fixtures`: makes golden files again with the peer that defines them.
//!
//! Each lies beside the script that makes it. A script writes aside first: only what the tests use is
//! replaced, and only when the script succeeds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::process;
use crate::workspace::{self, shown};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A Python with fastai, pandas, spacy, torch, safetensors and sentencepiece; without it, say what would
    /// be run
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The unpacked Large Movie Review Dataset; what needs it is left as it is otherwise
    #[arg(long, value_name = "FOLDER")]
    imdb: Option<PathBuf>,
    /// fastai/text/transform.py of fastai 1.0.61; what needs it is left as it is otherwise
    #[arg(long, value_name = "FILE")]
    fastai_v1: Option<PathBuf>,
}

/// Golden files, or a golden folder, and the call that makes them, in their folder.
struct Golden {
    folder: &'static str,
    made: &'static [&'static str],
    script: &'static str,
    arguments: &'static [Argument],
}

enum Argument {
    /// Where to write; without it and `OutFolder`, the script writes to standard output.
    Out,
    /// The folder to write several files into.
    OutFolder,
    /// fastai's text/core.py.
    FastaiTextCore,
    /// The same part of fastai 1.0.
    FastaiV1,
    /// The folder of the reviews.
    Imdb,
    Literal(&'static str),
}

use Argument::{FastaiTextCore, FastaiV1, Imdb, Literal, Out, OutFolder};

const GOLDEN: &[Golden] = &[
    Golden {
        folder: "crates/ulmfit-optim/tests/fixtures",
        made: &["adam.json"],
        script: "make_adam_fixture.py",
        arguments: &[],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: &["fastai_rules.jsonl"],
        script: "make_rule_fixtures.py",
        arguments: &[FastaiTextCore, Literal("edge_cases.jsonl"), Out],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: &["fastai_tokens.jsonl.gz"],
        script: "make_tokenizer_fixtures.py",
        arguments: &[
            Imdb,
            Out,
            Literal("--n"),
            Literal("100"),
            Literal("--edge"),
            Literal("edge_cases.jsonl"),
        ],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: &["hard_strings.jsonl"],
        script: "make_hard_strings.py",
        arguments: &[FastaiV1],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: &[
            "sentencepiece_unigram.model",
            "sentencepiece_bpe.model",
            "sentencepiece_pieces.jsonl",
        ],
        script: "make_sentencepiece_fixtures.py",
        arguments: &[Literal("fastai_tokens.jsonl.gz"), OutFolder],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: &["../../src/word/classes.rs"],
        script: "make_character_classes.py",
        arguments: &[],
    },
    Golden {
        folder: "crates/ulmfit-model/tests/fixtures",
        made: &["awd_lstm"],
        script: "make_awd_lstm_fixtures.py",
        arguments: &[Out],
    },
    Golden {
        folder: "crates/ulmfit-model/tests/fixtures",
        made: &["fastai_checkpoints"],
        script: "make_fastai_checkpoints.py",
        arguments: &[Out],
    },
];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(python) = &arguments.python else {
        for golden in GOLDEN {
            println!("{}", golden.recipe());
        }
        println!("hint: --python PROGRAM runs these");
        return Ok(());
    };
    // The scripts run in their own folders.
    let python = process::program(python)?;
    for golden in GOLDEN {
        golden.make(&python, arguments)?;
    }
    Ok(())
}

impl Golden {
    /// The call for people, with names in place of what depends on the machine.
    fn recipe(&self) -> String {
        let mut words = vec!["python", self.script];
        words.extend(self.arguments.iter().map(|argument| match argument {
            Out => self.made[0],
            OutFolder => ".",
            FastaiTextCore => "FASTAI/text/core.py",
            FastaiV1 => "FASTAI_1_0_61/fastai/text/transform.py",
            Imdb => "IMDB_FOLDER",
            Literal(word) => word,
        }));
        if self.to_standard_output() {
            words.extend([">", self.made[0]]);
        }
        format!("(cd {} && {})", self.folder, words.join(" "))
    }

    fn make(&self, python: &Path, given: &Arguments) -> anyhow::Result<()> {
        let folder = workspace::root().join(self.folder);
        let script = folder.join(self.script);
        ensure!(script.is_file(), "{} is gone", shown(&script));
        let scratch = tempfile::tempdir()?;
        let scratched = |made: &str| scratch.path().join(workspace::file_name(Path::new(made)));
        let out = scratched(self.made[0]);
        let mut command = Command::new(python);
        command.arg(self.script).current_dir(&folder);
        for argument in self.arguments {
            let (path, option) = match argument {
                Out => (Some(out.clone()), ""),
                OutFolder => (Some(scratch.path().to_owned()), ""),
                FastaiTextCore => (Some(fastai_text_core(python)?), ""),
                FastaiV1 => (given.fastai_v1.clone(), "--fastai-v1 FILE"),
                Imdb => (given.imdb.clone(), "--imdb FOLDER"),
                Literal(word) => {
                    command.arg(word);
                    continue;
                }
            };
            let Some(path) = path else {
                println!("{} is left as it is: it needs {option}", self.made[0]);
                return Ok(());
            };
            command.arg(std::path::absolute(path)?);
        }
        if self.to_standard_output() {
            fs_err::write(&out, process::output(&mut command)?)?;
        } else {
            process::run(&mut command)?;
        }
        let made = self.made.iter();
        let made = made.map(|made| (folder.join(made), scratched(made)));
        replace(&made.collect::<Vec<_>>())
    }

    fn to_standard_output(&self) -> bool {
        !self
            .arguments
            .iter()
            .any(|argument| matches!(argument, Out | OutFolder))
    }
}

/// Where a Python has fastai's text rules, without importing them.
fn fastai_text_core(python: &Path) -> anyhow::Result<PathBuf> {
    let program =
        "import importlib.util as u; print(u.find_spec('fastai').submodule_search_locations[0])";
    let output = process::output(Command::new(python).args(["-c", program]))
        .with_context(|| format!("{} does not have fastai", python.display()))?;
    let package = String::from_utf8(output)?;
    Ok(Path::new(package.trim()).join("text").join("core.py"))
}

/// Replaces golden files, and the files of golden folders, by what the script made.
fn replace(all: &[(PathBuf, PathBuf)]) -> anyhow::Result<()> {
    let mut files = vec![];
    for (golden, made) in all {
        if golden.is_dir() {
            for entry in fs_err::read_dir(golden)? {
                let name = entry?.file_name();
                files.push((golden.join(&name), made.join(&name)));
            }
        } else {
            files.push((golden.clone(), made.clone()));
        }
    }
    if let Some((missing, _)) = files.iter().find(|(_, made)| !made.is_file()) {
        bail!(
            "the script did not make {}; nothing was replaced",
            shown(missing)
        );
    }
    for (golden, made) in &files {
        fs_err::copy(made, golden).context("the copy is incomplete")?;
        println!("{} is replaced", shown(golden));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_and_what_it_makes_are_there() {
        for golden in GOLDEN {
            let folder = workspace::root().join(golden.folder);
            assert!(folder.join(golden.script).is_file(), "{}", golden.script);
            for made in golden.made {
                assert!(folder.join(made).exists(), "{made}");
            }
        }
    }

    #[test]
    fn no_script_beside_golden_files_is_left_out() {
        let crates = fs_err::read_dir(workspace::root().join("crates")).expect("crates");
        for entry in crates {
            let fixtures = entry.expect("a crate").path().join("tests/fixtures");
            let Ok(files) = fs_err::read_dir(fixtures) else {
                continue;
            };
            for file in files {
                let path = file.expect("a file").path();
                let name = workspace::file_name(&path);
                if path.extension().is_some_and(|end| end == "py") {
                    assert!(GOLDEN.iter().any(|golden| golden.script == name), "{name}");
                }
            }
        }
    }

    #[test]
    fn files_are_replaced_all_or_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = tempfile::tempdir().expect("a folder");
        let write = |dir: &tempfile::TempDir, name: &str, text: &str| {
            fs_err::write(dir.path().join(name), text).expect("a file");
        };
        write(&folder, "a", "old");
        write(&folder, "b", "old");
        write(&made, "a", "new");
        write(&made, "unused", "new");
        let all = [(folder.path().to_owned(), made.path().to_owned())];
        assert!(replace(&all).is_err());
        assert_eq!(
            fs_err::read_to_string(folder.path().join("a")).expect("a"),
            "old"
        );
        write(&made, "b", "new");
        replace(&all).expect("all are there");
        assert_eq!(
            fs_err::read_to_string(folder.path().join("b")).expect("b"),
            "new"
        );
        assert!(!folder.path().join("unused").exists());
    }
}
