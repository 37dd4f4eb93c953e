//! The parts of `cargo xtask parity`.

pub(crate) mod report;
pub(crate) mod sides;
#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use report::Report;
use sides::{Run, Sides};

/// Does what is not finished of what is wanted. The report is of all that is finished, whoever asked for it, and
/// is written anew after each run.
pub(crate) fn run(
    sides: &Sides,
    wanted: &BTreeSet<Run>,
    mut report: Report,
    folder: &Path,
) -> anyhow::Result<Report> {
    let finished = sides.finished()?;
    report::ensure_all_of(folder, &finished, &sides.folder)?;
    for run in &finished {
        report.add(sides.outcome(*run)?);
    }
    for run in wanted.difference(&finished) {
        report.add(sides.outcome(*run)?);
        report.write(folder)?;
    }
    report.write(folder)?;
    Ok(report)
}
