//! A short training run by the CPU kernels and by burn's own operations. A test program of its own,
//! since the choice is the whole process's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use burn::tensor::Device;
use ulmfit_data::{Document, TokenizedCorpus, Tokenizer};
use ulmfit_kernels::{cpu_kernels, use_portable_kernels};
use ulmfit_model::named_weights;
use ulmfit_train::{Predictor, Recipe, RunOptions, finetune, pretrain, train_classifier};

#[test]
fn the_cpu_kernels_train_the_model_that_burn_operations_train() {
    let folder = tempfile::tempdir().unwrap();
    assert_ne!(cpu_kernels(), "portable");
    let ours = run(&folder.path().join("kernels"));
    use_portable_kernels(true);
    assert_eq!(cpu_kernels(), "portable");
    let portable = run(&folder.path().join("portable"));

    for ((name, ours), (_, portable)) in ours.iter().zip(&portable) {
        for (index, (ours, portable)) in ours.iter().zip(portable).enumerate() {
            let difference = (ours - portable).abs() / portable.abs().max(1.0);
            assert!(
                difference < 1e-4,
                "{name}[{index}]: {ours}, {portable} by burn operations"
            );
        }
    }
}

/// All three stages: the weights that they end with, and some predictions.
fn run(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny.toml");
    let recipe = Recipe::open(&recipe).unwrap();
    let documents = documents();
    let options = |stage: &str| RunOptions::new(folder.join(stage), Device::flex());
    let corpus = TokenizedCorpus::from_documents(&Tokenizer::default(), &documents);
    let general = pretrain(&corpus, &recipe, &options("general"), &mut ()).unwrap();
    let tuned = finetune(&corpus, Some(general), &recipe, &options("tuned"), &mut ());
    let options = options("classifier");
    let trained = train_classifier(&corpus, Some(tuned.unwrap()), &recipe, &options, &mut ());

    let weights = named_weights(&trained.unwrap().model);
    let weights = weights.into_iter().map(|it| (it.name, it.values));
    let model = folder.join("classifier/model.safetensors");
    let texts = documents.iter().map(|it| it.text().into_owned());
    let predictions = Predictor::open(model, &Device::flex())
        .unwrap()
        .predict(&texts.collect::<Vec<_>>());
    let predictions = predictions.into_iter().map(|it| {
        (
            format!("probabilities of class {}", it.class),
            it.probabilities,
        )
    });
    weights.chain(predictions).collect()
}

/// Documents of 5 to 24 words; the label shows in the words.
fn documents() -> Vec<Document> {
    let words = [["good", "fine", "warm"], ["bad", "dull", "cold"]];
    let document = |index: usize| {
        let class = index % 2;
        let text = (0..5 + index % 20)
            .map(|word| match word % 3 {
                0 => "film",
                _ => words[class][(word + index) % 3],
            })
            .collect::<Vec<_>>();
        Document::labeled(text.join(" "), ["yes", "no"][class])
    };
    (0..40).map(document).collect()
}
