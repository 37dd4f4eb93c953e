//! The language models that come with ulmfit.

use std::path::{Path, PathBuf};

use crate::{checksum, workspace};

/// What fine-tuning starts from unless the person says otherwise.
pub(crate) const ENGLISH: &str = "wiki-small";

/// What `--pretrained` names, as a process in any folder takes it: a name on board, or the whole path of a
/// file.
pub(crate) fn anywhere(name: &str) -> std::io::Result<String> {
    let mut directions = ["forward", "backward"].into_iter();
    if directions.any(|direction| on_board(name, direction).is_file()) {
        return Ok(name.to_owned());
    }
    Ok(std::path::absolute(name)?.to_string_lossy().into_owned())
}

/// The digest of the model that `--pretrained` names: of a file, or of one on board; none without one.
pub(crate) fn digest(name: Option<&str>, direction: &str) -> anyhow::Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    let on_board = on_board(name, direction);
    let path = if on_board.is_file() {
        &on_board
    } else {
        Path::new(name)
    };
    checksum::sha256_of_file(path).map(Some)
}

/// Where a model of that name is, if it is one on board.
fn on_board(name: &str, direction: &str) -> PathBuf {
    workspace::root().join(format!("models/{name}-{direction}.safetensors"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_from_every_folder_and_a_name_on_board_stays() {
        let anywhere = |name| anywhere(name).expect("a path");
        assert_eq!(anywhere(ENGLISH), ENGLISH);
        let here = std::env::current_dir().expect("a folder");
        let file = anywhere("lm.safetensors");
        assert_eq!(Path::new(&file), here.join("lm.safetensors"));
    }
}
