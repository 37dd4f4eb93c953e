//! From texts and labels to a measured classifier, in one call.
//!
//! ```sh
//! cargo run --release -p ulmfit-train --features flex --example fit
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::Device;
use ulmfit_data::Document;
use ulmfit_train::Predictor;
use ulmfit_train::fit::{self, FitDocuments, FitOptions};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: Vec<(String, String)> = (0..60)
        .map(|i| match i % 2 {
            0 => (format!("a fine and moving film, number {i}"), "good".into()),
            _ => (format!("dull from start to end, part {i}"), "bad".into()),
        })
        .collect();
    let labeled = rows
        .into_iter()
        .map(|(text, label)| Document::labeled(text, label));
    let documents = FitDocuments {
        labeled: labeled.collect(),
        ..FitDocuments::default()
    };

    let folder = tempfile::tempdir()?;
    let mut recipe = fit::recipe();
    // A toy: seconds are enough.
    (recipe.model.d_embedding, recipe.model.d_hidden) = (16, 32);
    let options = FitOptions {
        recipe: Some(recipe),
        ..FitOptions::new(folder.path(), Device::flex())
    };
    let pretrained = false;
    let plan = fit::plan(documents, pretrained, None, &options)?;
    let fitted = fit::fit(&plan, |_direction| Ok(None), &options, &mut ())?;

    if let Some(measured) = &fitted.summary.measured {
        let [accuracy, baseline] = measured.headline();
        println!("accuracy {accuracy:.2} on documents held out, TF-IDF's {baseline:.2}");
    }
    let predictor = Predictor::new(fitted.classifiers)?;
    let prediction = &predictor.predict(&["a fine film"])[0];
    println!("{}", predictor.labels()[prediction.class]);
    Ok(())
}
