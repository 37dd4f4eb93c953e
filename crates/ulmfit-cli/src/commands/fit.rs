use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum, ValueHint};
use serde::Serialize;
use ulmfit_data::{CorpusSource, Direction, Document, Tokenizer, TokenizerConfig, read_corpus};
use ulmfit_train::bench::{self, EncoderSizes, TrainingBench};
use ulmfit_train::fit::{self, FitDocuments, FitOptions, FitPlan, FitSummary, Speed};
use ulmfit_train::{
    ModelFile, Recipe, StopSignal, Target, TrainError, TrainedLanguageModel, write_atomically,
};

use super::fit_report;
use crate::args::{DeviceArgs, GlobalArgs, LayoutArgs, TargetArgs, TokenizerArgs};
use crate::failure::paths;
use crate::pretrained::Pretrained;
use crate::progress::{Count, Progress};
use crate::{command_line, documents, interrupt, output, output_file};

const EXAMPLE: &str = "\
Examples:
  ulmfit fit reviews.csv -o reviews.safetensors
  ulmfit fit tickets.jsonl --text subject --text body --label team -o tickets.safetensors \\
      --unlabeled archive.jsonl --time-budget 30m --direction both
  ulmfit fit train.csv --validation dev.csv -o model.safetensors --pretrained wiki.safetensors
  ulmfit fit posts.csv --label tags --label-separator \";\" -o tags.safetensors
  ulmfit fit reviews.csv --label stars --regression -o stars.safetensors

Rows without a label are read by the language model alone. A tenth of each class is held out and
measured on, or a tenth of all where there are no classes. What was stopped goes on when the command
is repeated.";

/// Steps by which the machine's speed is measured.
const SPEED_STEPS: usize = 3;
/// Rows of a batch in them, at most: a recipe may name more than the memory holds or there is text for.
const SPEED_ROWS: usize = 128;
/// Words of the vocabulary that is assumed for it.
const SPEED_WORDS: usize = 10_000;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct FitArgs {
    /// Labeled documents: files, folders or archives, packed or not
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Splits to read of each DATA: train, test, unsup (aclimdb)
    #[arg(long, value_name = "SPLIT", value_delimiter = ',')]
    split: Vec<String>,
    /// Take a sample of this many labeled documents, of each class its share; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Model file to write; the summary is written beside it, as MODEL.md
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// More text of the same kind, whose labels are not used; of aclimdb its split unsup
    #[arg(long, num_args = 1.., value_name = "DATA")]
    unlabeled: Vec<PathBuf>,
    /// Labeled documents to measure on, instead of a tenth of DATA; of aclimdb its split test
    #[arg(long, num_args = 1.., value_name = "DATA")]
    validation: Vec<PathBuf>,
    /// Language model to start from: a file, a name that `ulmfit models` lists, or `none` [default:
    /// wiki-small, or none with another tokenizer than its own]
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    pretrained: Option<Pretrained>,
    #[command(flatten)]
    tokenizer: TokenizerArgs,
    /// Longest time to train, such as 90s, 30m or 2h [default: as long as it takes]
    #[arg(long, value_name = "TIME", value_parser = time)]
    time_budget: Option<Duration>,
    /// Which way to read; both makes two models, whose answers are averaged
    #[arg(long, value_enum, default_value_t = Ways::Forward)]
    direction: Ways,
    /// Recipe with every hyper-parameter, in TOML [default: chosen by the data]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Folder of the checkpoints, which are removed in the end [default: MODEL.work]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Time between checkpoints; 0 for one each step
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    checkpoint_every: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// A length of time as people write it.
fn time(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text);
    parsed.map_err(|reason| format!("{reason}; write it as in 90s, 30m or 1h 30m"))
}

/// Which ways documents are read.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ways {
    Forward,
    Backward,
    Both,
}

