//! Files that a command is to write, looked at before anything is read or trained.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// Fails if `output`, which `option` names, cannot become a file, or would take the place of what is
/// read.
pub(crate) fn check<'a>(
    option: &str,
    output: &Path,
    read: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    check_place(option, output)?;
    refuse_read(option, output, read)
}

/// Fails if `output`, which `option` names, is one of the files to be read, or in a folder that is.
pub(crate) fn refuse_read<'a>(
    option: &str,
    output: &Path,
    read: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    let mut read = read.into_iter();
    let is_read = |file: PathBuf| {
        read.any(|path| {
            let read = path.canonicalize();
            read.is_ok_and(|read| file.starts_with(read))
        })
    };
    // What cannot be found is not there yet.
    ensure!(
        !output.canonicalize().is_ok_and(is_read),
        "{} is read here and would be written over itself; name another file with {option}",
        output.display()
    );
    Ok(())
}

/// Fails if no file can be written there.
fn check_place(option: &str, output: &Path) -> anyhow::Result<()> {
    let shown = output.display();
    ensure!(
        !output.is_dir() && !ends_as_a_folder(output),
        "{shown} names a folder, and a file is to be written there; name a file with {option}"
    );
    ensure!(
        !output.metadata().is_ok_and(|there| !there.is_file()),
        "{shown} is a device or a pipe, which a file would take the place of; name a file with {option}"
    );
    let folder = match output.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // The only sure way to know is to try.
    tempfile::tempfile_in(folder)
        .with_context(|| format!("cannot write to {}; name another place", folder.display()))?;
    Ok(())
}

/// Whether a path does not end in the name of a file, as `models/` and `models/.` do not.
fn ends_as_a_folder(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let name = path.file_name();
    name.is_none_or(|name| !bytes.ends_with(name.as_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_as_a_folder_is_told_from_a_file() {
        for (path, expected) in [
            ("model.st", false),
            ("models/model.st", false),
            ("a/a", false),
            ("models/", true),
            ("models/.", true),
            ("models/..", true),
            (".", true),
            ("/", true),
        ] {
            assert_eq!(ends_as_a_folder(Path::new(path)), expected, "{path}");
        }
    }
}
