//! Accuracy over the number of labels, a line an arm, as SVG and as PNG.

use std::path::Path;

use anyhow::anyhow;
use epaint_default_fonts::HACK_REGULAR;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Arm;
use crate::atomic_file::write_atomically;
use crate::reproduce::study::statistics::Spread;

const SIZE: (u32, u32) = (800, 600);
/// Around the lines, for the labels.
const MARGIN: i32 = 64;
const GRID: RGBColor = RGBColor(222, 222, 222);
/// Of a line of the legend, which stands below the lines, where it hides none.
const LEGEND_LINE: i32 = 22;
/// Half the width of the bar at the end of a spread, in decades.
const CAP: f64 = 0.012;

/// A point of a line: the number of labels, and the accuracy there.
pub(crate) type Point = (usize, Spread);

/// Writes `low-shot.svg` and `low-shot.png` into a folder.
pub(crate) fn write(folder: &Path, arms: &[(Arm, Vec<Point>)]) -> anyhow::Result<()> {
    let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw the plot: {error}");
    // The bitmap is lettered here and not by whoever shows it.
    plotters::style::register_font("sans-serif", FontStyle::Normal, HACK_REGULAR)
        .map_err(|_| anyhow!("cannot draw the plot: its font is damaged"))?;
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    draw(&area, arms).map_err(|error| failed(&error))?;
    drop(area);
    write_atomically(&folder.join("low-shot.svg"), svg)?;
    // The end of its name is the format that it is written in.
    let aside = folder.join("low-shot.part.png");
    draw(&BitMapBackend::new(&aside, SIZE).into_drawing_area(), arms)
        .map_err(|error| failed(&error))?;
    fs_err::rename(aside, folder.join("low-shot.png"))?;
    Ok(())
}

type Outcome<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, plotters::coord::Shift>,
    arms: &[(Arm, Vec<Point>)],
) -> Outcome<B> {
    root.fill(&WHITE)?;
    let points = || arms.iter().flat_map(|(_, points)| points);
    let mut labels: Vec<usize> = points().map(|(labels, _)| *labels).collect();
    labels.sort_unstable();
    labels.dedup();
    let (Some(first), Some(last)) = (labels.first(), labels.last()) else {
        return root.present();
    };
    let (least, most) = points().fold((100.0_f64, 0.0_f64), |(least, most), (_, spread)| {
        let [low, _, high] = percents(spread);
        (least.min(low), most.max(high))
    });
    // Whole tens below and above.
    let least = (least / 10.0).floor() * 10.0;
    let most = ((most / 10.0).ceil() * 10.0).max(least + 10.0);
    let (left, right) = (x(*first) - 0.1, x(*last) + 0.1);
    let legend_height = LEGEND_LINE * arms.len() as i32;
    let mut chart = ChartBuilder::on(root)
        .margin(MARGIN)
        .margin_bottom(MARGIN + legend_height)
        .build_cartesian_2d(left..right, least..most)?;

    for count in &labels {
        let place = x(*count);
        chart.draw_series(LineSeries::new([(place, least), (place, most)], GRID))?;
        let (place, bottom) = chart.backend_coord(&(place, least));
        let style = text(14, HPos::Center, VPos::Top);
        root.draw(&Text::new(count.to_string(), (place, bottom + 8), style))?;
    }
    for step in 0..=((most - least) / 5.0).round() as i32 {
        let height = least + 5.0 * f64::from(step);
        chart.draw_series(LineSeries::new([(left, height), (right, height)], GRID))?;
        let (start, place) = chart.backend_coord(&(left, height));
        let style = text(14, HPos::Right, VPos::Center);
        root.draw(&Text::new(
            format!("{height:.0}"),
            (start - 8, place),
            style,
        ))?;
    }
    for (arm, points) in arms {
        line(&mut chart, points, color(*arm))?;
    }
    let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
    let top = height - legend_height;
    for (index, (arm, _)) in arms.iter().enumerate() {
        legend(root, (MARGIN, top + LEGEND_LINE * index as i32), *arm)?;
    }
    let style = text(15, HPos::Center, VPos::Bottom);
    let place = (width / 2, top - 12);
    root.draw(&Text::new("labeled reviews", place, style))?;
    let style = text(15, HPos::Left, VPos::Top);
    let title = "test accuracy in percent, mean and standard deviation over seeds";
    root.draw(&Text::new(title, (MARGIN, 20), style))?;
    root.present()
}

