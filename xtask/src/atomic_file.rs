//! Files that are there whole or as they were before.

use std::path::Path;

/// Writes a file aside and renames it, so that whoever stops the task loses nothing that was there.
pub(crate) fn write_atomically(path: &Path, contents: impl AsRef<[u8]>) -> std::io::Result<()> {
    let aside = path.with_added_extension("part");
    fs_err::write(&aside, contents)?;
    fs_err::rename(aside, path)
}
