//! What one process measured, and figures over several.

use anyhow::Context;
use serde::Deserialize;

/// The line of JSON that `ulmfit bench` and the peers' scripts print, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Measured {
    pub(crate) tokens_per_second: f64,
    /// Speed of the dense products; ulmfit's alone.
    pub(crate) gflops: Option<f64>,
    /// Speed of the best large product; ulmfit's alone.
    pub(crate) peak_gflops: Option<f64>,
    /// Not every script tells.
    pub(crate) peak_rss_bytes: Option<u64>,
}

impl Measured {
    /// Reads the last line that a process printed.
    pub(crate) fn read(printed: &[u8]) -> anyhow::Result<Self> {
        let printed = String::from_utf8_lossy(printed);
        let line = printed.lines().rev().find(|line| !line.trim().is_empty());
        Ok(serde_json::from_str(line.context("it printed nothing")?)?)
    }

    /// Which part of the speed of a large product its own products reached.
    pub(crate) fn share_of_peak(&self) -> Option<f64> {
        Some(self.gflops? / self.peak_gflops?)
    }
}

/// The middle one, or the mean of the two in the middle; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    Some(f64::midpoint(values[(values.len() - 1) / 2], *upper))
}

/// `1234567.8` as `1,234,568`.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_result() {
        let printed =
            b"a library says hello\n{\"tool\": \"fastai\", \"tokens_per_second\": 12.5}\n\n";
        let measured = Measured::read(printed).expect("a line of JSON");
        assert!((measured.tokens_per_second - 12.5).abs() < f64::EPSILON);
        assert_eq!(measured.share_of_peak(), None);
        assert_eq!(measured.peak_rss_bytes, None);
        assert!(Measured::read(b"\n").is_err());
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(0.4), "0");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_234_567.8), "1,234,568");
    }
}
