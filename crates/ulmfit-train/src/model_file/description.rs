//! The metadata of a model file: which models it holds, and all that their weights do not say.

use serde::{Deserialize, Serialize};
use ulmfit_data::{Direction, Rules, Splitter, Subwords, TokenizerConfig, Vocab};
use ulmfit_model::{LanguageModelConfig, Precision, TextClassifierConfig};

use super::Provenance;
use crate::target::{Standardization, Target};
use crate::tensor_file::{Storage, TensorFile};

/// The key of the metadata.
pub(super) const KEY: &str = "ulmfit";
/// The version of files whose weights are all floats.
const FLOAT_VERSION: u32 = 1;
/// The version of files with weights in eight bits.
const INT8_VERSION: u32 = 2;
/// The version of files with another tokenizer than fastai v2's words, which was the only one.
const TOKENIZER_VERSION: u32 = 3;
/// The version of files with weights in half precision or a temperature.
const HALF_VERSION: u32 = 4;
/// The version of files with another target than one class a document.
const FORMAT_VERSION: u32 = 5;

/// The metadata of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    pub(super) format_version: u32,
    pub(super) members: Vec<Member>,
}

/// The version alone, to be read before anything else is.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) kind: Kind,
    pub(super) tokenizer: TokenizerConfig,
    /// The text of a `tokenizer.json`, where the tokenizer is one of subwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subwords: Option<Subwords>,
    pub(super) vocab: Vocab,
    pub(super) direction: Direction,
    pub(super) provenance: Provenance,
    #[serde(default, skip_serializing_if = "Weights::is_float32")]
    pub(super) weights: Weights,
}

/// How the encoder's matrices are stored.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Weights {
    #[default]
    Float32,
    /// As floats of 16 bits, which become float32 when they are read.
    Float16,
    /// As whole numbers from -127 to 127, with a scale for each row.
    Int8,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Kind {
    LanguageModel {
        config: LanguageModelConfig,
    },
    Classifier {
        config: TextClassifierConfig,
        labels: Vec<String>,
        #[serde(default, skip_serializing_if = "Target::is_single_label")]
        target: Target,
        #[serde(default, skip_serializing_if = "Standardization::is_none")]
        standardization: Standardization,
        #[serde(default = "no_temperature", skip_serializing_if = "is_no_temperature")]
        temperature: f32,
    },
}

fn no_temperature() -> f32 {
    1.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::float_cmp,
    reason = "serde calls it with a reference; only the very default is left out"
)]
fn is_no_temperature(temperature: &f32) -> bool {
    *temperature == no_temperature()
}

impl Weights {
    /// How a weight is stored: where any are rounded it is the encoder's matrices, which are nearly all
    /// of a model.
    pub(super) fn storage(self, name: &str, shape: &[usize]) -> Storage {
        let can_be_rounded = name.starts_with("encoder.") && shape.len() == 2;
        match self {
            Self::Float16 if can_be_rounded => Storage::Half,
            Self::Int8 if can_be_rounded => Storage::Int8,
            _ => Storage::Exact,
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde calls it with a reference"
    )]
    fn is_float32(&self) -> bool {
        *self == Self::Float32
    }
}

impl From<Weights> for Precision {
    fn from(weights: Weights) -> Self {
        match weights {
            Weights::Float32 | Weights::Float16 => Self::Float32,
            Weights::Int8 => Self::Int8,
        }
    }
}

impl From<Precision> for Weights {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Float32 => Self::Float32,
            Precision::Int8 => Self::Int8,
        }
    }
}

/// The lowest version that says all of it, so that an older ulmfit reads what it can.
pub(super) fn format_version(members: &[Member]) -> u32 {
    let first_tokenizer = TokenizerConfig {
        rules: Rules::FastaiV2,
        splitter: Splitter::Word,
    };
    let has = |weights| members.iter().any(|member| member.weights == weights);
    let has_temperature = members.iter().any(|member| match &member.kind {
        Kind::Classifier { temperature, .. } => !is_no_temperature(temperature),
        Kind::LanguageModel { .. } => false,
    });
    let has_target = members.iter().any(|member| match &member.kind {
        Kind::Classifier { target, .. } => !target.is_single_label(),
        Kind::LanguageModel { .. } => false,
    });
    if has_target {
        FORMAT_VERSION
    } else if has(Weights::Float16) || has_temperature {
        HALF_VERSION
    } else if members
        .iter()
        .any(|member| member.tokenizer != first_tokenizer)
    {
        TOKENIZER_VERSION
    } else if has(Weights::Int8) {
        INT8_VERSION
    } else {
        FLOAT_VERSION
    }
}

/// The models that a file describes, at least one.
pub(super) fn members(file: &TensorFile) -> Result<Vec<Member>, String> {
    const NOT_OURS: &str = "not a model of ulmfit: its metadata has no \"ulmfit\" entry";
    let version = file.description::<Version>(KEY).ok_or(NOT_OURS)?;
    let damaged = |error: serde_json::Error| format!("its description is damaged ({error})");
    let Version { format_version } = version.map_err(damaged)?;
    if !(FLOAT_VERSION..=FORMAT_VERSION).contains(&format_version) {
        return Err(format!(
            "of format version {format_version}, and this ulmfit reads versions {FLOAT_VERSION} to \
             {FORMAT_VERSION}; use the ulmfit that made it"
        ));
    }
    let Description { members, .. } = file
        .description::<Description>(KEY)
        .ok_or(NOT_OURS)?
        .map_err(damaged)?;
    if members.is_empty() {
        Err("holds no model".to_owned())
    } else {
        Ok(members)
    }
}
