//! A curve of the loss over the learning rate, on a terminal and as a picture.

pub(crate) mod svg;
pub(crate) mod terminal;

use ulmfit_train::LrPoint;

/// Powers of ten from the first rate to the last, to be written below a plot.
fn decades(points: &[LrPoint]) -> impl Iterator<Item = i32> {
    let (first, last) = ends(points);
    // What is at an end up to rounding belongs to it.
    (first - 1e-9).ceil() as i32..=(last + 1e-9).floor() as i32
}

/// The first and the last rate as powers of ten.
fn ends(points: &[LrPoint]) -> (f64, f64) {
    let rate = |point: Option<&LrPoint>| point.map_or(1.0, |point| point.learning_rate).log10();
    (rate(points.first()), rate(points.last()))
}

/// The least and the largest smoothed loss, apart from each other. What comes after the loss has
/// risen above where it began counts no further: it would flatten all the rest.
fn losses(points: &[LrPoint]) -> (f64, f64) {
    let losses = points.iter().map(|point| point.smoothed);
    let least = losses.clone().fold(f64::INFINITY, f64::min);
    let begin = points.iter().take(points.len() / 2 + 1);
    let most = begin.map(|point| point.smoothed).fold(least, f64::max);
    let gap = (most - least).max(1e-3);
    (least - 0.05 * gap, most + 0.2 * gap)
}
