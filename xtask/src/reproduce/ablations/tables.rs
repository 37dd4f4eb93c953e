//! The paper's tables 4 to 7: validation errors in percent, of one direction, on a tenth of the training
//! documents after 50 epochs.

use super::DataSet;

/// The paper's figure of a row of ours, in percent.
pub(super) fn published(row: &str, data_set: DataSet) -> Option<f64> {
    let mut lines = TABLES.iter().flat_map(|table| table.lines);
    let line = lines.find(|line| line.row == row)?;
    Some(line.published(data_set))
}

/// A table of the paper, and which row of ours stands beside each of its.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) lines: &'static [Line],
}

#[derive(Debug)]
pub(super) struct Line {
    /// As the paper calls it.
    pub(super) what: &'static str,
    /// The name of ours.
    pub(super) row: &'static str,
    imdb: f64,
    trec: f64,
}

impl Line {
    /// The paper's figure.
    pub(super) fn published(&self, data_set: DataSet) -> f64 {
        match data_set {
            DataSet::Trec => self.trec,
            DataSet::Imdb => self.imdb,
        }
    }
}

const fn line(what: &'static str, row: &'static str, imdb: f64, trec: f64) -> Line {
    Line {
        what,
        row,
        imdb,
        trec,
    }
}

pub(super) const TABLES: [Table; 4] = [
    Table {
        title: "Table 4: pretraining",
        lines: &[
            line("without pretraining", "without-pretraining", 5.63, 10.67),
            line("with pretraining", "ulmfit", 5.00, 5.69),
        ],
    },
    Table {
        title: "Table 5: the language model",
        lines: &[
            line("vanilla LM", "vanilla-lm", 5.98, 7.41),
            line("AWD-LSTM LM", "ulmfit", 5.00, 5.69),
        ],
    },
    Table {
        title: "Table 6: fine-tuning the language model",
        lines: &[
            line("no LM fine-tuning", "lm-none", 6.99, 6.38),
            line("full", "lm-full", 5.86, 6.54),
            line("full + discr", "lm-full-discr", 5.55, 6.36),
            line("full + discr + stlr", "ulmfit", 5.00, 5.69),
        ],
    },
    Table {
        title: "Table 7: fine-tuning the classifier",
        lines: &[
            line("from scratch", "from-scratch", 9.93, 13.36),
            line("full", "full", 6.87, 6.86),
            line("full + discr", "full-discr", 5.57, 6.21),
            line("last", "last", 6.49, 16.09),
            line("chain-thaw", "chain-thaw", 5.39, 6.71),
            line("freez", "freez", 6.37, 6.86),
            line("freez + discr", "freez-discr", 5.39, 5.86),
            line("freez + stlr", "freez-stlr", 5.04, 6.02),
            line("freez + cos", "freez-cos", 5.70, 6.38),
            line("freez + discr + stlr", "ulmfit", 5.00, 5.69),
        ],
    },
];
