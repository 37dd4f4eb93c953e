use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use ulmfit_data::{Direction, Splitter, Subwords, Tokenizer, TokenizerConfig};
use ulmfit_train::{
    FastaiImport, FastaiPart, FastaiVersion, Imported, ModelFile, import_export, import_fastai,
};

use crate::args::RuleSet;
use crate::device::DeviceName;
use crate::failure::UsageError;
use crate::{output, output_file};

const EXAMPLE: &str = "\
Examples:
  ulmfit import wt103-fwd/lstm_fwd.pth --vocab wt103-fwd/itos_wt103.pkl -o wt103.safetensors
  ulmfit finetune train.csv --recipe recipe.toml --run runs/reviews --pretrained wt103.safetensors
  ulmfit import models/sentiment.pth --vocab vocab.pkl --labels neg,pos -o sentiment.safetensors
  ulmfit predict sentiment.safetensors new.csv

What learn.save and learn.save_encoder wrote is read, of fastai 0.7, 1.0 and 2, and nothing in it is
executed; a whole learner, as by learn.export, is refused. fastai saves its vocabulary by
  pickle.dump(learn.dls.vocab, open('vocab.pkl', 'wb'))
A folder that `ulmfit export` wrote gives back the very model that was exported.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ImportArgs {
    /// Checkpoint of fastai's (.pth, .h5 or safetensors), or a folder that `ulmfit export` wrote
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Model file to write
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Pickled vocabulary, or a list of strings in JSON [default: the one beside the checkpoint]
    #[arg(long, value_name = "FILE")]
    vocab: Option<PathBuf>,
    /// Names of the classes, in their order [default: those in the vocabulary, or numbers]
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    labels: Vec<String>,
    /// Which way the model reads: forward or backward [default: forward]
    #[arg(long, value_name = "DIRECTION")]
    direction: Option<Direction>,
    /// Text rules of its training [default: as the vocabulary's special tokens tell]
    #[arg(long, value_enum, value_name = "RULES")]
    rules: Option<RuleSet>,
    /// Subwords of its training: a tokenizer.json, or a SentencePiece .model [default: English words]
    #[arg(long, value_name = "FILE")]
    tokenizer_file: Option<PathBuf>,
    /// Store it in half precision, as many a checkpoint is: a file of half the size
    #[arg(long)]
    half: bool,
    /// Print what was imported as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    model: String,
    kind: &'static str,
    fastai: &'static str,
    vocab: String,
    vocab_size: usize,
    d_embedding: usize,
    d_hidden: usize,
    n_layers: usize,
    direction: Direction,
    tokenizer: &'a TokenizerConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a [String]>,
    /// Classifiers of an ensemble, the first of which is described.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
}

pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let files = [&args.vocab, &args.tokenizer_file].into_iter().flatten();
    let read = files.chain([&args.checkpoint]).map(PathBuf::as_path);
    output_file::check("--output", &args.output, read)?;
    let device = DeviceName::default().open()?;
    let imported = if args.checkpoint.is_dir() {
        args.ensure_nothing_for_a_checkpoint()?;
        import_export(&args.checkpoint, &device)?
    } else {
        import_fastai(&request(args)?, &device)?
    };
    // Which one it is may have been found out just now.
    output_file::refuse_read("--output", &args.output, [imported.vocab.as_path()])?;
    if args.half {
        imported.model.save_half(&args.output)?;
    } else {
        imported.model.save(&args.output)?;
    }
    report(args, &imported)
}

impl ImportArgs {
    /// Fails for options that say what an exported folder says itself.
    fn ensure_nothing_for_a_checkpoint(&self) -> Result<(), UsageError> {
        let given = [
            ("--vocab", self.vocab.is_some()),
            ("--labels", !self.labels.is_empty()),
            ("--direction", self.direction.is_some()),
            ("--rules", self.rules.is_some()),
            ("--tokenizer-file", self.tokenizer_file.is_some()),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        let given: Vec<_> = given.map(|(option, _)| option).collect();
        if given.is_empty() {
            return Ok(());
        }
        Err(UsageError(format!(
            "{} is a folder, and what `ulmfit export` wrote into it says all of the model; leave out {}",
            self.checkpoint.display(),
            given.join(", ")
        )))
    }
}

fn request(args: &ImportArgs) -> anyhow::Result<FastaiImport> {
    let subwords = args.tokenizer_file.as_deref().map(Subwords::open);
    let subwords = subwords.transpose()?;
    let labels = (!args.labels.is_empty()).then(|| args.labels.clone());
    Ok(FastaiImport {
        checkpoint: args.checkpoint.clone(),
        vocab: args.vocab.clone(),
        rules: args.rules.map(Into::into),
        splitter: subwords
            .as_ref()
            .map_or(Splitter::Word, |subwords| subwords.kind().into()),
        subwords,
        labels,
        direction: args.direction.unwrap_or_default(),
    })
}

fn report(args: &ImportArgs, imported: &Imported) -> anyhow::Result<()> {
    let fastai = match imported.version {
        FastaiVersion::V07 => "0.7",
        FastaiVersion::V1 => "1.0",
        FastaiVersion::V2 => "2",
    };
    let kind = match imported.part {
        FastaiPart::Encoder => "encoder",
        FastaiPart::LanguageModel => "language model",
        FastaiPart::Classifier { .. } => "classifier",
    };
    let (encoder, tokenizer, direction, labels, members) = match &imported.model {
        ModelFile::LanguageModel(trained) => {
            let encoder = &trained.config.encoder;
            (encoder, &trained.tokenizer, trained.direction, None, None)
        }
        ModelFile::Classifier(members) => {
            let [trained, ..] = &members[..] else {
                anyhow::bail!("the checkpoint holds no classifier");
            };
            let labels = Some(&trained.labels[..]);
            (
                &trained.config.encoder,
                &trained.tokenizer,
                trained.direction,
                labels,
                Some(members.len()).filter(|&count| count > 1),
            )
        }
    };
    if args.json {
        return output::json(&Summary {
            model: args.output.display().to_string(),
            kind,
            fastai,
            vocab: imported.vocab.display().to_string(),
            vocab_size: encoder.vocab_size,
            d_embedding: encoder.d_embedding,
            d_hidden: encoder.d_hidden,
            n_layers: encoder.n_layers,
            direction,
            tokenizer: tokenizer.config(),
            labels,
            members,
        });
    }
    let mut lines = vec![
        format!("model      {}", args.output.display()),
        format!("kind       {kind} of fastai {fastai}, {direction}"),
        format!(
            "sizes      {}/{}/{}, {} tokens of {}",
            encoder.d_embedding,
            encoder.d_hidden,
            encoder.n_layers,
            encoder.vocab_size,
            imported.vocab.display()
        ),
        format!("tokenizer  {}", described(tokenizer)),
    ];
    if let Some(members) = members {
        let line = format!("members    {members}, of which this is the first");
        lines.push(line);
    }
    if let Some(labels) = labels {
        lines.push(format!("labels     {}", labels.join(", ")));
    }
    if imported.part == FastaiPart::Encoder {
        lines.push(
            "note       an encoder alone: it serves `ulmfit train`, and its predictions of words \
             lack a bias"
                .to_owned(),
        );
    }
    output::text(&lines.join("\n"))
}

/// The rules and the splitter by the names that they have in recipes.
fn described(tokenizer: &Tokenizer) -> String {
    let config = serde_json::json!(tokenizer.config());
    let name = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    format!("{}, rules {}", name("splitter"), name("rules"))
}
