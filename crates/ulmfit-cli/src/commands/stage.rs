//! What the three training commands have in common.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::Serialize;
use ulmfit_data::{TokenizedCorpus, Tokenizer, is_encoded_corpus};
use ulmfit_train::{Observer, Recipe, RunOptions, StopSignal, check_run_dir, read_run_info};

use super::run_corpus::RunCorpus;
use crate::args::{GlobalArgs, StageArgs, TokenizerArgs};
use crate::failure::UsageError;
use crate::progress::Progress;
use crate::{command_line, dashboard, documents, interrupt, output};

/// All that a stage needs.
pub(super) struct Prepared {
    pub(super) recipe: Recipe,
    pub(super) options: RunOptions,
    pub(super) observer: Box<dyn Observer>,
    pub(super) corpus: TokenizedCorpus,
}

/// Checks what is cheap to check, then opens the corpus, or encodes the texts into the run's folder:
/// as recipe and command line say, with the pieces of an earlier stage where those are of the same
/// kind. `None` for the command line leaves it all to the earlier stage.
pub(super) fn prepare(
    args: &StageArgs,
    tokenizer: Option<&TokenizerArgs>,
    earlier: Option<&Tokenizer>,
    global: &GlobalArgs,
) -> anyhow::Result<Prepared> {
    let mut recipe = Recipe::open(&args.recipe)?;
    check_run_dir(&args.run, args.resume)?;
    ensure!(
        !is_encoded_corpus(&args.run),
        "{} is an encoded corpus, in which nothing else may be; name another folder with --run",
        args.run.display()
    );
    if args.tui {
        dashboard::check()?;
    }
    let default = TokenizerArgs::default();
    let wanted = tokenizer.unwrap_or(&default);
    let wanted = wanted.wanted(&mut recipe.text, &mut recipe.vocab.max_size)?;
    let earlier = earlier.filter(|earlier| {
        tokenizer.is_none() || (wanted.subwords.is_none() && *earlier.config() == wanted.config)
    });
    let has_pieces = earlier.is_some_and(|earlier| earlier.subwords().is_some());
    if has_pieces && tokenizer.is_some_and(|tokenizer| tokenizer.vocab_size.is_some()) {
        let reason =
            "the pretrained model brings its pieces, as many as they are; leave out --vocab-size";
        return Err(UsageError(reason.into()).into());
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
        command: command_line(),
    };
    let texts = RunCorpus::new(args);
    texts.claim()?;
    let tokenizer = || match earlier {
        Some(earlier) => Ok(earlier.clone()),
        None => documents::tokenizer(&args.corpus, wanted, global),
    };
    let corpus = documents::tokenized(&args.corpus, tokenizer, &texts.place, args.seed, global)?;
    interrupt::raise_on_interrupt(&stop)?;
    let observer = if args.tui {
        dashboard::open(&stop)
    } else {
        Box::new(Progress::new(global.quiet))
    };
    Ok(Prepared {
        recipe,
        options,
        observer,
        corpus,
    })
}

/// The result of a stage, as `--json` prints it.
#[derive(Serialize)]
struct Summary<'a> {
    stage: &'a str,
    model: String,
    direction: &'a str,
    documents: [usize; 2],
    tokens: [usize; 2],
    vocab_size: usize,
    parameters: usize,
    steps: u64,
    seconds: f64,
    metrics: &'a BTreeMap<String, f64>,
}

/// Prints what a finished run came to, and removes what it no longer needs.
pub(super) fn report(args: &StageArgs) -> anyhow::Result<()> {
    RunCorpus::new(args).remove()?;
    let run = read_run_info(&args.run).context("the run is done, but its record is gone")?;
    let model = args.run.join("model.safetensors").display().to_string();
    if args.json {
        return output::json(&Summary {
            stage: &run.stage,
            model,
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
        vec!["model".to_owned(), model],
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
