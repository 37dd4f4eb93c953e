//! Processes that have to succeed.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

/// A process that ended in failure, and the code to pass on.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) what: String,
    pub(crate) code: u8,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed (exit code {})", self.what, self.code)
    }
}

impl std::error::Error for Failed {}

/// A program that a person named, for a process in any folder: one with a path is where that person sees
/// it, a bare name is looked up by the system.
pub(crate) fn program(named: &Path) -> std::io::Result<PathBuf> {
    if named.parent() == Some(Path::new("")) {
        return Ok(named.to_owned());
    }
    std::path::absolute(named)
}

/// Runs a command whose output goes to this task's own, and fails if it does.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start `{}`", shown(command)))?;
    check(command, status)
}

/// Runs a command for what it writes to standard output; its standard error stays visible.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start `{}`", shown(command)))?;
    check(command, output.status)?;
    Ok(output.stdout)
}

fn check(command: &Command, status: std::process::ExitStatus) -> anyhow::Result<()> {
    if status.success() {
        return Ok(());
    }
    // Ended by a signal: there is no code to pass on.
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Err(Failed {
        what: format!("`{}`", shown(command)),
        code,
    }
    .into())
}

/// The command line as a person would type it, with the program's name alone.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_to_a_program_is_the_same_from_every_folder_and_a_bare_name_stays() {
        let program = |named: &str| program(Path::new(named)).expect("a path");
        assert_eq!(program("python3"), Path::new("python3"));
        for named in ["bin/python", "./python"] {
            let path = program(named);
            let here = std::env::current_dir().expect("a folder");
            assert!(path.is_absolute() && path.starts_with(here), "{named}");
        }
    }

    #[test]
    fn a_failure_passes_the_code_on_and_names_the_command() {
        let mut command = crate::workspace::cargo();
        command.args(["no-such-command-here"]).stderr(Stdio::null());
        let error = run(&mut command).expect_err("there is no such command");
        let failed = error.downcast_ref::<Failed>().expect("a code");
        assert_eq!(failed.code, 101);
        assert!(
            error.to_string().contains("`cargo no-such-command-here`"),
            "{error}"
        );
    }
}
