//! A curve in characters.

use ulmfit_train::LrPoint;

use super::{decades, ends, losses};

const HEIGHT: usize = 12;
/// Columns before the curve: a loss and the axis.
const MARGIN: usize = 9;
const WIDEST: usize = 100;

/// The smoothed loss over the learning rate, `columns` wide at most; `marked` is a rate to point out.
pub(crate) fn curve(points: &[LrPoint], marked: Option<f64>, columns: usize) -> String {
    let width = columns.clamp(2 * MARGIN, WIDEST) - MARGIN;
    let (first, last) = ends(points);
    let (least, most) = losses(points);
    let column = |power: f64| {
        let share = (power - first) / (last - first).max(1e-9);
        ((share * (width - 1) as f64).round() as usize).min(width - 1)
    };
    let mut rows = vec![vec![' '; width]; HEIGHT];
    if let Some(rate) = marked {
        for row in &mut rows {
            row[column(rate.log10())] = '¦';
        }
    }
    for point in points {
        let height = (point.smoothed - least) / (most - least);
        let row = ((1.0 - height) * (HEIGHT - 1) as f64).round();
        rows[row.clamp(0.0, (HEIGHT - 1) as f64) as usize][column(point.learning_rate.log10())] =
            '•';
    }
    let mut lines = Vec::with_capacity(HEIGHT + 2);
    for (index, row) in rows.iter().enumerate() {
        let loss = most - (most - least) * index as f64 / (HEIGHT - 1) as f64;
        let label = if index % 4 == 0 || index == HEIGHT - 1 {
            format!("{loss:>7.3} ")
        } else {
            " ".repeat(MARGIN - 1)
        };
        let row: String = row.iter().collect();
        lines.push(format!("{label}│{}", row.trim_end()));
    }
    lines.push(format!("{}└{}", " ".repeat(MARGIN - 1), "─".repeat(width)));
    lines.push(format!(
        "{}{}",
        " ".repeat(MARGIN),
        axis(points, column, width)
    ));
    lines.join("\n")
}

/// The powers of ten, as far as they fit.
fn axis(points: &[LrPoint], column: impl Fn(f64) -> usize, width: usize) -> String {
    let mut axis = String::new();
    for power in decades(points) {
        let label = format!("1e{power}");
        let place = column(f64::from(power));
        let is_free = axis.is_empty() || place > axis.len();
        if is_free && place + label.len() <= width {
            axis.push_str(&" ".repeat(place - axis.len()));
            axis.push_str(&label);
        }
    }
    axis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_fits_any_terminal() {
        let point = |step: i32| LrPoint {
            learning_rate: 10.0_f64.powf(f64::from(step) / 10.0 - 7.0),
            loss: 0.0,
            smoothed: if step < 60 {
                5.0 - f64::from(step) / 20.0
            } else {
                9.0
            },
        };
        let points: Vec<LrPoint> = (0..71).map(point).collect();
        for columns in [0, 20, 40, 80, 500] {
            let plot = curve(&points, Some(1e-2), columns);
            let width = plot.lines().map(|line| line.chars().count()).max();
            assert!(width <= Some(columns.clamp(18, 100)), "{plot}");
            assert_eq!(plot.lines().count(), HEIGHT + 2);
        }
        let plot = curve(&points, Some(1e-2), 40);
        assert!(
            plot.contains("1e-7") && plot.contains("1e-1") && plot.contains('¦'),
            "{plot}"
        );
        assert!(!curve(&points[..1], None, 40).is_empty());
        assert!(!curve(&[], None, 40).is_empty());
    }
}
