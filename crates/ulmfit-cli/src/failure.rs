//! How a failure is told.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// A command line that makes no sense, by itself or for what it names.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// The files that were named, as a sentence begins with them.
pub(crate) fn paths(paths: &[PathBuf]) -> String {
    let paths = paths.iter().map(|path| path.display().to_string());
    paths.collect::<Vec<_>>().join(", ")
}

/// Whether the failure is that the command line makes no sense.
pub(crate) fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<UsageError>()
}

/// Writes the reason to standard error: `error: ...`.
pub(crate) fn report(error: &anyhow::Error) {
    // If standard error is closed too there is nobody left to tell.
    drop(writeln!(std::io::stderr(), "error: {}", sentence(error)));
}

/// The chain of causes in one sentence; a cause that its consequence already quotes is left out. The
/// system's own words lack a remedy.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let cause = cause.trim_end();
        if !sentence.contains(cause) {
            let colon = if sentence.is_empty() { "" } else { ": " };
            sentence.extend([colon, cause]);
        }
    }
    if !sentence.contains("; ")
        && let Some(remedy) = error.chain().find_map(kind).and_then(remedy)
    {
        sentence.extend(["; ", remedy]);
    }
    sentence
}

/// What a person can do about a failure of the system.
fn remedy(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => Some("check the path"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("name another place, or have it made accessible")
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Some("a folder is needed there; name another one")
        }
        ErrorKind::IsADirectory => Some("name a file in it"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("make room there, and repeat the command")
        }
        _ => None,
    }
}

/// Whether the failure is that the reader of standard output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut kinds = error.chain().filter_map(kind);
    kinds.any(|kind| kind == ErrorKind::BrokenPipe)
}

fn kind(cause: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let error = cause.downcast_ref::<std::io::Error>()?;
    Some(error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let inner = std::io::Error::other("disk on fire");
        let told = anyhow::Error::new(inner).context("cannot read a.csv: disk on fire");
        assert_eq!(
            sentence(&told.context("no corpus")),
            "no corpus: cannot read a.csv: disk on fire"
        );
    }

    #[test]
    fn what_is_missing_has_a_remedy_unless_its_sentence_has_one() {
        let missing = || std::io::Error::from(ErrorKind::NotFound);
        let told = anyhow::Error::new(missing()).context("cannot read a.csv");
        assert_eq!(
            sentence(&told),
            "cannot read a.csv: entity not found; check the path"
        );
        let told = anyhow::Error::new(missing()).context("cannot write to b; name another place");
        assert!(sentence(&told).ends_with(": entity not found"));
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let told = anyhow::Error::new(full).context("cannot write c");
        assert!(sentence(&told).ends_with("; make room there, and repeat the command"));
    }
}
