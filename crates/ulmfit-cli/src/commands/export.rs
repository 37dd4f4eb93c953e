use std::path::PathBuf;

use clap::Args;
use ulmfit_train::{ModelFile, export_fastai};

use crate::device::DeviceName;
use crate::output;

const EXAMPLE: &str = "\
Examples:
  ulmfit export runs/reviews/model.safetensors -o exported
  ulmfit import exported -o again.safetensors

The folder gets
  model.safetensors    all weights, by the names of fastai 2
  encoder.safetensors  those of the encoder, by the names that learn.save_encoder gives them
  vocab.json           the tokens in the order of their ids
  vocab.pkl            the same, pickled as fastai does
  tokenizer.json       subwords for Hugging Face's tokenizers; of words, the ids of tokens that
                       `ulmfit tokenize` has cut
  ulmfit.json          sizes, settings and labels

In Python, with a learner of the same sizes and that vocabulary:
  safetensors.torch.load_model(learn.model, 'exported/model.safetensors')
A classifier's linear layers have biases here and none in fastai 2, where they are added before:
  for block in learn.model[1].layers:
      for layer in block:
          if isinstance(layer, nn.Linear):
              layer.bias = nn.Parameter(torch.zeros(layer.out_features))";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ExportArgs {
    /// Language model, classifier or ensemble
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Folder to write
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let model = ModelFile::open(&args.model, &DeviceName::default().open()?)?;
    let files = export_fastai(&model, &args.output)?;
    let lines = files.iter().map(|path| path.display().to_string());
    output::text(&lines.collect::<Vec<_>>().join("\n"))
}
