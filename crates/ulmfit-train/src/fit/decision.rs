//! What a fit decides once and keeps in its folder: the time budget's part of it depends on how fast the
//! machine was.

use std::path::Path;

use serde::{Deserialize, Serialize};
use ulmfit_data::Document;

use super::FitOptions;
use super::recipe::{self, Amount, Speed};
use crate::atomic_file;
use crate::digest;
use crate::error::TrainError;
use crate::recipe::Recipe;
use crate::target::Target;

/// The file of the decision.
pub(super) const FILE: &str = "fit.json";

/// What is decided.
#[derive(Serialize, Deserialize)]
pub(super) struct Decision {
    /// Of the documents and the options.
    digest: String,
    /// How to train.
    pub(super) recipe: Recipe,
    /// Most tokens that the language model reads of the documents without labels, which are drawn by the seed.
    pub(super) unlabeled_tokens: usize,
}

impl Decision {
    /// Shortens a recipe to the time that there is, and writes the decision into the folder.
    pub(super) fn new(
        mut recipe: Recipe,
        amount: &Amount,
        speed: Option<Speed>,
        digest: String,
        options: &FitOptions,
    ) -> Result<Self, TrainError> {
        let mut text_tokens = amount.text_tokens;
        if let Some((limit, speed)) = options.time_budget.zip(speed) {
            text_tokens = recipe::shorten(&mut recipe, amount, limit, speed)?;
            // What is written is gone on with for good.
            recipe.validate()?;
        }
        let this = Self {
            digest,
            recipe,
            unlabeled_tokens: text_tokens.saturating_sub(amount.labeled_tokens),
        };
        options.check_work_dir()?;
        fs_err::create_dir_all(&options.work_dir)?;
        let json = serde_json::to_string_pretty(&this).expect("a decision serializes");
        atomic_file::write(&options.work_dir.join(FILE), json.as_bytes())?;
        Ok(this)
    }

    /// The decision in a folder, if there is one; it must be of the documents and options that `digest` is
    /// of.
    pub(super) fn read(folder: &Path, digest: &str) -> Result<Option<Self>, TrainError> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let refuse = |message: &str| TrainError::RunDir {
            path: folder.to_owned(),
            message: message.to_owned(),
        };
        let text = fs_err::read_to_string(&path)?;
        let decision: Self = serde_json::from_str(&text).map_err(|_| {
            refuse("its fit.json is damaged or of another version; remove the folder to start over")
        })?;
        if decision.digest != digest {
            return Err(refuse(
                "holds a fit of other documents or with other options; remove the folder to start over, \
                 or name another one",
            ));
        }
        Ok(Some(decision))
    }
}

/// A digest of all that decides the result, the speed of the machine aside.
pub(super) fn digest_of(
    labeled: &[Document],
    unlabeled: &[Document],
    held_out: &[usize],
    pretrained: bool,
    options: &FitOptions,
) -> String {
    let mut lines = vec![format!(
        "{} {:?} {:?} {pretrained} {:?} {:?}",
        options.seed,
        options.directions,
        held_out,
        options.tokenizer.config(),
        options.time_budget,
    )];
    if options.target != Target::SingleLabel {
        lines.push(format!("{:?}", options.target));
    }
    lines.extend(options.recipe.as_ref().map(Recipe::digest));
    lines.extend(options.max_vocab.map(|size| format!("max_vocab {size}")));
    let documents = labeled.iter().chain(unlabeled);
    lines.extend(documents.map(|it| digest::of_text(&format!("{:?}{:?}", it.fields, it.label))));
    digest::of_text(&lines.join("\n"))
}
