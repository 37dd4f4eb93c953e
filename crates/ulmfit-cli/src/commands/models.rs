use clap::Args;
use serde::Serialize;
use ulmfit_pretrained::Pretrained;

use crate::device::DeviceName;
use crate::output;
use crate::pretrained;

const EXAMPLE: &str = "\
Examples:
  ulmfit models
  ulmfit finetune reviews.csv --recipe recipe.toml --run runs/reviews --pretrained wiki-small";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ModelsArgs {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A model on board, as it is listed.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    direction: &'static str,
    vocab_size: usize,
    d_embedding: usize,
    d_hidden: usize,
    n_layers: usize,
    bytes: usize,
    about: &'static str,
}

pub(crate) fn run(args: &ModelsArgs) -> anyhow::Result<()> {
    let listed = ulmfit_pretrained::ALL
        .iter()
        .map(listed)
        .collect::<anyhow::Result<Vec<_>>>()?;
    if args.json {
        return output::json(&listed);
    }
    let lines = listed.iter().map(|model| {
        format!(
            "{} {:<8}  {:.1} MB, {} words, sizes {}/{}/{}\n    {}",
            model.name,
            model.direction,
            model.bytes as f64 / 1e6,
            model.vocab_size,
            model.d_embedding,
            model.d_hidden,
            model.n_layers,
            model.about
        )
    });
    output::text(&lines.collect::<Vec<_>>().join("\n"))
}

fn listed(model: &Pretrained) -> anyhow::Result<Listed> {
    let device = DeviceName::default().open()?;
    let trained = pretrained::on_board(model, &device)?;
    let encoder = trained.config.encoder;
    Ok(Listed {
        name: model.name,
        direction: model.direction.as_str(),
        vocab_size: encoder.vocab_size,
        d_embedding: encoder.d_embedding,
        d_hidden: encoder.d_hidden,
        n_layers: encoder.n_layers,
        bytes: model.bytes.len(),
        about: model.about,
    })
}
