//! An experiment from its data to its report. It reads top to bottom: the binary, the baseline, the
//! three stages in each direction, each on an encoded corpus, the evaluation, the report.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::machine::Machine;
use crate::reproduce::corpus::{Corpus, DataFacts, Draw, limit};
use crate::reproduce::evaluation::{self, Evaluation};
use crate::reproduce::pretrained;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::report::{Measured, Published, RecipeFacts, Report, StageFacts};
use crate::reproduce::stage::{Plan, Stage};
use crate::ulmfit::Ulmfit;
use crate::workspace;

/// What is to be reproduced, and how.
#[derive(Debug)]
pub(crate) struct Experiment {
    /// Of the run folders and of the report.
    pub(crate) name: String,
    pub(crate) title: String,
    /// As typed, for the report.
    pub(crate) command: String,
    pub(crate) published: Vec<Published>,
    pub(crate) corpus: Corpus,
    /// The language model that fine-tuning starts from, as `ulmfit finetune --pretrained` names it, a file by
    /// its whole path; where there is none, one is pretrained.
    pub(crate) pretrained: Option<String>,
    /// Text for pretraining; where there is none, the recipe's splits of the corpus serve.
    pub(crate) pretrain_data: Vec<PathBuf>,
    pub(crate) recipe: Recipe,
    pub(crate) directions: &'static [&'static str],
    pub(crate) device: String,
    pub(crate) seed: u64,
    pub(crate) resume: bool,
    /// Whether the language model is fine-tuned on the text of the test documents too.
    pub(crate) transductive: bool,
    /// The folder of all run folders.
    pub(crate) runs: PathBuf,
    /// The folder of the report.
    pub(crate) reports: PathBuf,
}

impl Experiment {
    /// Runs everything that is not done yet and writes the report.
    pub(crate) fn run(&self, ulmfit: &Ulmfit) -> anyhow::Result<()> {
        let data = self.corpus.facts()?;
        let pretraining_data: Vec<DataFacts> = self
            .pretrain_data
            .iter()
            .map(|path| DataFacts::of(path))
            .collect::<Result<_, _>>()?;

        let directions = self.directions.iter().copied();
        let chains = directions
            .map(|direction| Ok((direction, self.stages(direction, &data, &pretraining_data)?)));
        let chains = chains.collect::<anyhow::Result<Vec<_>>>()?;

        // Before anything that takes time.
        for stage in chains.iter().flat_map(|(_, stages)| stages) {
            stage.check(self.resume)?;
        }
        // Before the stages, since it takes a minute and finds what is wrong with the data.
        let baseline = self.baseline(ulmfit)?;

        let mut stages = vec![];
        let mut classifiers = vec![];
        let mut results = vec![];
        for (direction, chain) in &chains {
            for stage in chain {
                let run = stage.complete(ulmfit, self.resume)?;
                let (name, seconds, metrics) = (stage.plan.stage, run.seconds, run.metrics);
                stages.push(StageFacts {
                    stage: name,
                    direction,
                    seconds,
                    metrics,
                });
            }
            let classifier = chain.last().context("there is at least one stage")?.model();
            let evaluation = self.evaluate(ulmfit, classifier.clone())?;
            results.push(Measured {
                model: direction,
                evaluation,
            });
            classifiers.push(classifier);
        }
        if let [forward, backward] = classifiers.as_slice() {
            let ensemble = self
                .runs
                .join(format!("{}-both", self.name))
                .join("model.safetensors");
            fs_err::create_dir_all(ensemble.parent().context("a model lies in a folder")?)?;
            let models = [forward, backward].map(OsString::from);
            let output = ["--output".into(), ensemble.clone().into()];
            ulmfit.run(&[vec!["ensemble".into()], models.into(), output.into()].concat())?;
            let evaluation = self.evaluate(ulmfit, ensemble)?;
            results.push(Measured {
                model: "ensemble",
                evaluation,
            });
        }

        let report = Report {
            name: self.name.clone(),
            title: self.title.clone(),
            command: self.command.clone(),
            commit: ulmfit.commit.clone(),
            published: self.published.clone(),
            results,
            baseline,
            stages,
            seed: self.seed,
            device: self.device.clone(),
            machine: Machine::this(),
            data,
            pretrained: self
                .pretrained
                .as_ref()
                .map(|named| workspace::file_name(Path::new(named))),
            pretraining_data,
            test_text_seen: self.transductive,
            repeated_test_documents: self.corpus.repeated,
            recipe: RecipeFacts::from(&self.recipe),
        };
        let path = report.write(&self.reports)?;
        println!("{}\n{}", report.title, report.figures());
        eprintln!("the report is in {}", workspace::shown(&path));
        Ok(())
    }

    fn baseline(&self, ulmfit: &Ulmfit) -> anyhow::Result<Evaluation> {
        let train = self.draw(self.recipe.data.train_documents);
        ulmfit.json(&evaluation::of_baseline(&self.corpus, train, self.test())?)
    }

