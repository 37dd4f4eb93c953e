//! What fastai's versions call the weights of a model, and what they are called here.
//!
//! | | encoder | head |
//! |---|---|---|
//! | 0.7 | `0.encoder_with_dropout.embed.weight`, `0.rnns.0.module.weight_hh_l0_raw` | `1.decoder.weight` without a bias; `1.layers.0.{bn,lin}.*` |
//! | 1.0 | `0.encoder_dp.emb.weight`, `0.rnns.0.weight_hh_l0_raw`, `0.rnns.0.module.weight_hh_l0` | `1.decoder.bias`; `1.layers.{0,4}.*` and `1.layers.{2,6}.*` |
//! | 2.x | as 1.0, without `module.weight_hh_l0` | `1.decoder.bias`; `1.layers.0.{0,2}.*` |
//!
//! All have `encoder.weight` and `rnns.0.module.{weight_ih_l0,bias_ih_l0,bias_hh_l0}`; classifiers of
//! 1.0 and 2.x have `0.module.` in front, and an encoder alone has nothing.

use super::container::{Runs, Tensors};
use super::head;
use super::misfit::Refusal;
use super::survey::{Loader, Survey};
use crate::awd_lstm::AwdLstmConfig;
use crate::weights::NamedTensor;

/// Which fastai a checkpoint is of, told by the names of its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastaiVersion {
    /// 0.7, the paper's.
    V07,
    /// 1.0.
    V1,
    /// 2.0 and later.
    V2,
}

/// What a checkpoint is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastaiPart {
    /// An encoder alone, as `save_encoder` writes it.
    Encoder,
    /// An encoder and the decoder tied to it.
    LanguageModel,
    /// An encoder and a head.
    Classifier {
        /// Features of the head's hidden layer.
        d_head: usize,
        /// The number of classes.
        n_classes: usize,
    },
}

/// A model of fastai's, by the names of this crate.
#[derive(Clone, Debug)]
pub struct FastaiModel {
    /// The version of fastai that named its tensors.
    pub version: FastaiVersion,
    /// What it is.
    pub part: FastaiPart,
    /// The encoder's sizes; dropout is not part of a checkpoint.
    pub encoder: AwdLstmConfig,
    /// The weights of a [`LanguageModel`](crate::LanguageModel), whose decoder has a bias of zeros
    /// where the checkpoint has none, or of a [`TextClassifier`](crate::TextClassifier).
    pub weights: Vec<NamedTensor>,
}

/// How one of our weights comes about.
pub(super) enum Source {
    /// A tensor of the checkpoint.
    Copy(String),
    /// The sum of two: `PyTorch`'s LSTM has two biases, and only their sum enters the gates.
    Sum(String, String),
    /// Zeros, for a bias that there is not.
    Zeros,
}

/// A weight by our name, with its shape and its source.
pub(super) type Planned = (String, Vec<usize>, Source);

pub(super) fn read(tensors: &Tensors<'_>, runs: &mut dyn Runs) -> Result<FastaiModel, Refusal> {
    let prefix = prefix(tensors)?;
    let encoder = sizes(tensors, prefix)?;
    let mut survey = Survey::new(tensors);
    let (embedding, aliases, mut planned) = plan_encoder(&mut survey, prefix, &encoder);
    let mut aliases = aliases;
    let vocab_size = encoder.vocab_size;
    let (part, model) = if head::is_there(tensors) {
        let (sizes, blocks) = head::plan(&mut survey, tensors, encoder.d_embedding)?;
        planned.extend(blocks);
        let [d_head, n_classes] = sizes;
        (FastaiPart::Classifier { d_head, n_classes }, "a classifier")
    } else {
        let decoder = survey.accept("1.decoder.weight", &[vocab_size, encoder.d_embedding]);
        let bias = survey.accept("1.decoder.bias", &[vocab_size]);
        let part = match (&decoder, &bias) {
            (None, None) => FastaiPart::Encoder,
            _ => FastaiPart::LanguageModel,
        };
        aliases.extend(decoder);
        let source = bias.map_or(Source::Zeros, Source::Copy);
        planned.push(("decoder_bias".to_owned(), vec![vocab_size], source));
        (part, "a language model")
    };
    survey.finish(model)?;

    let mut loader = Loader::new(tensors, runs);
    let mut weights = Vec::with_capacity(planned.len());
    for (name, shape, source) in planned {
        let values = match &source {
            Source::Copy(from) => loader.floats(from)?,
            Source::Sum(one, other) => {
                let mut sum = loader.floats(one)?;
                let other = loader.floats(other)?;
                sum.iter_mut()
                    .zip(other)
                    .for_each(|(sum, other)| *sum += other);
                sum
            }
            Source::Zeros => vec![0.0; shape.iter().product()],
        };
        if matches!(&source, Source::Copy(from) if *from == embedding) {
            for alias in &aliases {
                loader.same(alias, &embedding, &values)?;
            }
        }
        weights.push(NamedTensor {
            name,
            shape,
            values,
        });
    }
    Ok(FastaiModel {
        version: version(tensors, prefix),
        part,
        encoder,
        weights,
    })
}

