//! What a command reads it must not write over.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// Fails if `output`, which `option` names, is one of the files to be read.
pub(crate) fn refuse<'a>(
    option: &str,
    output: &Path,
    read: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let mut read = read.into_iter();
    let is_read = |file: PathBuf| read.any(|path| path.canonicalize().is_ok_and(|it| it == file));
    refuse_if(option, output, is_read)
}

/// Fails if `output` is a file in a folder that is read as a whole.
pub(crate) fn refuse_within(option: &str, output: &Path, folder: &Path) -> anyhow::Result<()> {
    let is_within = |file: PathBuf| {
        let folder = folder.canonicalize();
        folder.is_ok_and(|folder| file.starts_with(folder))
    };
    refuse_if(option, output, is_within)
}

fn refuse_if(
    option: &str,
    output: &Path,
    is_read: impl FnOnce(PathBuf) -> bool,
) -> anyhow::Result<()> {
    // What cannot be found is not there yet.
    ensure!(
        !output.canonicalize().is_ok_and(is_read),
        "{} is read here and would be written over itself; name another file with {option}",
        output.display()
    );
    Ok(())
}
