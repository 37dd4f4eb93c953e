//! Where the workspace is, and its `cargo`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace: the folder above this crate's.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder that was named, or one of the workspace.
pub(crate) fn folder(named: Option<&PathBuf>, default: &str) -> std::io::Result<PathBuf> {
    match named {
        Some(path) => std::path::absolute(path),
        None => Ok(root().join(default)),
    }
}

/// The `cargo` that runs this task, started in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The last part of a path, or all of it where it has none.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// A path for people: relative to the root of the workspace where it lies inside.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
