//! `cargo xtask parity`: fastai's learner and ours on the same documents, with the same sizes,
//! dropouts, schedules and numbers of epochs. What is done already is not done again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;

use crate::atomic_file::write_atomically;
use crate::bench::peer::{Peer, Python};
use crate::machine::Machine;
use crate::markdown::table;
use crate::reproduce::evaluation::Evaluation;
use crate::ulmfit::Ulmfit;
use crate::{process, workspace};

const SCRIPT: &str = "xtask/peer/fastai_imdb.py";
const RECIPE: &str = "recipes/fastai-parity.toml";

#[derive(Args)]
pub(crate) struct Arguments {
    /// A Python with what xtask/peer/requirements.txt lists
    #[arg(long, value_name = "PYTHON")]
    peer: PathBuf,
    /// The published archive, `aclImdb_v1.tar.gz`
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// A run of each side for each seed
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [0, 1, 2])]
    seeds: Vec<u64>,
    /// Seeds that fastai is left out for, since it takes longer
    #[arg(long, value_name = "N", value_delimiter = ',')]
    without_peer: Vec<u64>,
    /// The folder of the runs, if not the workspace's runs
    #[arg(long, value_name = "RUNS_DIR")]
    out: Option<PathBuf>,
    /// An ulmfit that is built already
    #[arg(long, value_name = "PROGRAM")]
    binary: Option<PathBuf>,
}

/// A line that the script prints after a stage.
#[derive(Debug, Deserialize)]
struct PeerStage {
    steps: u64,
    wall_s: f64,
    valid_loss: f64,
    accuracy: f64,
}

/// What `ulmfit evaluate` says of a language model.
#[derive(Debug, Deserialize)]
struct LanguageModelEvaluation {
    loss: f64,
    accuracy: f64,
}

/// What `run.json` says of a finished stage.
#[derive(Debug, Deserialize)]
struct RunFacts {
    seconds: f64,
    steps: u64,
}

/// One side's run.
struct Outcome {
    learner: &'static str,
    seed: u64,
    /// Of the language model and of the classifier.
    steps: [u64; 2],
    language_model_loss: f64,
    language_model_accuracy: f64,
    accuracy: f64,
    seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let python = Python::new(arguments.peer.clone(), None)?;
    let facts = python.facts(&[Peer::Fastai])?;
    let ulmfit = match &arguments.binary {
        Some(program) => Ulmfit::at(program.clone())?,
        None => Ulmfit::build("cpu")?,
    };
    let folder = workspace::folder(arguments.out.as_ref(), "runs")?.join("fastai-parity");
    fs_err::create_dir_all(&folder)?;
    let sample = folder.join("sample");
    if !sample.is_dir() {
        // Under its own name only once it is whole.
        let part = folder.join("sample.part");
        process::run(script(arguments).arg("--sample").arg(&part))?;
        fs_err::rename(part, &sample)?;
    }
    let mut outcomes = vec![];
    for &seed in &arguments.seeds {
        outcomes.push(ours(&ulmfit, &folder, &sample, seed)?);
        if !arguments.without_peer.contains(&seed) {
            outcomes.push(theirs(arguments, &folder, seed)?);
        }
    }
    let figures = figures(&outcomes);
    let version = |package: &str| facts.versions.get(package).cloned().flatten();
    let text = format!(
        "# The same learner as fastai's?\n\nWritten by `cargo xtask parity --peer PYTHON --data \
         aclImdb_v1.tar.gz`: both sides train on the same documents (10,000 unlabeled and 5,000 \
         labeled reviews, of whose text the language model does not see 3 %; 2,500 test reviews), \
         from scratch, an epoch and four, on two threads. The recipe is `{RECIPE}`, the other \
         side `{SCRIPT}`.\n\n{figures}\nLoss and accuracy of the language model are those of \
         the reviews held out, the last accuracy is that of the classifier on the test reviews.\n\n\
         Machine: {}. fastai {}, torch {}, {}.\n",
        Machine::this(),
        version("fastai").unwrap_or_default(),
        version("torch").unwrap_or_default(),
        facts.date,
    );
    let report = workspace::root().join("docs/results/fastai-parity.md");
    write_atomically(&report, text)?;
    println!("{figures}");
    Ok(())
}

