//! Trains a classifier on texts in memory, and uses it.
//!
//! ```sh
//! cargo run --release -p ulmfit-train --features flex --example train_and_predict
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::Device;
use ulmfit_data::{Document, TokenizedCorpus, Tokenizer};
use ulmfit_train::{Predictor, Recipe, RunOptions, finetune, train_classifier};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let reviews = [
        ("a fine and moving film", "good"),
        ("dull from start to end", "bad"),
    ];
    let documents: Vec<_> = reviews
        .iter()
        .cycle()
        .take(64)
        .map(|&(text, label)| Document::labeled(text, label))
        .collect();
    let recipe = Recipe::open("recipes/imdb-smoke.toml".as_ref())?;
    let tokenizer = Tokenizer::new(recipe.text.clone())?;
    let corpus = TokenizedCorpus::from_documents(&tokenizer, &documents);
    let folder = tempfile::tempdir()?;
    let options = |stage: &str| RunOptions::new(folder.path().join(stage), Device::flex());

    let language_model = finetune(&corpus, None, &recipe, &options("finetune"), &mut ())?;
    let classifier = train_classifier(
        &corpus,
        Some(language_model),
        &recipe,
        &options("classifier"),
        &mut (),
    )?;

    let predictor = Predictor::new(vec![classifier])?;
    let prediction = &predictor.predict(&["a fine film"])[0];
    println!(
        "{} {:?}",
        predictor.labels()[prediction.class],
        prediction.probabilities
    );
    Ok(())
}
