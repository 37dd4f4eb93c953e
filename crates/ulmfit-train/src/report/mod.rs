//! How answers compare with the truth, for each target.

mod classification;
mod multi_label;
mod regression;

pub use classification::{ClassReport, ClassificationReport};
pub(crate) use multi_label::LabelCounts;
pub use multi_label::MultiLabelReport;
pub use regression::RegressionReport;
pub(crate) use regression::r2;

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