/// What is in front of the encoder's names.
fn prefix(tensors: &Tensors<'_>) -> Result<&'static str, Refusal> {
    let known = ["", "0.", "0.module."];
    let mut known = known.into_iter();
    let found =
        known.find(|prefix| tensors.contains_key(format!("{prefix}encoder.weight").as_str()));
    found.ok_or_else(|| {
        let first = tensors.keys().next().map_or_else(
            || "none".to_owned(),
            |name| format!("{}, for one", super::container::shown(name)),
        );
        Refusal::from(format!(
            "has no encoder.weight among its {} tensors ({first}); a model of fastai's AWD_LSTM is \
             needed",
            tensors.len()
        ))
    })
}

/// The sizes that the tensors tell. What is told twice is compared later.
fn sizes(tensors: &Tensors<'_>, prefix: &str) -> Result<AwdLstmConfig, Refusal> {
    let shape = |name: String| match tensors.get(name.as_str())?.shape[..] {
        [rows, columns] => Some((rows, columns)),
        _ => None,
    };
    let layers = tensors.keys().filter_map(|name| {
        let (index, part) = name
            .strip_prefix(prefix)?
            .strip_prefix("rnns.")?
            .split_once('.')?;
        Some((index.parse::<usize>().ok()?, part))
    });
    let layers = layers.collect::<Vec<_>>();
    if layers
        .iter()
        .any(|(_, part)| part.ends_with("linear.weight") || part.contains("layers."))
    {
        return Err(Refusal::from(
            "is a QRNN model, and LSTM models alone can be imported".to_owned(),
        ));
    }
    let (vocab_size, d_embedding) = shape(format!("{prefix}encoder.weight"))
        .ok_or_else(|| "has an encoder.weight that is no matrix".to_owned())?;
    let n_layers = layers
        .iter()
        .map(|(index, _)| index.saturating_add(1))
        .max();
    // The second layer reads what the first one writes; either tells the size.
    let d_hidden = shape(format!("{prefix}rnns.1.module.weight_ih_l0"))
        .map(|(_, d_input)| d_input)
        .or_else(|| {
            shape(format!("{prefix}rnns.0.module.weight_ih_l0")).map(|(gates, _)| gates / 4)
        });
    let config = AwdLstmConfig::new(vocab_size)
        .with_d_embedding(d_embedding)
        .with_d_hidden(d_hidden.unwrap_or(d_embedding))
        .with_n_layers(n_layers.unwrap_or(1));
    config.validate()?;
    Ok(config)
}

/// The encoder's weights: the name of the embedding, other names of it, and where each comes from.
fn plan_encoder(
    survey: &mut Survey<'_>,
    prefix: &str,
    config: &AwdLstmConfig,
) -> (String, Vec<String>, Vec<Planned>) {
    let matrix = vec![config.vocab_size, config.d_embedding];
    let embedding = survey.expect(&[format!("{prefix}encoder.weight")], &matrix);
    let others = ["encoder_dp.emb.weight", "encoder_with_dropout.embed.weight"];
    let aliases = others
        .into_iter()
        .filter_map(|name| survey.accept(&format!("{prefix}{name}"), &matrix))
        .collect();
    let mut planned = vec![(
        "encoder.embedding".to_owned(),
        matrix,
        Source::Copy(embedding.clone()),
    )];
    for index in 0..config.n_layers {
        let (d_input, d_hidden) = config.layer_sizes(index);
        let layer = format!("{prefix}rnns.{index}");
        let module = format!("{layer}.module");
        let gates = 4 * d_hidden;
        // The first is what is trained. What has no `_raw` is what weight drop left of it in the
        // last forward pass; it counts only where it is alone.
        let hh = [
            format!("{layer}.weight_hh_l0_raw"),
            format!("{module}.weight_hh_l0_raw"),
            format!("{module}.weight_hh_l0"),
        ];
        let ih = survey.expect(&[format!("{module}.weight_ih_l0")], &[gates, d_input]);
        let hh_found = survey.expect(&hh, &[gates, d_hidden]);
        let [_, _, dropped] = hh;
        survey.ignore(dropped);
        let biases = ["bias_ih_l0", "bias_hh_l0"]
            .map(|name| survey.expect(&[format!("{module}.{name}")], &[gates]));
        let [bias_ih, bias_hh] = biases;
        let ours = format!("encoder.layers.{index}");
        planned.extend([
            (
                format!("{ours}.weight_ih"),
                vec![gates, d_input],
                Source::Copy(ih),
            ),
            (
                format!("{ours}.weight_hh"),
                vec![gates, d_hidden],
                Source::Copy(hh_found),
            ),
            (
                format!("{ours}.bias"),
                vec![gates],
                Source::Sum(bias_ih, bias_hh),
            ),
        ]);
    }
    (embedding, aliases, planned)
}

fn version(tensors: &Tensors<'_>, prefix: &str) -> FastaiVersion {
    let has = |name: &str| tensors.contains_key(format!("{prefix}{name}").as_str());
    if has("encoder_with_dropout.embed.weight") || has("rnns.0.module.weight_hh_l0_raw") {
        FastaiVersion::V07
    } else if has("rnns.0.module.weight_hh_l0") || tensors.contains_key("1.layers.2.bias") {
        FastaiVersion::V1
    } else {
        FastaiVersion::V2
    }
}
