//! The rows: which language model each classifier is built on, and what each changes in the recipe,
//! which is the whole method.

use super::DataSet;
use crate::reproduce::study::variant::Variant;

/// Values to override, as [`Variant`] has them.
type Changes = &'static [(&'static str, &'static str)];

/// A classifier.
#[derive(Debug)]
pub(crate) struct Row {
    /// On the command line and in the names of folders.
    pub(crate) name: &'static str,
    pub(super) encoder: Encoder,
    changes: Changes,
}

/// What a classifier is built on.
#[derive(Debug)]
pub(super) enum Encoder {
    Random,
    /// The language model on board, as it is.
    OnBoard,
    Tuned(&'static Tuning),
}

/// A language model that was fine-tuned on the documents to train on.
#[derive(Debug)]
pub(super) struct Tuning {
    pub(super) name: &'static str,
    /// Whether it starts from the one on board.
    pub(super) pretrained: bool,
    changes: Changes,
}

const WHOLE: Tuning = Tuning {
    name: "whole",
    pretrained: true,
    changes: &[],
};
/// There is nothing to preserve: all layers at the same rate, which is fastai's from scratch.
const UNTRAINED: Tuning = Tuning {
    name: "unpretrained",
    pretrained: false,
    changes: &[
        ("finetune.training.discriminative", UNIFORM),
        ("finetune.training.schedule.lr_max", "0.005"),
    ],
};
const PLAIN: Tuning = Tuning {
    name: "plain",
    pretrained: true,
    changes: &[
        ("finetune.dropout_multiplier", "0.0"),
        ("finetune.alpha", "0.0"),
        ("finetune.beta", "0.0"),
    ],
};
const FULL: Tuning = Tuning {
    name: "full",
    pretrained: true,
    changes: &[
        ("finetune.training.discriminative", UNIFORM),
        (
            "finetune.training.schedule",
            "{ kind = \"constant\", lr_max = 0.004 }",
        ),
    ],
};
const FULL_DISCR: Tuning = Tuning {
    name: "full-discr",
    pretrained: true,
    changes: &[(
        "finetune.training.schedule",
        "{ kind = \"constant\", lr_max = 0.004 }",
    )],
};

const UNFREEZING: &str = "classifier.training.unfreezing";
const DISCRIMINATIVE: &str = "classifier.training.discriminative";
const SCHEDULE: &str = "classifier.training.schedule";
const ALL_LAYERS: &str = "\"full\"";
const UNIFORM: &str = "\"uniform\"";
/// The paper, section 5: a rate of 0.01 with discriminative rates, of 0.001 without.
const CONSTANT: &str = "{ kind = \"constant\", lr_max = 0.001 }";
const CONSTANT_DISCR: &str = "{ kind = \"constant\", lr_max = 0.01 }";
const STLR: &str =
    "{ kind = \"slanted-triangular\", lr_max = 0.001, cut_frac = 0.1, ratio = 32.0 }";
const COSINE: &str = "{ kind = \"cosine\", lr_max = 0.001 }";
/// On random weights, with fastai's optimizer: the rate and the schedule of `low-shot` from scratch, since at
/// 0.005 with the recipe's optimizer the classifier guesses on reviews (docs/results/LOG.md).
const SCRATCH: &str = "{ kind = \"one-cycle\", lr_max = 0.003, div = 25.0, div_final = 1e5, \
                       pct_start = 0.25, momentum = [0.8, 0.7, 0.8] }";
/// The paper, section 5: a rate of 0.001 for the last layer and of 0.0001 for the others.
const CHAIN_THAW: &str = "{ explicit = [0.1, 0.1, 0.1, 0.1, 1.0] }";

/// All rows, the whole method first.
pub(crate) const ROWS: [Row; 15] = [
    row("ulmfit", Encoder::Tuned(&WHOLE), &[]),
    row("without-pretraining", Encoder::Tuned(&UNTRAINED), &[]),
    row("vanilla-lm", Encoder::Tuned(&PLAIN), &[]),
    row("lm-none", Encoder::OnBoard, &[]),
    row("lm-full", Encoder::Tuned(&FULL), &[]),
    row("lm-full-discr", Encoder::Tuned(&FULL_DISCR), &[]),
    row(
        "from-scratch",
        Encoder::Random,
        &[
            (UNFREEZING, ALL_LAYERS),
            (DISCRIMINATIVE, UNIFORM),
            (SCHEDULE, SCRATCH),
        ],
    ),
    row(
        "full",
        Encoder::Tuned(&WHOLE),
        &[
            (UNFREEZING, ALL_LAYERS),
            (DISCRIMINATIVE, UNIFORM),
            (SCHEDULE, CONSTANT),
        ],
    ),
    row(
        "full-discr",
        Encoder::Tuned(&WHOLE),
        &[(UNFREEZING, ALL_LAYERS), (SCHEDULE, CONSTANT_DISCR)],
    ),
    row(
        "last",
        Encoder::Tuned(&WHOLE),
        &[
            (UNFREEZING, "\"last-only\""),
            (DISCRIMINATIVE, UNIFORM),
            (SCHEDULE, CONSTANT),
        ],
    ),
    row(
        "chain-thaw",
        Encoder::Tuned(&WHOLE),
        &[
            (UNFREEZING, "\"chain-thaw\""),
            (DISCRIMINATIVE, CHAIN_THAW),
            (SCHEDULE, CONSTANT),
        ],
    ),
    row(
        "freez",
        Encoder::Tuned(&WHOLE),
        &[(DISCRIMINATIVE, UNIFORM), (SCHEDULE, CONSTANT)],
    ),
    row(
        "freez-discr",
        Encoder::Tuned(&WHOLE),
        &[(SCHEDULE, CONSTANT_DISCR)],
    ),
    row(
        "freez-stlr",
        Encoder::Tuned(&WHOLE),
        &[(DISCRIMINATIVE, UNIFORM), (SCHEDULE, STLR)],
    ),
    row(
        "freez-cos",
        Encoder::Tuned(&WHOLE),
        &[(DISCRIMINATIVE, UNIFORM), (SCHEDULE, COSINE)],
    ),
];

const fn row(name: &'static str, encoder: Encoder, changes: Changes) -> Row {
    Row {
        name,
        encoder,
        changes,
    }
}

impl Row {
    /// What the classifier's recipe is changed in.
    pub(super) fn variant(&self, data_set: DataSet) -> Variant {
        let variant = variant(self.changes);
        if matches!(self.encoder, Encoder::Random) {
            return variant.with_fastai_optimizer();
        }
        if self.name == "chain-thaw" && data_set == DataSet::Imdb {
            // An epoch for each group and one for all: it cannot do with fewer.
            return variant.with("classifier.training.epochs", "6");
        }
        variant
    }
}

impl Tuning {
    /// What the language model's recipe is changed in.
    pub(super) fn variant(&self) -> Variant {
        variant(self.changes)
    }
}

fn variant(changes: Changes) -> Variant {
    let changes = changes.iter();
    changes.fold(Variant::default(), |variant, (place, value)| {
        variant.with(place, *value)
    })
}