impl Ways {
    fn directions(self) -> &'static [Direction] {
        match self {
            Self::Forward => &[Direction::Forward],
            Self::Backward => &[Direction::Backward],
            Self::Both => &Direction::ALL,
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    model: String,
    seconds: f64,
    #[serde(flatten)]
    summary: &'a FitSummary,
}

pub(crate) fn run(args: &FitArgs, global: &GlobalArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    output_file::check("--output", &args.output, args.read())?;
    output_file::check("--output", &args.report(), args.read())?;
    args.check_work_dir()?;
    let device = args.device.device.open()?;
    let recipe = args.recipe.as_deref().map(Recipe::open).transpose()?;
    let pretrained = args.pretrained(recipe.as_ref(), &device)?;
    let any = pretrained.first();
    let documents = args.documents(global)?;
    let stop = StopSignal::default();
    let labels = documents.labeled.iter().chain(&documents.validation);
    let target = args
        .target
        .target(labels.map(|document| document.label.as_deref()));
    let mut options = args.options(recipe, target, device.clone(), stop.clone());
    options.tokenizer = args.tokenizer(any, &documents, &options)?;
    let measure = |recipe: &Recipe| speed(recipe, any, &device);
    let plan = fit::plan(documents, any.is_some(), Some(&measure), &options)?;
    if !global.quiet {
        let intention = fit_report::intention(&plan, any.is_some());
        // Whether anybody reads it or not, there is a model to be made.
        drop(write!(std::io::stderr(), "{intention}"));
    }
    interrupt::raise_on_interrupt(&stop)?;
    let opened = |direction| {
        let model = pretrained.iter().find(|model| model.direction == direction);
        Ok(model.cloned())
    };
    let mut progress = Progress::new(global.quiet);
    let fitted = fit::fit(&plan, opened, &options, &mut progress).map_err(again)?;
    drop(progress);
    ModelFile::Classifier(fitted.classifiers).save(&args.output)?;
    let seconds = started.elapsed().as_secs_f64();
    let markdown = fit_report::markdown(&plan, &fitted.summary, &args.output, seconds);
    write_atomically(&args.report(), markdown.as_bytes())?;
    let told = args.tell(&plan, &fitted.summary, seconds);
    // Model and summary are there, whether or not standard output took the figures.
    fit::clean_up(&options)?;
    told
}

impl FitArgs {
    /// The files to read.
    fn read(&self) -> impl Iterator<Item = &Path> {
        let data = self.data.iter().chain(&self.unlabeled);
        let pretrained = match &self.pretrained {
            Some(Pretrained::File(path)) => Some(path),
            _ => None,
        };
        let files = data.chain(&self.validation).chain(&self.recipe);
        let files = files.chain(&self.tokenizer.tokenizer_file);
        files.chain(pretrained).map(PathBuf::as_path)
    }

    /// The summary beside the model.
    fn report(&self) -> PathBuf {
        self.output.with_added_extension("md")
    }

    /// The folder of the checkpoints.
    fn work_dir(&self) -> PathBuf {
        match &self.work {
            Some(folder) => folder.clone(),
            None => self.output.with_added_extension("work"),
        }
    }

    /// Fails if a file to be written has the folder's name, or would be removed with what is in it.
    fn check_work_dir(&self) -> anyhow::Result<()> {
        let work = self.work_dir();
        let folder = std::path::absolute(&work)?;
        for shown in [&self.output, &self.report()] {
            let file = std::path::absolute(shown)?;
            let is_removed = file.strip_prefix(&folder).is_ok_and(|inside| {
                let first = inside.iter().next().map(|name| name.to_string_lossy());
                // The folder itself, or that of a stage.
                first.is_none_or(|name| {
                    ["finetune-", "classifier-"]
                        .iter()
                        .any(|stage| name.starts_with(stage))
                })
            });
            ensure!(
                !is_removed,
                "{} would be removed with the checkpoints in {}; name another folder with --work",
                shown.display(),
                work.display()
            );
        }
        Ok(())
    }

    /// A language model for each direction, or none at all.
    fn pretrained(
        &self,
        recipe: Option<&Recipe>,
        device: &burn::tensor::Device,
    ) -> anyhow::Result<Vec<TrainedLanguageModel>> {
        let named = match &self.pretrained {
            Some(named) => named.clone(),
            None if self.is_english(recipe)? => Pretrained::english(),
            None => Pretrained::None,
        };
        let mut models = Vec::new();
        for &direction in self.direction.directions() {
            let model = named.open("--pretrained", direction, device)?;
            if let Some(model) = &model {
                ensure!(
                    model.direction == direction,
                    "the pretrained model reads {}; choose that --direction",
                    model.direction
                );
            }
            models.extend(model);
        }
        Ok(models)
    }

    /// Whether texts become tokens as for the models on board.
    fn is_english(&self, recipe: Option<&Recipe>) -> anyhow::Result<bool> {
        let mut text = recipe.map_or_else(TokenizerConfig::default, |recipe| recipe.text.clone());
        let subwords = self.tokenizer.apply(&mut text)?;
        Ok(subwords.is_none() && text == TokenizerConfig::default())
    }

