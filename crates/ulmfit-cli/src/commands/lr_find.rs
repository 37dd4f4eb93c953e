use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::Device;
use clap::{Args, ValueEnum, ValueHint};
use serde::Serialize;
use ulmfit_data::Direction;
use ulmfit_train::{
    LrCurve, LrFindOptions, LrFindStage, LrPoint, Recipe, find_learning_rate, write_atomically,
};

use crate::args::{CorpusArgs, DeviceArgs, GlobalArgs, TargetArgs, TokenizerArgs};
use crate::failure::UsageError;
use crate::pretrained::Pretrained;
use crate::progress::Progress;
use crate::{documents, output, output_file, plot};

const EXAMPLE: &str = "\
Examples:
  ulmfit lr-find train.csv --recipe recipe.toml --pretrained runs/general/model.safetensors
  ulmfit lr-find train.csv --recipe recipe.toml --language-model runs/reviews/model.safetensors \\
      --plot rates.svg
  ulmfit lr-find wiki/*.jsonl.gz --recipe recipe.toml --stage pretrain --limit 5000

The stage's steps are taken at rates that rise until the loss does, and the model is given up. The
suggestion is the middle of the longest fall; it goes into the recipe as `lr_max` of the stage.";

/// Most that the last rate may be of the first.
const LARGEST_RISE: f64 = 1e100;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct LrFindArgs {
    #[command(flatten)]
    corpus: CorpusArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Recipe with every other hyper-parameter, in TOML
    #[arg(long, value_name = "FILE")]
    recipe: PathBuf,
    /// Stage to look for a rate for [default: train with --language-model, else finetune]
    #[arg(long, value_enum, value_name = "STAGE")]
    stage: Option<StageName>,
    /// Language model to fine-tune: a file, a name that `ulmfit models` lists, or `none` [default:
    /// as `ulmfit finetune` has it]
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath, conflicts_with = "language_model")]
    pretrained: Option<Pretrained>,
    /// Language model to train a classifier on: a file, or a name that `ulmfit models` lists
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    language_model: Option<Pretrained>,
    /// Phase of the recipe's unfreezing whose layers train, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    phase: u16,
    /// First learning rate
    #[arg(long, value_name = "RATE", default_value = "1e-7")]
    from: f64,
    /// Last learning rate
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    to: f64,
    /// Steps from the first to the last
    #[arg(long, value_name = "N", default_value_t = 100)]
    steps: usize,
    /// Draw the curve into this file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Which way to read: forward or backward
    #[arg(long, value_name = "DIRECTION", default_value_t)]
    direction: Direction,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print suggestions and points as JSON
    #[arg(long)]
    json: bool,
}

/// The names of [`LrFindStage`].
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum StageName {
    /// A language model from scratch, as `ulmfit pretrain` does
    Pretrain,
    /// A language model on your own text, as `ulmfit finetune` does
    Finetune,
    /// A classifier, as `ulmfit train` does; needs --language-model
    Train,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    suggestion: Option<f64>,
    steepest: Option<f64>,
    diverged: bool,
    points: &'a [LrPoint],
}

pub(crate) fn run(args: &LrFindArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    args.check_rates()?;
    if let Some(plot) = &args.plot {
        output_file::check("--plot", plot, args.read())?;
    }
    let mut recipe = Recipe::open(&args.recipe)?;
    let device = args.device.device.open()?;
    let stage = stage(args, &device)?;
    let model = match &stage {
        LrFindStage::Pretrain | LrFindStage::Finetune(None) => None,
        LrFindStage::Finetune(Some(model)) | LrFindStage::Classifier(model) => Some(model),
    };
    // On disk, as for a stage, so that memory does not grow with the texts.
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let wanted = TokenizerArgs::default().wanted(&mut recipe.text, &mut recipe.vocab.max_size)?;
    let is_classifier = matches!(stage, LrFindStage::Classifier(_));
    let earlier = model.map(|model| &model.tokenizer);
    let earlier = earlier.filter(|earlier| is_classifier || *earlier.config() == wanted.config);
    let mut data = args.corpus.clone();
    data.layout.labels = args.target.label_kind();
    data.layout.ignore_labels = !is_classifier && data.limit == 0;
    let tokenizer = || match earlier {
        Some(earlier) => Ok(earlier.clone()),
        None => documents::tokenizer(&data, wanted, global),
    };
    let place = folder.path().join("corpus");
    let corpus = documents::tokenized(&data, tokenizer, &place, args.seed, global)?;
    let options = LrFindOptions {
        device,
        direction: args.direction,
        target: args.target.target(corpus.labels().iter()),
        seed: args.seed,
        first: args.from,
        last: args.to,
        steps: args.steps,
        phase: usize::from(args.phase) - 1,
    };
    let mut progress = Progress::new(global.quiet);
    let curve = find_learning_rate(&corpus, stage, &recipe, &options, &mut progress)?;
    drop(progress);
    if let Some(path) = &args.plot {
        let picture = plot::svg::curve(&curve.points, curve.valley())?;
        write_atomically(path, picture.as_bytes())?;
    }
    report(args, &curve)
}

impl LrFindArgs {
    /// Fails for rates that do not rise, or rise to what is no number.
    fn check_rates(&self) -> Result<(), UsageError> {
        let rises = self.from > 0.0 && self.from < self.to;
        if rises && self.to / self.from <= LARGEST_RISE && self.steps >= 2 {
            return Ok(());
        }
        Err(UsageError(format!(
            "the learning rates go from {:?} to {:?} in {} steps; they must rise from a number above 0, \
             to {LARGEST_RISE:?} times of it at most, in 2 steps or more",
            self.from, self.to, self.steps
        )))
    }

    /// The files to read.
    fn read(&self) -> impl Iterator<Item = &Path> {
        let models = [&self.pretrained, &self.language_model].into_iter();
        let models = models.filter_map(|model| match model {
            Some(Pretrained::File(path)) => Some(path),
            _ => None,
        });
        let files = self.corpus.data.iter().chain([&self.recipe]);
        files.chain(models).map(PathBuf::as_path)
    }
}

fn stage(args: &LrFindArgs, device: &Device) -> anyhow::Result<LrFindStage> {
    let named = args.stage.unwrap_or(if args.language_model.is_some() {
        StageName::Train
    } else {
        StageName::Finetune
    });
    let usage = |reason: &str| -> anyhow::Result<_> { Err(UsageError(reason.to_owned()).into()) };
    if named != StageName::Train && args.language_model.is_some() {
        return usage(
            "--language-model is what a classifier is trained on; leave it out, or say --stage train",
        );
    }
    if named != StageName::Finetune && args.pretrained.is_some() {
        return usage("--pretrained is what is fine-tuned; leave it out, or say --stage finetune");
    }
    let open = |model: &Pretrained, option| -> anyhow::Result<_> {
        let model = model.open(option, args.direction, device)?;
        Ok(model.map(Box::new))
    };
    Ok(match named {
        StageName::Pretrain => LrFindStage::Pretrain,
        StageName::Finetune => {
            let english = Pretrained::english();
            let pretrained = args.pretrained.as_ref().unwrap_or(&english);
            LrFindStage::Finetune(open(pretrained, "--pretrained")?)
        }
        StageName::Train => {
            let model = match &args.language_model {
                Some(model) => open(model, "--language-model")?,
                None => None,
            };
            let Some(model) = model else {
                return usage(
                    "a classifier is trained on a language model; name it with --language-model",
                );
            };
            LrFindStage::Classifier(model)
        }
    })
}

fn report(args: &LrFindArgs, curve: &LrCurve) -> anyhow::Result<()> {
    let (valley, steepest) = (curve.valley(), curve.steepest());
    if args.json {
        return output::json(&Summary {
            suggestion: valley,
            steepest,
            diverged: curve.diverged,
            points: &curve.points,
        });
    }
    let mut lines = vec![plot::terminal::curve(
        &curve.points,
        valley,
        output::columns(),
    )];
    lines.push(match (curve.diverged, curve.points.last()) {
        (true, Some(last)) => format!("the loss rose away at a rate of {:.1e}", last.learning_rate),
        (true, None) => "the loss was no number from the first step".to_owned(),
        (false, _) => "the loss did not rise away; the rates may go higher with --to".to_owned(),
    });
    match valley {
        Some(rate) => lines.push(format!(
            "suggestion  lr_max = {rate:.1e}  (the middle of the longest fall, ¦)"
        )),
        None => lines.push(
            "suggestion  none, since the loss hardly falls; try more with --steps, lower \
             rates with --from, or more text"
                .to_owned(),
        ),
    }
    if let Some(rate) = steepest.filter(|_| valley.is_some()) {
        lines.push(format!("steepest    {rate:.1e}"));
    }
    if let Some(path) = &args.plot {
        lines.push(format!("plot        {}", path.display()));
    }
    output::text(&lines.join("\n"))
}
