//! Files that are there whole or as they were before.

use std::io;
use std::path::Path;

/// Writes a file aside and renames it, so that whoever stops the task loses nothing that was there.
pub(crate) fn write_atomically(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    ensure_replaceable(path)?;
    // Made like any other file, so that the umask says who may read it.
    let aside = path.with_added_extension("part");
    fs_err::write(&aside, contents)?;
    fs_err::rename(aside, path)
}

/// Fails for what a rename would do away with, such as a pipe or `/dev/null`, and for a folder.
pub(crate) fn ensure_replaceable(path: &Path) -> io::Result<()> {
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        let message = format!("{} is there and is no file; name a file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::process::Command;

    use super::*;

    #[test]
    fn a_pipe_and_a_folder_stay_what_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let mut mkfifo = Command::new("mkfifo");
        crate::process::run(mkfifo.arg(&pipe)).expect("a pipe");
        for path in [pipe.as_path(), folder.path()] {
            let error = write_atomically(path, "").expect_err("a refusal");
            assert!(error.to_string().ends_with("; name a file"), "{error}");
        }
        let kind = fs_err::metadata(&pipe).expect("the pipe").file_type();
        assert!(kind.is_fifo());
        let inside = fs_err::read_dir(folder.path()).expect("a folder");
        assert_eq!(inside.count(), 1);
    }

    /// The umask is of the whole process, so it is not set here: another file shows what it says.
    #[test]
    fn files_are_as_readable_as_any_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let [ours, other] = ["ours", "other"].map(|name| folder.path().join(name));
        write_atomically(&ours, "").expect("a file");
        fs_err::write(&other, "").expect("a file");
        let mode = |path| fs_err::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode(&ours), mode(&other));
    }
}
