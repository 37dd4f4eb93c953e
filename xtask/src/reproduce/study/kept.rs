//! What a report says is finished, so that a study goes on where its runs are not: on another machine,
//! or after the folder of the runs was removed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::cell::Outcome;

/// The outcomes of a report, by the digest of what each was made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(BTreeMap<String, Outcome>);

/// A report as JSON, as far as it matters.
#[derive(Deserialize)]
struct Report {
    measured: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    outcome: Outcome,
}

impl Kept {
    /// Those of the report at `path`; none if there is no such report.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs_err::read_to_string(path).unwrap_or_default();
        let report = serde_json::from_str(&text).unwrap_or(Report { measured: vec![] });
        let outcomes = report.measured.into_iter().map(|it| it.outcome);
        Self(outcomes.map(|it| (it.digest.clone(), it)).collect())
    }

    pub(super) fn get(&self, digest: &str) -> Option<&Outcome> {
        self.0.get(digest)
    }
}