/// Both stages, each with its evaluation.
fn ours(ulmfit: &Ulmfit, folder: &Path, sample: &Path, seed: u64) -> anyhow::Result<Outcome> {
    let stage = |command: &str, data: &str, more: &[OsString]| -> anyhow::Result<PathBuf> {
        let run = folder.join(format!("{command}-{seed}"));
        if !run.join("model.safetensors").is_file() {
            let mut words: Vec<OsString> = vec![command.into(), sample.join(data).into()];
            words.extend(["--recipe".into(), RECIPE.into()]);
            words.extend(["--seed".into(), seed.to_string().into()]);
            words.extend(["--run".into(), run.clone().into()]);
            words.extend_from_slice(more);
            if run.join("run.json").is_file() {
                words.push("--resume".into());
            }
            ulmfit.run(&words)?;
        }
        Ok(run)
    };
    let evaluate = |run: &Path, data: &str| -> Vec<OsString> {
        let model = run.join("model.safetensors");
        vec!["evaluate".into(), model.into(), sample.join(data).into()]
    };
    let general = stage("pretrain", "lm-train.jsonl", &[])?;
    let language_model: LanguageModelEvaluation =
        ulmfit.json(&evaluate(&general, "lm-valid.jsonl"))?;
    let start = [
        "--language-model".into(),
        general.join("model.safetensors").into(),
    ];
    let classifier = stage("train", "train.jsonl", &start)?;
    let test: Evaluation = ulmfit.json(&evaluate(&classifier, "test.jsonl"))?;
    let facts = |run: &Path| -> anyhow::Result<RunFacts> {
        let text = fs_err::read_to_string(run.join("run.json"))?;
        Ok(serde_json::from_str(&text)?)
    };
    let (pretraining, training) = (facts(&general)?, facts(&classifier)?);
    Ok(Outcome {
        learner: "ulmfit",
        seed,
        steps: [pretraining.steps, training.steps],
        language_model_loss: language_model.loss,
        language_model_accuracy: language_model.accuracy,
        accuracy: test.accuracy,
        seconds: pretraining.seconds + training.seconds,
    })
}

/// What the script prints, kept once it ends well.
fn theirs(arguments: &Arguments, folder: &Path, seed: u64) -> anyhow::Result<Outcome> {
    let path = folder.join(format!("fastai-{seed}.jsonl"));
    if !path.is_file() {
        let mut command = script(arguments);
        command.args(["--train", "--seed", &seed.to_string()]);
        let printed = process::output(command.current_dir(folder))?;
        fs_err::write(&path, printed)?;
    }
    let stages = fs_err::read_to_string(&path)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<PeerStage>, _>>()
        .with_context(|| format!("could not read {}", workspace::shown(&path)))?;
    let [first, .., last] = &stages[..] else {
        bail!("{} has no stages; remove it", workspace::shown(&path));
    };
    Ok(Outcome {
        learner: "fastai",
        seed,
        steps: [
            first.steps,
            stages[1..].iter().map(|stage| stage.steps).sum(),
        ],
        language_model_loss: first.valid_loss,
        language_model_accuracy: first.accuracy,
        accuracy: last.accuracy,
        seconds: last.wall_s,
    })
}

fn script(arguments: &Arguments) -> Command {
    let mut command = Command::new(&arguments.peer);
    command
        .arg(workspace::root().join(SCRIPT))
        .arg(std::path::absolute(&arguments.data).unwrap_or_else(|_| arguments.data.clone()))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn figures(outcomes: &[Outcome]) -> String {
    let rows: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            [
                outcome.learner.to_owned(),
                outcome.seed.to_string(),
                outcome.steps.map(|steps| steps.to_string()).join(" + "),
                format!("{:.3}", outcome.language_model_loss),
                format!("{:.1}", outcome.language_model_loss.exp()),
                format!("{:.1} %", 100.0 * outcome.language_model_accuracy),
                format!("{:.1} %", 100.0 * outcome.accuracy),
                format!("{:.0} min", outcome.seconds / 60.0),
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
