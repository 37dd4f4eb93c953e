use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use ulmfit_train::{GenerateOptions, ModelFile, generate};

use crate::args::DeviceArgs;
use crate::output;

const EXAMPLE: &str = "\
Examples:
  ulmfit generate runs/reviews/model.safetensors \"This film is\"
  ulmfit generate runs/reviews/model.safetensors --tokens 100 --temperature 0.7 --seed 3
  ulmfit generate runs/reviews/model.safetensors \"It was\" --temperature 0  # most probable words

The same seed gives the same text. A model that reads backward tells what leads up to PROMPT.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct GenerateArgs {
    /// Language model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Text to go on with
    #[arg(value_name = "PROMPT", default_value = "")]
    prompt: String,
    /// Tokens to add: words, punctuation, and marks of capitals
    #[arg(long, value_name = "N", default_value_t = 50)]
    tokens: usize,
    /// Below 1, more of what is probable; above, more of what is not; 0 for the most probable alone
    #[arg(long, value_name = "T", default_value_t = 1.0, value_parser = temperature)]
    temperature: f64,
    /// Draw among the N most probable tokens; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    top_k: usize,
    /// Seed of every draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    device: DeviceArgs,
    /// Print text and tokens as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Generated<'a> {
    text: &'a str,
    tokens: &'a [String],
    seed: u64,
}

pub(crate) fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let trained = ModelFile::open_language_model(&args.model, &args.device.device.open()?)?;
    let options = GenerateOptions {
        tokens: args.tokens,
        temperature: args.temperature,
        top_k: args.top_k,
        seed: args.seed,
    };
    let tokens = generate(&trained, &args.prompt, &options)?;
    let text = trained.tokenizer.detokenize(&tokens);
    let prompt = trained
        .tokenizer
        .detokenize(&trained.tokenizer.tokenize(&args.prompt));
    let text = with_prompt(&text, &prompt, args.prompt.trim());
    if args.json {
        return output::json(&Generated {
            text: &text,
            tokens: &tokens,
            seed: args.seed,
        });
    }
    output::text(&text)
}

/// The text with the prompt as it was given, in place of what its tokens were made to.
fn with_prompt(text: &str, prompt: &str, given: &str) -> String {
    if let Some(rest) = text.strip_prefix(prompt) {
        return format!("{given}{rest}");
    }
    let rest = text.strip_suffix(prompt); // read backward
    rest.map_or_else(|| text.to_owned(), |rest| format!("{rest}{given}"))
}

fn temperature(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>();
    match number {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number from 0 on is needed, such as 0.8".to_owned()),
    }
}