    fn documents(&self, global: &GlobalArgs) -> anyhow::Result<FitDocuments> {
        let layout = LayoutArgs {
            labels: self.target.label_kind(),
            ..self.layout.clone()
        };
        let read = |data: &[PathBuf], split: &[String], default_split: Option<&str>| {
            let sources = documents::CorpusRequest {
                data,
                split,
                default_split,
                layout: &layout,
                limit: 0,
            };
            sources.read(self.seed, global)
        };
        let all = read(&self.data, &self.split, None)?;
        let has_label = |document: &Document| {
            let label = document.label.as_deref();
            label.is_some_and(|label| !label.trim().is_empty())
        };
        let (labeled, mut unlabeled): (Vec<_>, Vec<_>) = all.into_iter().partition(has_label);
        ensure!(
            !labeled.is_empty(),
            "{} has no labels; name their column with --label, or put the text files of each class in \
             a folder of its own, right in the one that is named",
            paths(&self.data)
        );
        // Of these the labels do not matter, nor whether there are any.
        let sources = self.unlabeled.iter().map(|path| self.text_alone(path));
        let count = Count::new("documents read", global.quiet);
        for source in sources {
            let source = source?;
            for document in read_corpus(&source.path, &source.options)? {
                unlabeled.push(document?);
                count.set(unlabeled.len());
            }
        }
        count.clear();
        let validation = if self.validation.is_empty() {
            Vec::new()
        } else {
            read(&self.validation, &[], Some("test"))?
        };
        if let Some(index) = validation.iter().position(|it| !has_label(it)) {
            bail!(
                "{}: document {} has no label to compare with; name the column with --label",
                paths(&self.validation),
                index + 1
            );
        }
        Ok(FitDocuments {
            labeled: documents::sample(labeled, self.limit, self.seed, &layout.labels),
            unlabeled,
            validation,
        })
    }

    fn text_alone(&self, path: &Path) -> anyhow::Result<CorpusSource> {
        // The labeled documents may be of another format than these.
        let split = documents::default_split(path, None, "unsup")?;
        let mut source = documents::source(path, split, &self.layout);
        source.options.format = None;
        source.options.label_column = None;
        source.options.ignore_labels = true;
        Ok(source)
    }

    /// How to fit, with words for tokens.
    fn options(
        &self,
        recipe: Option<Recipe>,
        target: Target,
        device: burn::tensor::Device,
        stop: StopSignal,
    ) -> FitOptions {
        FitOptions {
            directions: self.direction.directions().to_vec(),
            seed: self.seed,
            target,
            recipe,
            max_vocab: self.tokenizer.vocab_size,
            time_budget: self.time_budget,
            checkpoint_every: Duration::from_secs(self.checkpoint_every),
            stop,
            command: command_line(),
            ..FitOptions::new(self.work_dir(), device)
        }
    }

    /// The pretrained model's tokenizer, unless another one was asked for. Subwords are learned from what
    /// is not held out.
    fn tokenizer(
        &self,
        pretrained: Option<&TrainedLanguageModel>,
        documents: &FitDocuments,
        options: &FitOptions,
    ) -> anyhow::Result<Tokenizer> {
        if let Some(trained) = pretrained.filter(|_| self.tokenizer.is_default()) {
            let config = trained.tokenizer.config();
            let recipe = options.recipe.as_ref();
            if recipe.is_some_and(|recipe| recipe.text != *config) {
                return Err(TrainError::OtherTokenizer.into());
            }
            return Ok(trained.tokenizer.clone());
        }
        let mut recipe = options.recipe.clone().unwrap_or_else(fit::recipe);
        let wanted = self
            .tokenizer
            .wanted(&mut recipe.text, &mut recipe.vocab.max_size)?;
        let text = || fit::text_to_train_on(documents.clone(), options);
        documents::tokenizer_of(text, wanted)
    }

    /// The summary, on standard output.
    fn tell(&self, plan: &FitPlan, summary: &FitSummary, seconds: f64) -> anyhow::Result<()> {
        if self.json {
            return output::json(&Printed {
                model: self.output.display().to_string(),
                seconds,
                summary,
            });
        }
        let text = fit_report::text(plan, summary, &self.output, &self.report(), seconds);
        output::text(&text)
    }
}

/// Trains for a few steps on random tokens.
fn speed(
    recipe: &Recipe,
    pretrained: Option<&TrainedLanguageModel>,
    device: &burn::tensor::Device,
) -> Result<Speed, TrainError> {
    let (d_embedding, d_hidden, n_layers) = if let Some(trained) = pretrained {
        let encoder = &trained.config.encoder;
        (encoder.d_embedding, encoder.d_hidden, encoder.n_layers)
    } else {
        let model = &recipe.model;
        (model.d_embedding, model.d_hidden, model.n_layers)
    };
    let bench = TrainingBench {
        encoder: EncoderSizes {
            vocab_size: SPEED_WORDS,
            d_embedding,
            d_hidden,
            n_layers,
        },
        batch_size: recipe.finetune.training.batch_size.min(SPEED_ROWS),
        seq_len: 70,
        softmax: recipe.finetune.softmax,
        steps: SPEED_STEPS,
    };
    let timing = bench::train_language_model(&bench, device)?;
    let mut seconds = timing.seconds;
    seconds.sort_by(f64::total_cmp);
    Ok(Speed {
        tokens_per_second: timing.tokens as f64 / seconds[seconds.len() / 2],
    })
}

/// A stopped fit goes on without --resume.
fn again(error: TrainError) -> anyhow::Error {
    if let TrainError::Stopped { stage, step } = error {
        return anyhow::anyhow!(
            "stopped at step {step} of {stage}; run the same command again to go on"
        );
    }
    error.into()
}
