//! What the paper concludes from its tables 4 to 7 (Howard and Ruder 2018, section 5), each as one row
//! against another, and whether ours conclude the same.

use super::DataSet;
use super::tables;
use crate::reproduce::evaluation::Evaluation;

/// That a row has fewer errors than another.
#[derive(Debug)]
pub(super) struct Claim {
    /// In the paper's terms.
    pub(super) says: &'static str,
    /// The name of the row that has fewer errors.
    pub(super) better: &'static str,
    pub(super) worse: &'static str,
}

/// By how much a row's error rate is below another's, as shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gain {
    pub(super) gain: f64,
    /// Twice the standard error of the difference, of the draw of the test documents alone and as if each
    /// row had been measured on its own draw. They are measured on the same, which makes it too large.
    pub(super) uncertainty: f64,
}

const fn claim(says: &'static str, better: &'static str, worse: &'static str) -> Claim {
    Claim {
        says,
        better,
        worse,
    }
}

/// In the order of the tables.
pub(super) const CLAIMS: [Claim; 16] = [
    claim("pretraining helps", "ulmfit", "without-pretraining"),
    claim("a regularized language model helps", "ulmfit", "vanilla-lm"),
    claim("fine-tuning the language model helps", "lm-full", "lm-none"),
    claim(
        "discriminative rates help to fine-tune the language model",
        "lm-full-discr",
        "lm-full",
    ),
    claim(
        "so do slanted triangular rates on top of them",
        "ulmfit",
        "lm-full-discr",
    ),
    claim(
        "fine-tuning the language model with both helps",
        "ulmfit",
        "lm-none",
    ),
    claim(
        "a fine-tuned classifier is better than one from scratch",
        "full",
        "from-scratch",
    ),
    claim("the last layer alone is not enough", "freez", "last"),
    claim("gradual unfreezing helps", "freez", "full"),
    claim(
        "discriminative rates help to fine-tune all layers at once",
        "full-discr",
        "full",
    ),
    claim("they help gradual unfreezing too", "freez-discr", "freez"),
    claim(
        "slanted triangular rates help gradual unfreezing",
        "freez-stlr",
        "freez",
    ),
    claim("they are better than a cosine", "freez-stlr", "freez-cos"),
    claim(
        "all three are better than gradual unfreezing with slanted triangular rates",
        "ulmfit",
        "freez-stlr",
    ),
    claim(
        "all three are better than chain-thaw",
        "ulmfit",
        "chain-thaw",
    ),
    claim(
        "all three are better than fine-tuning all layers at once",
        "ulmfit",
        "full",
    ),
];

impl Claim {
    /// The paper's difference, in points.
    ///
    /// `None` if its tables do not have both rows.
    pub(super) fn published(&self, data_set: DataSet) -> Option<f64> {
        let error = |row| tables::published(row, data_set);
        Some(error(self.worse)? - error(self.better)?)
    }
}

impl Gain {
    /// Of each row the runs that differ in their seeds; `None` if a row has none.
    pub(super) fn of(better: &[&Evaluation], worse: &[&Evaluation]) -> Option<Self> {
        let (better, worse) = (Error::of(better)?, Error::of(worse)?);
        Some(Self {
            gain: worse.rate - better.rate,
            uncertainty: 2.0 * (better.variance + worse.variance).sqrt(),
        })
    }

    pub(super) fn verdict(&self) -> &'static str {
        if self.gain.abs() <= self.uncertainty {
            "too close to tell"
        } else if self.gain > 0.0 {
            "holds"
        } else {
            "the other way round"
        }
    }
}

/// A row's mean error rate, and its variance over draws of the test documents.
struct Error {
    rate: f64,
    variance: f64,
}

impl Error {
    fn of(runs: &[&Evaluation]) -> Option<Self> {
        let documents = runs.iter().map(|run| run.documents).min()?.max(1) as f64;
        let rate = runs.iter().map(|run| run.error_rate).sum::<f64>() / runs.len() as f64;
        // More seeds do not make it smaller: they are measured on the same documents.
        let variance = rate * (1.0 - rate) / documents;
        Some(Self { rate, variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(errors: u64, documents: u64) -> Evaluation {
        let error_rate = errors as f64 / documents as f64;
        Evaluation {
            accuracy: 1.0 - error_rate,
            error_rate,
            documents,
            seconds: 1.0,
            macro_f1: None,
            confusion: None,
        }
    }

    #[test]
    fn every_claim_is_about_rows_that_the_paper_has() {
        for claim in &CLAIMS {
            for data_set in DataSet::ALL {
                let published = claim.published(data_set);
                assert!(published.is_some(), "{}", claim.says);
            }
        }
        let pretraining = CLAIMS[0].published(DataSet::Trec).expect("a difference");
        assert!((pretraining - 4.98).abs() < 1e-12, "{pretraining}");
    }

    #[test]
    fn a_difference_counts_beyond_what_the_test_documents_allow() {
        let (low, high) = (evaluation(20, 500), evaluation(50, 500));
        let gain = Gain::of(&[&low], &[&high]).expect("a gain");
        assert!((gain.gain - 0.06).abs() < 1e-12);
        // By hand: 2 sqrt(0.04 0.96 / 500 + 0.1 0.9 / 500).
        assert!((gain.uncertainty - 0.032_050).abs() < 1e-6);
        assert_eq!(gain.verdict(), "holds");
        let back = Gain::of(&[&high], &[&low]).expect("a gain");
        assert_eq!(back.verdict(), "the other way round");
        let near = Gain::of(&[&low], &[&evaluation(25, 500)]).expect("a gain");
        assert_eq!(near.verdict(), "too close to tell");
        let perfect = evaluation(0, 500);
        let same = Gain::of(&[&perfect], &[&perfect]).expect("a gain");
        assert_eq!(same.verdict(), "too close to tell");
        assert_eq!(Gain::of(&[&low], &[]), None);
    }

    #[test]
    fn seeds_do_not_make_the_test_documents_more() {
        let (low, high) = (evaluation(20, 500), evaluation(50, 500));
        let one = Gain::of(&[&low], &[&high]).expect("a gain");
        let three = Gain::of(&[&low, &low, &low], &[&high, &high, &high]).expect("a gain");
        assert!((one.uncertainty - three.uncertainty).abs() < 1e-12);
    }
}
