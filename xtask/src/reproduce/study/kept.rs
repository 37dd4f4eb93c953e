//! What a report says is finished, so that a study goes on where its runs are not: on another machine,
//! or after the folder of the runs was removed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::cell::Outcome;
use crate::workspace::shown;

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
    /// Older reports have figures alone, which do not say what they were made from.
    outcome: Option<Outcome>,
}

impl Kept {
    /// Those of the report at `path`; none if there is no such report.
    ///
    /// Fails for a report that cannot be read, since it is about to be written over.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs_err::read_to_string(path)?;
        let report: Report = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is no report of a study; restore it, or remove it to start over",
                shown(path)
            )
        })?;
        let outcomes = report.measured.into_iter().filter_map(|it| it.outcome);
        Ok(Self(outcomes.map(|it| (it.digest.clone(), it)).collect()))
    }

    pub(super) fn get(&self, digest: &str) -> Option<&Outcome> {
        self.0.get(digest)
    }
}