    /// The stages of one direction in order, each on the model of the one before.
    pub(crate) fn stages(
        &self,
        direction: &'static str,
        data: &[DataFacts],
        pretraining_data: &[DataFacts],
    ) -> anyhow::Result<Vec<Stage>> {
        let recipe = &self.recipe.data;
        let train = ["train".to_owned()];
        let test = self.transductive.then(|| "test".to_owned());
        let finetune: Vec<_> = recipe.finetune_splits.iter().cloned().chain(test).collect();

        let mut stages = Chain {
            experiment: self,
            direction,
            stages: vec![],
        };
        if self.pretrained.is_some() {
            // Nothing is to be pretrained.
        } else if !self.pretrain_data.is_empty() {
            let paths = self.pretrain_data.iter().map(OsString::from).collect();
            stages.add(
                "pretrain",
                paths,
                pretraining_data,
                &[],
                recipe.pretrain_documents,
            )?;
        } else if !recipe.pretrain_splits.is_empty() {
            let splits = &recipe.pretrain_splits;
            let corpus = self.corpus.arguments(splits)?;
            stages.add("pretrain", corpus, data, splits, recipe.pretrain_documents)?;
        }
        let corpus = self.corpus.arguments(&finetune)?;
        stages.add(
            "finetune",
            corpus,
            data,
            &finetune,
            recipe.finetune_documents,
        )?;
        let corpus = self.corpus.arguments(&train)?;
        stages.add("train", corpus, data, &train, recipe.train_documents)?;
        Ok(stages.stages)
    }

    fn evaluate(&self, ulmfit: &Ulmfit, model: PathBuf) -> anyhow::Result<Evaluation> {
        let measure = evaluation::of_model(model, &self.corpus, &self.device, self.test())?;
        ulmfit.json(&measure)
    }

    /// The test documents, the baseline's too.
    fn test(&self) -> Draw {
        self.draw(self.recipe.data.test_documents)
    }

    fn draw(&self, documents: usize) -> Draw {
        let seed = self.seed;
        Draw { documents, seed }
    }
}

/// The stages of one direction, as they are put together.
struct Chain<'a> {
    experiment: &'a Experiment,
    direction: &'static str,
    stages: Vec<Stage>,
}

impl Chain<'_> {
    fn add(
        &mut self,
        stage: &'static str,
        texts: Vec<OsString>,
        data: &[DataFacts],
        splits: &[String],
        documents: usize,
    ) -> anyhow::Result<()> {
        let Experiment {
            name,
            recipe,
            device,
            seed,
            runs,
            ..
        } = self.experiment;
        let direction = self.direction;
        // Stages and directions that read the same texts share their corpus.
        let corpora = runs.join(format!("{name}-corpora"));
        fs_err::create_dir_all(&corpora)?;
        let corpus = corpora.join(if splits.is_empty() {
            "general".to_owned()
        } else {
            splits.join("+")
        });
        let mut encoding = vec![OsString::from("encode")];
        encoding.extend(texts);
        encoding.extend(["--recipe".into(), recipe.path.clone().into()]);
        encoding.extend(["--output".into(), corpus.clone().into()]);

        let mut arguments = vec![OsString::from(stage), corpus.into()];
        arguments.extend(["--recipe".into(), recipe.path.clone().into()]);
        arguments.extend(["--direction".into(), direction.into()]);
        arguments.extend(["--device".into(), device.into()]);
        arguments.extend(["--seed".into(), seed.to_string().into()]);
        arguments.extend(limit("--limit", documents));
        if let Some(before) = self.stages.last() {
            let option = if stage == "train" {
                "--language-model"
            } else {
                "--pretrained"
            };
            arguments.extend([option.into(), before.model().into()]);
        } else if stage == "finetune" {
            let pretrained = self.experiment.pretrained.as_deref().unwrap_or("none");
            arguments.extend(["--pretrained".into(), pretrained.into()]);
        }
        let plan = Plan {
            stage,
            recipe_sha256: recipe.stage_sha256(stage)?,
            direction,
            seed: *seed,
            device: device.clone(),
            data: data.to_vec(),
            splits: splits.to_vec(),
            documents,
            after: match self.stages.last() {
                Some(before) => Some(before.plan.digest()),
                None => pretrained::digest(self.experiment.pretrained.as_deref(), direction)?,
            },
        };
        // The folder is named for what it holds, not for the command.
        let folder = if stage == "train" {
            "classifier"
        } else {
            stage
        };
        let folder = runs.join(format!("{name}-{direction}")).join(folder);
        self.stages.push(Stage {
            folder,
            plan,
            encoding,
            arguments,
        });
        Ok(())
    }
}

#[cfg(all(test, unix))]
pub(crate) mod tests;
