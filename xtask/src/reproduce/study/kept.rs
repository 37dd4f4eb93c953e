//! What a report says is finished, so that a study goes on where its runs are not: on another machine,
//! or after the folder of the runs was removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::cell::{Cell, Outcome};
use crate::workspace::shown;

/// What a report has measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// Of the report as JSON.
    path: PathBuf,
    measured: Vec<Measured>,
}

/// A report as JSON, as far as it matters.
#[derive(Deserialize)]
struct Report {
    measured: Vec<Measured>,
}

#[derive(Debug, Clone, Deserialize)]
struct Measured {
    /// Of a study that varies it.
    labels: Option<usize>,
    seed: Option<u64>,
    /// Older reports have figures alone, which do not say what they were made from.
    outcome: Option<Outcome>,
}

impl Kept {
    /// What the report at `path` has; nothing if there is no such report.
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
        Ok(Self {
            path: path.to_owned(),
            measured: report.measured,
        })
    }

    /// The outcome with the digest of what it was made from.
    pub(super) fn get(&self, digest: &str) -> Option<&Outcome> {
        let mut outcomes = self.measured.iter().filter_map(|it| it.outcome.as_ref());
        outcomes.find(|outcome| outcome.digest == digest)
    }

    /// Of each measurement its number of labels, where it has one.
    pub(crate) fn labels(&self) -> impl Iterator<Item = usize> {
        self.measured.iter().filter_map(|it| it.labels)
    }

    /// Of each measurement its seed.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> {
        self.measured.iter().filter_map(|it| it.seed)
    }

    /// Fails if the report has what is an outcome of none of these cells: of them it is written anew, and
    /// the rest would be lost.
    pub(crate) fn ensure_all_of<'a>(
        &self,
        cells: impl IntoIterator<Item = &'a Cell>,
    ) -> anyhow::Result<()> {
        let cells = cells.into_iter().map(|cell| cell.digest.as_str());
        let digests: BTreeSet<&str> = cells.collect();
        let is_lost = |it: &&Measured| {
            let outcome = it.outcome.as_ref();
            outcome.is_none_or(|outcome| !digests.contains(outcome.digest.as_str()))
        };
        let lost = self.measured.iter().filter(is_lost).count();
        ensure!(
            lost == 0,
            "{lost} of the {} outcomes in {} are of other data, another recipe, device or number of test \
             documents than this call's, and would be lost; name another folder with --reports, or move \
             that report away",
            self.measured.len(),
            shown(&self.path)
        );
        Ok(())
    }
}
