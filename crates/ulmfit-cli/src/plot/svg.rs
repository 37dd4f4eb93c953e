//! A curve as a picture.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use ulmfit_train::LrPoint;

use super::{decades, ends, losses};

const SIZE: (u32, u32) = (720, 440);
/// Around the curve, for the labels.
const MARGIN: i32 = 56;
const GRID: RGBColor = RGBColor(222, 222, 222);
const RAW: RGBColor = RGBColor(190, 205, 225);
const CURVE: RGBColor = RGBColor(31, 90, 160);
const MARK: RGBColor = RGBColor(200, 60, 40);

/// The loss over the learning rate as an SVG document; `marked` is a rate to point out.
///
/// Labels are placed by hand: with them, plotters would ask for the measures of a font, which takes
/// one that is installed.
pub(crate) fn curve(points: &[LrPoint], marked: Option<f64>) -> anyhow::Result<String> {
    let mut picture = String::new();
    draw(&mut picture, points, marked)
        .map_err(|error| anyhow!("cannot draw the curve: {error}"))?;
    Ok(picture)
}

fn draw(
    picture: &mut String,
    points: &[LrPoint],
    marked: Option<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(picture, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (first, last) = ends(points);
    let (least, most) = losses(points);
    let mut chart = ChartBuilder::on(&root)
        .margin(MARGIN)
        .build_cartesian_2d(first..last.max(first + 1e-6), least..most)?;
    let text = |size: i32, h: HPos, v: VPos| {
        let style = TextStyle::from(("sans-serif", size).into_font());
        style.pos(Pos::new(h, v))
    };
    for power in decades(points) {
        let x = f64::from(power);
        chart.draw_series(LineSeries::new([(x, least), (x, most)], GRID))?;
        let (place, bottom) = chart.backend_coord(&(x, least));
        let style = text(13, HPos::Center, VPos::Top);
        root.draw(&Text::new(format!("1e{power}"), (place, bottom + 6), style))?;
    }
    for step in 0..=4 {
        let y = least + (most - least) * f64::from(step) / 4.0;
        chart.draw_series(LineSeries::new([(first, y), (last, y)], GRID))?;
        let (left, place) = chart.backend_coord(&(first, y));
        let style = text(13, HPos::Right, VPos::Center);
        root.draw(&Text::new(format!("{y:.2}"), (left - 6, place), style))?;
    }
    let visible = |loss: f64| loss.clamp(least, most);
    let series = |value: fn(&LrPoint) -> f64| {
        let points = points.iter();
        points.map(move |point| (point.learning_rate.log10(), visible(value(point))))
    };
    chart.draw_series(LineSeries::new(series(|point| point.loss), RAW))?;
    chart.draw_series(LineSeries::new(
        series(|point| point.smoothed),
        CURVE.stroke_width(2),
    ))?;
    if let Some(rate) = marked {
        let x = rate.log10();
        chart.draw_series(LineSeries::new([(x, least), (x, most)], MARK))?;
        let (place, top) = chart.backend_coord(&(x, most));
        let style = text(13, HPos::Center, VPos::Bottom).color(&MARK);
        root.draw(&Text::new(format!("{rate:.2e}"), (place, top - 2), style))?;
    }
    let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
    let style = text(14, HPos::Center, VPos::Bottom);
    root.draw(&Text::new("learning rate", (width / 2, height - 10), style))?;
    let style = text(14, HPos::Left, VPos::Top);
    root.draw(&Text::new(
        "training loss, each and smoothed",
        (MARGIN, 10),
        style,
    ))?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_with_its_labels() {
        let point = |step: i32| LrPoint {
            learning_rate: 10.0_f64.powf(f64::from(step) / 10.0 - 7.0),
            loss: 5.0 - f64::from(step) / 20.0,
            smoothed: 5.0 - f64::from(step) / 25.0,
        };
        let points: Vec<LrPoint> = (0..71).map(point).collect();
        let svg = curve(&points, Some(1e-2)).expect("it is drawn");
        for part in [
            "<svg",
            "1e-7",
            "1e0",
            "1.00e-2",
            "learning rate",
            "<polyline",
        ] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(curve(&points[..1], None).is_ok());
    }
}
