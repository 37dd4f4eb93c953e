//! Which language model a stage starts from.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use burn::tensor::Device;
use ulmfit_data::Direction;
use ulmfit_train::{ModelFile, TrainedLanguageModel};

/// What `--pretrained` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pretrained {
    /// None: the stage starts from scratch.
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
    /// Opens the model that reads this way; none for a start from scratch.
    pub(crate) fn open(
        &self,
        direction: Direction,
        device: &Device,
    ) -> anyhow::Result<Option<TrainedLanguageModel>> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => Ok(Some(ModelFile::open_language_model(path, device)?)),
            Self::OnBoard(name) => on_board(name, direction, device).map(Some),
        }
    }
}

pub(crate) fn on_board(
    name: &str,
    direction: Direction,
    device: &Device,
) -> anyhow::Result<TrainedLanguageModel> {
    let model = ulmfit_pretrained::find(name, direction)
        .with_context(|| format!("there is no {name} that reads {direction}"))?;
    match ModelFile::from_bytes(model.bytes.to_vec(), Path::new(model.file), device)? {
        ModelFile::LanguageModel(trained) => Ok(*trained),
        ModelFile::Classifier(_) => anyhow::bail!("{} holds no language model", model.file),
    }
}
