//! Files that are whole or not there: written aside, synced and renamed.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Replaces `path` with `bytes`; a reader sees the old file or the new one, never a part.
///
/// # Errors
///
/// What the operating system said, with the path.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let named = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot write {}: {error}", path.display()),
        )
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let missing = format!("there is no folder {}", folder.display());
        return Err(named(io::Error::new(io::ErrorKind::NotFound, missing)));
    }
    // The kind alone: the rest is the name of the temporary file, which means nothing to anybody.
    let file = NamedTempFile::new_in(folder);
    let mut file = file.map_err(|error| named(error.kind().into()))?;
    file.write_all(bytes).map_err(named)?;
    file.as_file().sync_all().map_err(named)?;
    share(file.as_file()).map_err(named)?;
    file.persist(path).map_err(|error| named(error.error))?;
    Ok(())
}

/// Temporary files are the user's alone; what they become is as readable as any other file.
#[cfg(unix)]
fn share(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn share(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}
