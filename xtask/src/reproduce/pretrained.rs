//! The language models that come with ulmfit.

use std::path::Path;

use crate::{checksum, workspace};

/// What fine-tuning starts from unless the person says otherwise.
pub(crate) const ENGLISH: &str = "wiki-small";

/// The digest of the model that `--pretrained` names: of a file, or of one on board; none without one.
pub(crate) fn digest(name: Option<&str>, direction: &str) -> anyhow::Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    let on_board = workspace::root().join(format!("models/{name}-{direction}.safetensors"));
    let path = if on_board.is_file() {
        &on_board
    } else {
        Path::new(name)
    };
    checksum::sha256_of_file(path).map(Some)
}