/// The means, joined, each with its spread.
fn line<B: DrawingBackend>(
    chart: &mut ChartContext<'_, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    points: &[Point],
    color: RGBColor,
) -> Outcome<B> {
    let means = points
        .iter()
        .map(|(labels, spread)| (x(*labels), percents(spread)[1]));
    chart.draw_series(LineSeries::new(means.clone(), color.stroke_width(2)))?;
    chart.draw_series(means.map(|mean| Circle::new(mean, 3, color.filled())))?;
    for (labels, spread) in points.iter().filter(|(_, spread)| spread.runs > 1) {
        let ([low, _, high], place) = (percents(spread), x(*labels));
        chart.draw_series(LineSeries::new([(place, low), (place, high)], color))?;
        for end in [low, high] {
            let cap = [(place - CAP, end), (place + CAP, end)];
            chart.draw_series(LineSeries::new(cap, color))?;
        }
    }
    Ok(())
}

fn legend<B: DrawingBackend>(
    root: &DrawingArea<B, plotters::coord::Shift>,
    (left, top): (i32, i32),
    arm: Arm,
) -> Outcome<B> {
    let stroke = color(arm).stroke_width(2);
    root.draw(&PathElement::new(
        vec![(left, top), (left + 24, top)],
        stroke,
    ))?;
    let style = text(14, HPos::Left, VPos::Center);
    root.draw(&Text::new(arm.title(), (left + 32, top), style))
}

/// The axis is logarithmic.
fn x(labels: usize) -> f64 {
    (labels as f64).log10()
}

/// A deviation below the mean, the mean, a deviation above it.
fn percents(spread: &Spread) -> [f64; 3] {
    let Spread {
        mean, deviation, ..
    } = spread;
    [mean - deviation, *mean, mean + deviation].map(|share| 100.0 * share)
}

fn text(size: i32, h: HPos, v: VPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(h, v))
}

fn color(arm: Arm) -> RGBColor {
    match arm {
        Arm::TfIdf => RGBColor(120, 120, 120),
        Arm::FromScratch => RGBColor(200, 60, 40),
        Arm::Supervised => RGBColor(225, 150, 30),
        Arm::SemiSupervised => RGBColor(31, 90, 160),
        Arm::BothDirections => RGBColor(20, 140, 90),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_pictures_are_drawn_with_their_labels() {
        let folder = tempfile::tempdir().expect("a folder");
        let spread = |mean| Spread {
            mean,
            deviation: 0.02,
            runs: 3,
        };
        let arms = Arm::ALL.map(|arm| (arm, vec![(100, spread(0.7)), (5000, spread(0.9))]));
        // What was there keeps its bytes under another name: it is replaced, not written over.
        for name in ["low-shot.svg", "low-shot.png"] {
            let path = folder.path().join(name);
            fs_err::write(path.with_added_extension("old"), name).expect("a file");
            fs_err::hard_link(path.with_added_extension("old"), path).expect("a link");
        }
        write(folder.path(), &arms).expect("two pictures");
        let read = |name: &str| fs_err::read(folder.path().join(name)).expect("a picture");
        let svg = String::from_utf8(read("low-shot.svg")).expect("text");
        for part in [
            "<svg",
            "5000",
            "labeled reviews",
            "ULMFiT, supervised",
            "90",
        ] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(read("low-shot.png").starts_with(b"\x89PNG"));
        for name in ["low-shot.svg", "low-shot.png"] {
            assert_eq!(read(&format!("{name}.old")), name.as_bytes());
        }
        assert!(!folder.path().join("low-shot.part.png").exists());
        write(folder.path(), &[]).expect("an empty picture");
    }
}
