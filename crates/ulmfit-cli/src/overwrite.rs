//! What a command reads it must not write over.

use std::path::Path;

use anyhow::ensure;

/// Fails if `output` is one of the files to be read.
pub(crate) fn refuse<'a>(
    output: &Path,
    read: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let Ok(output_file) = output.canonicalize() else {
        // It is not there yet.
        return Ok(());
    };
    let mut read = read.into_iter();
    ensure!(
        !read.any(|path| path.canonicalize().is_ok_and(|it| it == output_file)),
        "{} is read here and would be written over itself; name another file with --output",
        output.display()
    );
    Ok(())
}
