//! How long the open cells of a study take.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::step::LANGUAGE_MODEL_SPEED;
use crate::reproduce::report::duration;

/// A line for people before the work begins: how many cells are open, and how long they take at most on
/// two cores. What cells share counts once.
pub(crate) fn line(cells: &[&Cell], tokens_per_document: f64) -> anyhow::Result<String> {
    let open: Vec<_> = cells
        .iter()
        .filter(|cell| cell.outcome().is_none())
        .collect();
    let mut shared = BTreeMap::new();
    let mut seconds = 0.0;
    for cell in &open {
        seconds += cell.seconds(tokens_per_document)?;
        for step in cell.shared().filter(|step| !step.stage.model().is_file()) {
            let folder = step.stage.folder.clone();
            shared.insert(folder, step.seconds(tokens_per_document)?);
        }
    }
    seconds += shared.values().sum::<f64>();
    Ok(format!(
        "{} of {} cells are not finished; they take about {} at {LANGUAGE_MODEL_SPEED} tokens a second",
        open.len(),
        cells.len(),
        duration(seconds)
    ))
}
