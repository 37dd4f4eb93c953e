//! What the three training commands have in common.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use ulmfit_data::Document;
use ulmfit_train::{Observer, Recipe, RunOptions, StopSignal, read_run_info};

use crate::args::{GlobalArgs, StageArgs, TokenizerArgs};
use crate::progress::Progress;
use crate::{dashboard, documents, interrupt, output};

/// All that a stage needs.
pub(super) struct Prepared {
    pub(super) recipe: Recipe,
    pub(super) options: RunOptions,
    pub(super) observer: Box<dyn Observer>,
    pub(super) documents: Vec<Document>,
}

/// Checks what is cheap to check, then reads the documents.
pub(super) fn prepare(
    args: &StageArgs,
    tokenizer: &TokenizerArgs,
    global: &GlobalArgs,
) -> anyhow::Result<Prepared> {
    let mut recipe = Recipe::open(&args.recipe)?;
    let subwords = tokenizer.apply(&mut recipe.text)?;
    if let Some(size) = tokenizer.vocab_size {
        recipe.vocab.max_size = size;
    }
    let stop = StopSignal::default();
    let options = RunOptions {
        run_dir: args.run.clone(),
        device: args.device.device.open()?,
        direction: args.direction,
        seed: args.seed,
        resume: args.resume,
        checkpoint_every: args.checkpoint_every(),
        stop: stop.clone(),
        subwords,
        command: std::env::args().collect(),
    };
    let documents = documents::read(&args.corpus, args.seed, global)?;
    interrupt::raise_on_interrupt(&stop)?;
    let observer = if args.tui {
        dashboard::open(&stop)?
    } else {
        Box::new(Progress::new(global))
    };
    Ok(Prepared {
        recipe,
        options,
        observer,
        documents,
    })
}

/// The result of a stage, as `--json` prints it.
#[derive(Serialize)]
struct Summary<'a> {
    stage: &'a str,
    model: &'a Path,
    direction: &'a str,
    documents: [usize; 2],
    tokens: [usize; 2],
    vocab_size: usize,
    parameters: usize,
    steps: u64,
    seconds: f64,
    metrics: &'a BTreeMap<String, f64>,
}

/// Prints what a finished run came to.
pub(super) fn report(args: &StageArgs) -> anyhow::Result<()> {
    let run = read_run_info(&args.run).context("the run is done, but its record is gone")?;
    let model = args.run.join("model.safetensors");
    if args.json {
        return output::json(&Summary {
            stage: &run.stage,
            model: &model,
            direction: run.direction.as_str(),
            documents: run.documents,
            tokens: run.tokens,
            vocab_size: run.vocab_size,
            parameters: run.parameters,
            steps: run.steps,
            seconds: run.seconds,
            metrics: &run.metrics,
        });
    }
    let mut rows = vec![
        vec!["model".to_owned(), model.display().to_string()],
        vec!["steps".to_owned(), run.steps.to_string()],
    ];
    for (name, value) in &run.metrics {
        rows.push(vec![name.replace('_', " "), format!("{value:.4}")]);
    }
    let width = rows.iter().map(|row| row[0].len()).max().unwrap_or(0);
    let lines = rows
        .iter()
        .map(|row| format!("{:<width$}  {}", row[0], row[1]));
    output::text(&lines.collect::<Vec<_>>().join("\n"))
}
