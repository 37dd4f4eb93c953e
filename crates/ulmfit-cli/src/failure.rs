//! How a failure is told.

use std::fmt;
use std::io::{ErrorKind, Write};

/// A command line that makes no sense for the model that it names.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Whether the failure is that the command line makes no sense.
pub(crate) fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<UsageError>()
}

/// Writes the reason to standard error: `error: ...`.
pub(crate) fn report(error: &anyhow::Error) {
    // If standard error is closed too there is nobody left to tell.
    drop(writeln!(std::io::stderr(), "error: {}", sentence(error)));
}

/// The chain of causes in one sentence; a cause that its consequence already quotes is left out.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let cause = cause.trim_end();
        if !sentence.contains(cause) {
            let colon = if sentence.is_empty() { "" } else { ": " };
            sentence.extend([colon, cause]);
        }
    }
    sentence
}

/// Whether the failure is that the reader of standard output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
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
}
