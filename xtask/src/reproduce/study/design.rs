//! What the cells of a study have in common, and how one is put together.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::cell::Cell;
use super::kept::Kept;
use super::step::Step;
use super::variant::Variant;
use crate::reproduce::corpus::{Corpus, DataFacts, Draw, limit};
use crate::reproduce::recipe::Recipe;
use crate::reproduce::stage::{Plan, Stage};
use crate::reproduce::{evaluation, pretrained};

/// Of every model but those that start from a backward one.
pub(crate) const DIRECTION: &str = "forward";
/// Draws the test documents, of every cell the same.
pub(crate) const TEST_SEED: u64 = 0;

/// What all cells have in common.
#[derive(Debug)]
pub(crate) struct Design {
    /// The folder of the runs.
    pub(crate) runs: PathBuf,
    pub(crate) corpus: Corpus,
    pub(crate) data: Vec<DataFacts>,
    /// The digest of the language model on board.
    pub(crate) on_board: Option<String>,
    /// The recipe that variants are made from.
    pub(crate) recipe: Recipe,
    pub(crate) device: String,
    /// Of the training split.
    pub(crate) documents: usize,
    /// 0 for all of them.
    pub(crate) test_documents: usize,
    /// On average.
    pub(crate) tokens_per_document: f64,
    /// What is finished by the report that is there.
    pub(crate) kept: Kept,
}

/// What a stage starts from.
#[derive(Debug)]
pub(crate) enum Start<'a> {
    /// Random weights.
    Nothing,
    /// The language model on board.
    OnBoard,
    /// The model of another stage, in its direction.
    Stage(&'a Stage),
}

impl Start<'_> {
    /// As `--pretrained` and `--language-model` name it.
    fn argument(&self) -> OsString {
        match self {
            Self::Nothing => "none".into(),
            Self::OnBoard => pretrained::ENGLISH.into(),
            Self::Stage(stage) => stage.model().into(),
        }
    }

    fn direction(&self) -> &'static str {
        match self {
            Self::Nothing | Self::OnBoard => DIRECTION,
            Self::Stage(stage) => stage.plan.direction,
        }
    }
}

impl Design {
    /// `ulmfit finetune` on the drawn documents' texts, in `folder/finetune`.
    pub(crate) fn finetune(
        &self,
        folder: &Path,
        variant: &Variant,
        draw: Draw,
        start: &Start<'_>,
    ) -> anyhow::Result<Step> {
        self.step(["finetune", "--pretrained"], folder, variant, draw, start)
    }

    /// `ulmfit train` on the drawn documents, in `folder/classifier`.
    pub(crate) fn train(
        &self,
        folder: &Path,
        variant: &Variant,
        draw: Draw,
        start: &Start<'_>,
    ) -> anyhow::Result<Step> {
        self.step(["train", "--language-model"], folder, variant, draw, start)
    }

    fn step(
        &self,
        [stage, option]: [&'static str; 2],
        folder: &Path,
        variant: &Variant,
        draw: Draw,
        start: &Start<'_>,
    ) -> anyhow::Result<Step> {
        let recipe = variant.of(&self.recipe, folder.join("recipe.toml"))?;
        let train = ["train".to_owned()];
        // Of texts in tokens a study needs one, since no variant cuts them otherwise.
        let corpus = self.runs.join("corpus");
        let mut encoding = vec![OsString::from("encode")];
        encoding.extend(self.corpus.arguments(&train)?);
        encoding.extend(["--recipe".into(), recipe.path.clone().into()]);
        encoding.extend(["--output".into(), corpus.clone().into()]);

        let mut arguments = vec![OsString::from(stage), corpus.into()];
        arguments.extend(["--recipe".into(), recipe.path.clone().into()]);
        arguments.extend(["--direction".into(), start.direction().into()]);
        arguments.extend(["--device".into(), self.device.clone().into()]);
        arguments.extend(["--seed".into(), draw.seed.to_string().into()]);
        arguments.extend(limit("--limit", draw.documents));
        arguments.extend([option.into(), start.argument()]);
        let plan = Plan {
            direction: start.direction(),
            recipe_sha256: recipe.stage_sha256(stage)?,
            after: match start {
                Start::Nothing => None,
                Start::OnBoard => self.on_board.clone(),
                Start::Stage(stage) => Some(stage.plan.digest()),
            },
            ..self.plan(stage, "train", draw)
        };
        let name = if stage == "train" {
            "classifier"
        } else {
            stage
        };
        Ok(Step {
            stage: Stage {
                folder: folder.join(name),
                plan,
                encoding,
                arguments,
            },
            recipe,
            documents: match draw.documents {
                0 => self.documents,
                documents => documents.min(self.documents),
            },
        })
    }

    /// The cell that measures the classifier among its stages, or all of them, averaged.
    pub(crate) fn measured(&self, folder: PathBuf, steps: Vec<Step>) -> anyhow::Result<Cell> {
        let classifiers: Vec<_> = steps
            .iter()
            .map(|step| &step.stage)
            .filter(|stage| stage.plan.stage == "train")
            .collect();
        let (model, join) = if let [classifier] = classifiers.as_slice() {
            (classifier.model(), None)
        } else {
            let joined = folder.join("model.safetensors");
            let mut join = vec![OsString::from("ensemble")];
            join.extend(classifiers.iter().map(|it| it.model().into()));
            join.extend(["--output".into(), joined.clone().into()]);
            (joined, Some(join))
        };
        let measure = evaluation::of_model(model, &self.corpus, &self.device, self.test())?;
        let after: Vec<_> = classifiers.iter().map(|it| it.plan.digest()).collect();
        let cell = self.cell(folder, steps, measure, "evaluate", Some(after.join("+")));
        Ok(Cell { join, ..cell })
    }

    /// The cell that measures TF-IDF with logistic regression on the same draw.
    pub(crate) fn baseline(&self, folder: PathBuf, draw: Draw) -> anyhow::Result<Cell> {
        let measure = evaluation::of_baseline(&self.corpus, draw, self.test())?;
        let after = self.plan("baseline", "train", draw).digest();
        Ok(self.cell(folder, vec![], measure, "baseline", Some(after)))
    }

    fn cell(
        &self,
        folder: PathBuf,
        steps: Vec<Step>,
        measure: Vec<OsString>,
        what: &'static str,
        after: Option<String>,
    ) -> Cell {
        let plan = Plan {
            after,
            ..self.plan(what, "test", self.test())
        };
        let digest = plan.digest();
        Cell {
            folder,
            steps,
            join: None,
            measure,
            test_documents: self.test_documents,
            kept: self.kept.get(&digest).cloned(),
            digest,
        }
    }

    /// The test documents.
    fn test(&self) -> Draw {
        Draw {
            documents: self.test_documents,
            seed: TEST_SEED,
        }
    }

    /// A plan without a recipe, from nothing.
    fn plan(&self, stage: &'static str, split: &str, draw: Draw) -> Plan {
        Plan {
            stage,
            recipe_sha256: String::new(),
            direction: DIRECTION,
            seed: draw.seed,
            device: self.device.clone(),
            data: self.data.clone(),
            splits: vec![split.to_owned()],
            documents: draw.documents,
            after: None,
        }
    }
}
