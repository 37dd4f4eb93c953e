//! `cargo xtask fixtures`: makes golden files again with the peer that defines them.
//!
//! Each lies beside the script that makes it. A script writes aside first: only what the tests use is
//! replaced, and only when the script succeeds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::process;
use crate::workspace::{self, shown};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A Python with fastai, pandas, spacy, torch and safetensors; without it, say what would be run
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The unpacked Large Movie Review Dataset; what needs it is left as it is otherwise
    #[arg(long, value_name = "FOLDER")]
    imdb: Option<PathBuf>,
}

/// A golden file or folder and the call that makes it, in its folder.
struct Golden {
    folder: &'static str,
    made: &'static str,
    script: &'static str,
    arguments: &'static [Argument],
}

enum Argument {
    /// Where to write; without one, the script writes to standard output.
    Out,
    /// fastai's text/core.py.
    FastaiTextCore,
    /// The folder of the reviews.
    Imdb,
    Literal(&'static str),
}

use Argument::{FastaiTextCore, Imdb, Literal, Out};

const GOLDEN: &[Golden] = &[
    Golden {
        folder: "crates/ulmfit-optim/tests/fixtures",
        made: "adam.json",
        script: "make_adam_fixture.py",
        arguments: &[],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: "fastai_rules.jsonl",
        script: "make_rule_fixtures.py",
        arguments: &[FastaiTextCore, Literal("edge_cases.jsonl"), Out],
    },
    Golden {
        folder: "crates/ulmfit-data/tests/fixtures",
        made: "fastai_tokens.jsonl.gz",
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
        folder: "crates/ulmfit-model/tests/fixtures",
        made: "awd_lstm",
        script: "make_awd_lstm_fixtures.py",
        arguments: &[Out],
    },
    Golden {
        folder: "crates/ulmfit-model/tests/fixtures",
        made: "fastai_checkpoints",
        script: "make_fastai_checkpoints.py",
        arguments: &[Out],
    },
];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    for golden in GOLDEN {
        match &arguments.python {
            Some(python) => golden.make(python, arguments.imdb.as_deref())?,
            None => println!("{}", golden.recipe()),
        }
    }
    if arguments.python.is_none() {
        println!("hint: --python PROGRAM runs these");
    }
    Ok(())
}

impl Golden {
    /// The call for people, with names in place of what depends on the machine.
    fn recipe(&self) -> String {
        let mut words = vec!["python", self.script];
        words.extend(self.arguments.iter().map(|argument| match argument {
            Out => self.made,
            FastaiTextCore => "FASTAI/text/core.py",
            Imdb => "IMDB_FOLDER",
            Literal(word) => word,
        }));
        if self.to_standard_output() {
            words.extend([">", self.made]);
        }
        format!("(cd {} && {})", self.folder, words.join(" "))
    }

    fn make(&self, python: &Path, imdb: Option<&Path>) -> anyhow::Result<()> {
        let folder = workspace::root().join(self.folder);
        let script = folder.join(self.script);
        ensure!(script.is_file(), "{} is gone", shown(&script));
        let scratch = tempfile::tempdir()?;
        let out = scratch.path().join(self.made);
        let mut command = Command::new(python);
        command.arg(self.script).current_dir(&folder);
        for argument in self.arguments {
            command.arg(match argument {
                Out => out.clone().into_os_string(),
                FastaiTextCore => fastai_text_core(python)?,
                Imdb => {
                    let Some(path) = imdb else {
                        println!("{} is left as it is: it needs --imdb FOLDER", self.made);
                        return Ok(());
                    };
                    std::path::absolute(path)?.into_os_string()
                }
                Literal(word) => word.into(),
            });
        }
        if self.to_standard_output() {
            fs_err::write(&out, process::output(&mut command)?)?;
        } else {
            process::run(&mut command)?;
        }
        replace(&folder.join(self.made), &out)
    }

    fn to_standard_output(&self) -> bool {
        !self
            .arguments
            .iter()
            .any(|argument| matches!(argument, Out))
    }
}

/// Where a Python has fastai's text rules, without importing them.
fn fastai_text_core(python: &Path) -> anyhow::Result<OsString> {
    let program =
        "import importlib.util as u; print(u.find_spec('fastai').submodule_search_locations[0])";
    let output = process::output(Command::new(python).args(["-c", program]))
        .with_context(|| format!("{} does not have fastai", python.display()))?;
    let package = String::from_utf8(output)?;
    Ok(Path::new(package.trim())
        .join("text")
        .join("core.py")
        .into_os_string())
}

/// Replaces a golden file, or the files of a golden folder, by what the script made.
fn replace(golden: &Path, made: &Path) -> anyhow::Result<()> {
    let mut files = vec![];
    if golden.is_dir() {
        for entry in fs_err::read_dir(golden)? {
            let name = entry?.file_name();
            files.push((golden.join(&name), made.join(&name)));
        }
    } else {
        files.push((golden.to_owned(), made.to_owned()));
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
            assert!(folder.join(golden.made).exists(), "{}", golden.made);
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
        assert!(replace(folder.path(), made.path()).is_err());
        assert_eq!(
            fs_err::read_to_string(folder.path().join("a")).expect("a"),
            "old"
        );
        write(&made, "b", "new");
        replace(folder.path(), made.path()).expect("all are there");
        assert_eq!(
            fs_err::read_to_string(folder.path().join("b")).expect("b"),
            "new"
        );
        assert!(!folder.path().join("unused").exists());
    }
}
