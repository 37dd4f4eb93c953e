//! A recipe that differs from another in a few values.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;
use toml::{Table, Value};

use crate::checksum;
use crate::reproduce::recipe::Recipe;

/// Values to override in a recipe: where, as in `classifier.training.epochs`, and what, as TOML has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Variant {
    pub(crate) set: Vec<(String, String)>,
}

impl Variant {
    /// The same with one more value.
    pub(crate) fn with(mut self, path: &str, value: impl Into<String>) -> Self {
        self.set.push((path.to_owned(), value.into()));
        self
    }

    /// The same with Adam and gradients as fastai 2 has them, by which a classifier on random weights learns
    /// (docs/results/LOG.md).
    pub(crate) fn with_fastai_optimizer(self) -> Self {
        self.with("classifier.training.optimizer.epsilon", "1e-5")
            .with("classifier.training.clip_norm", "0.0")
    }

    /// The recipe with the values of this variant, to be written to `path`.
    ///
    /// Fails when the recipe has no such value: an override replaces and never adds.
    pub(crate) fn of(&self, base: &Recipe, path: PathBuf) -> anyhow::Result<Recipe> {
        let mut table: Table = toml::from_str(&base.text)?;
        for (place, value) in &self.set {
            override_value(&mut table, place, value).with_context(|| place.clone())?;
        }
        let text = toml::to_string(&table)?;
        Ok(Recipe {
            path,
            sha256: checksum::sha256(text.as_bytes()),
            text,
            data: base.data.clone(),
        })
    }

    /// `place = value`, as a line for people.
    pub(crate) fn shown(&self) -> String {
        let lines = self
            .set
            .iter()
            .map(|(place, value)| format!("`{place} = {value}`"));
        lines.collect::<Vec<_>>().join(", ")
    }
}

fn override_value(table: &mut Table, place: &str, value: &str) -> anyhow::Result<()> {
    let mut parsed: Table = toml::from_str(&format!("value = {value}"))?;
    let value = parsed.remove("value").context("no value")?;
    let mut sections: Vec<_> = place.split('.').collect();
    let last = sections.pop().context("no place")?;
    let mut table = table;
    for section in sections {
        table = match table.get_mut(section) {
            Some(Value::Table(inner)) => inner,
            _ => bail!("the recipe has no section {section}"),
        };
    }
    let old = table
        .get_mut(last)
        .with_context(|| format!("the recipe has no value {last}"))?;
    *old = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::recipe::DataPlan;

    fn base() -> Recipe {
        Recipe {
            path: "base.toml".into(),
            text: "[classifier.training]\nepochs = 5 # ours\nbatch_size = 32\n".into(),
            sha256: String::new(),
            data: DataPlan {
                pretrain_splits: vec![],
                pretrain_documents: 0,
                finetune_splits: vec![],
                finetune_documents: 0,
                train_documents: 0,
                test_documents: 0,
            },
        }
    }

    #[test]
    fn a_variant_differs_in_what_it_names_and_in_nothing_else() {
        let variant = Variant::default().with("classifier.training.epochs", "{ all = 7 }");
        let recipe = variant.of(&base(), "cell.toml".into()).expect("a variant");
        let training: Table = toml::from_str(&recipe.text).expect("TOML");
        let expected: Table =
            toml::from_str("[classifier.training]\nepochs = { all = 7 }\nbatch_size = 32\n")
                .expect("TOML");
        assert_eq!(training, expected);
        assert_eq!(
            variant.shown(),
            "`classifier.training.epochs = { all = 7 }`"
        );
    }

    #[test]
    fn a_value_that_the_recipe_does_not_have_is_refused() {
        for (place, value, expected) in [
            ("classifier.training.epoch", "7", "no value epoch"),
            ("classifier.epochs.all", "7", "no section epochs"),
            (
                "classifier.training.epochs",
                "seven",
                "classifier.training.epochs",
            ),
        ] {
            let error = Variant::default()
                .with(place, value)
                .of(&base(), "x".into());
            let error = format!("{:#}", error.expect_err("a mistake"));
            assert!(error.contains(expected), "{error}");
        }
    }
}
