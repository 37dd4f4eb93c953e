//! Which language model a stage starts from.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::bail;
use burn::tensor::Device;
use ulmfit_data::Direction;
use ulmfit_train::{ModelFile, TrainedLanguageModel};

/// What `--pretrained` and `--language-model` name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pretrained {
    /// None: the stage starts from random weights.
    None,
    /// A model that comes with ulmfit.
    OnBoard(String),
    /// A model file.
    File(PathBuf),
}

impl FromStr for Pretrained {
    type Err = Infallible;

    /// A name on board comes before a file of that name, which `./` tells from it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let on_board = ulmfit_pretrained::ALL
            .iter()
            .any(|model| model.name == text);
        Ok(match text {
            "none" => Self::None,
            name if on_board => Self::OnBoard(name.to_owned()),
            path => Self::File(path.into()),
        })
    }
}

impl Pretrained {
    /// The model that English text starts from.
    pub(crate) fn english() -> Self {
        Self::OnBoard(ulmfit_pretrained::ENGLISH.to_owned())
    }

    /// Opens the model that reads this way; none for a start from random weights. `option` is what it
    /// was named with.
    pub(crate) fn open(
        &self,
        option: &str,
        direction: Direction,
        device: &Device,
    ) -> anyhow::Result<Option<TrainedLanguageModel>> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => Ok(Some(ModelFile::open_language_model(path, device)?)),
            Self::OnBoard(name) => match ulmfit_pretrained::find(name, direction) {
                Some(model) => on_board(&model, device).map(Some),
                None => bail!(
                    "there is no {name} on board yet that reads {direction}; name a model file with \
                     {option}, or say {option} none to start from random weights"
                ),
            },
        }
    }
}

/// A model on board, with its weights on `device`.
pub(crate) fn on_board(
    model: &ulmfit_pretrained::Pretrained,
    device: &Device,
) -> anyhow::Result<TrainedLanguageModel> {
    let bytes = model.bytes.to_vec();
    Ok(ModelFile::language_model_from_bytes(
        bytes, model.file, device,
    )?)
}
