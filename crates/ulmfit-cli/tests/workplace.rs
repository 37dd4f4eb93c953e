//! A folder to work in, with data, a recipe and the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

pub(crate) struct Workplace {
    folder: TempDir,
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workplace {
    /// A folder with `train.csv`, `test.csv` and the recipe `tiny.toml`.
    pub(crate) fn new() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        this.write("tiny.toml", include_str!("tiny.toml"));
        this.write("train.csv", reviews(60));
        this.write("test.csv", reviews(20));
        this
    }

    /// As [`new`](Self::new), with the classifier `model.safetensors` and the language model
    /// `lm.safetensors`, which are trained once for all tests.
    pub(crate) fn with_models() -> Self {
        static MODELS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        let [language_model, classifier] = MODELS.get_or_init(|| {
            let place = Self::new();
            place.succeed("finetune train.csv --recipe tiny.toml --run lm --pretrained none");
            place.succeed(
                "train train.csv --recipe tiny.toml --run c --language-model lm/model.safetensors",
            );
            ["lm", "c"].map(|run| place.read(&format!("{run}/model.safetensors")))
        });
        let this = Self::new();
        this.write("lm.safetensors", language_model);
        this.write("model.safetensors", classifier);
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path());
        command
    }

    /// Runs `ulmfit` with nothing on standard input.
    pub(crate) fn run(&self, arguments: &str) -> Finished {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        output.into()
    }

    /// Runs `ulmfit` with these bytes on standard input.
    pub(crate) fn pipe(&self, arguments: &str, input: impl AsRef<[u8]>) -> Finished {
        let mut command = assert_cmd::Command::from_std(self.command(arguments));
        command.write_stdin(input.as_ref()).output().unwrap().into()
    }

    /// Runs `ulmfit`, which is to succeed, and returns what it printed.
    pub(crate) fn succeed(&self, arguments: &str) -> String {
        let finished = self.run(arguments);
        assert_eq!(
            finished.code,
            Some(0),
            "ulmfit {arguments}: {}",
            finished.stderr
        );
        finished.stdout
    }

    /// Runs `ulmfit`, which is to fail with exit code 1, and returns the one line it says.
    pub(crate) fn fail(&self, arguments: &str) -> String {
        let finished = self.run(arguments);
        finished.failure(arguments)
    }

    /// Runs `ulmfit` with a command line that makes no sense, which exits with 2, and returns what it says.
    pub(crate) fn misuse(&self, arguments: &str) -> String {
        let finished = self.run(arguments);
        assert_eq!(finished.code, Some(2), "{arguments}: {}", finished.stderr);
        finished.stderr
    }

    /// Fails for what would write over a file that is read, and leaves that as it is.
    pub(crate) fn refuses_to_overwrite(&self, command: &str, output: &str, option: &str) {
        let before = self.read(output);
        assert_eq!(
            self.fail(command),
            format!(
                "{output} is read here and would be written over itself; name another file with {option}"
            )
        );
        assert!(self.read(output) == before, "{output}");
    }

    pub(crate) fn start(&self, arguments: &str) -> Child {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    }
}

impl Finished {
    /// The sentence of a failure.
    pub(crate) fn failure(&self, what: &str) -> String {
        assert_eq!(
            self.code,
            Some(1),
            "{what}: {} {}",
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{what}: {}", self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        last.strip_prefix("error: ")
            .unwrap_or_else(|| panic!("{what}: {}", self.stderr))
            .to_owned()
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_ulmfit"))
}

/// Two classes that a word tells apart, of different lengths.
pub(crate) fn reviews(count: usize) -> String {
    let mut csv = "id,text,label\n".to_owned();
    for i in 0..count {
        let (word, label) = if i % 2 == 0 {
            ("fine", "pos")
        } else {
            ("dull", "neg")
        };
        let more = "It goes on and on, and on. ".repeat(i % 5);
        writeln!(
            csv,
            "{i},\"A {word} film, number {}. {more}Truly {word}!\",{label}",
            i % 7
        )
        .unwrap();
    }
    csv
}
