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
    // A rename would put a file in the place of a device, such as /dev/null, or of a pipe.
    if path
        .metadata()
        .is_ok_and(|it| !it.is_file() && !it.is_dir())
    {
        let other = "it is a device or a pipe; name a file";
        return Err(named(io::Error::new(io::ErrorKind::InvalidInput, other)));
    }
    // The kind alone: the rest is the name of the temporary file, which means nothing to anybody.
    let file = temporary_file(folder);
    let mut file = file.map_err(|error| named(error.kind().into()))?;
    file.write_all(bytes).map_err(named)?;
    file.as_file().sync_all().map_err(named)?;
    file.persist(path).map_err(|error| named(error.error))?;
    Ok(())
}

/// Temporary files are the user's alone unless they are asked for otherwise; what this one becomes is as
/// readable as any other file, which the umask says.
#[cfg(unix)]
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let any_other = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new()
        .permissions(any_other)
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_pipe_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let error = write(&pipe, b"").unwrap_err();
        assert!(error.to_string().contains("name a file"), "{error}");
        assert!(!pipe.metadata().unwrap().is_file());
    }

    #[test]
    fn files_are_as_readable_as_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "other"].map(|name| folder.path().join(name));
        write(&ours, b"").unwrap();
        std::fs::write(&other, b"").unwrap();
        let [ours, other] = [ours, other].map(|path| path.metadata().unwrap().permissions());
        assert_eq!(ours.mode(), other.mode());
    }

    /// The umask is of the whole process, so the test before is run in one of its own.
    #[test]
    fn files_are_as_readable_as_the_umask_says() {
        let test = "atomic_file::tests::files_are_as_readable_as_any_other";
        for umask in ["077", "002"] {
            let output = Command::new("sh")
                .args(["-c", &format!("umask {umask}; exec \"$0\" --exact {test}")])
                .arg(std::env::current_exe().unwrap())
                .output()
                .unwrap();
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(printed.contains("1 passed"), "umask {umask}: {printed}");
        }
    }
}
