//! Classifiers of several labels a document, and of numbers: they learn what a word says, travel through
//! a file and through fastai's folder, and refuse what does not fit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use burn::tensor::Device;
use ulmfit_data::{Document, TokenizedCorpus, Tokenizer};
use ulmfit_optim::{DiscriminativeLr, Unfreezing};
use ulmfit_train::fit::{self, FitDocuments, FitOptions, Measured};
use ulmfit_train::{
    ClassWeights, ClassifierData, Imported, ModelFile, Prediction, Predictor, Recipe, RunOptions,
    Target, TrainedClassifier, export_fastai, finetune, import_export, train_classifier,
};

/// Tiny, and trained long enough to learn a word.
fn recipe() -> Recipe {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny.toml");
    let mut recipe = Recipe::open(&path).unwrap();
    (recipe.model.d_embedding, recipe.model.d_hidden) = (16, 24);
    recipe.finetune.training.epochs = 1;
    recipe.finetune.training.unfreezing = Unfreezing::Full;
    recipe.finetune.training.keep = ulmfit_train::Keep::Last;
    let classifier = &mut recipe.classifier;
    (classifier.dropout_multiplier, classifier.head_dropout) = (0.1, 0.0);
    (classifier.alpha, classifier.beta, classifier.d_head) = (0.0, 0.0, 12);
    classifier.training.epochs = 30;
    classifier.training.batch_size = 8;
    classifier.training.unfreezing = Unfreezing::Full;
    classifier.training.discriminative = DiscriminativeLr::Uniform;
    recipe
}

/// A text of which each word is there if its turn has come.
fn text(index: usize, words: [&str; 2]) -> String {
    let there = [index.is_multiple_of(2), (index / 2).is_multiple_of(2)];
    let fill = ["it", "is", "what", "was"].iter().cycle().skip(index % 4);
    let mut text: Vec<&str> = fill.take(2 + index % 3).copied().collect();
    for (word, there) in words.into_iter().zip(there) {
        if there {
            text.insert(index % text.len(), word);
        }
    }
    text.join(" ")
}

fn topics(index: usize) -> Vec<&'static str> {
    let there = [index.is_multiple_of(2), (index / 2).is_multiple_of(2)];
    let labels = ["news", "sport"].into_iter().zip(there);
    labels.filter(|it| it.1).map(|it| it.0).collect()
}

/// "war" makes it news and "match" sport.
fn tagged(count: usize) -> Vec<Document> {
    let document = |i: usize| Document::multi_labeled(text(i, ["war", "match"]), topics(i));
    (0..count).map(document).collect()
}

/// "good" is worth 20 and "fine" 10, on top of 100.
fn rated(count: usize) -> Vec<Document> {
    let document = |i: usize| {
        let [good, fine] = [i, i / 2].map(|it| usize::from(it.is_multiple_of(2)));
        let number = 100 + 20 * good + 10 * fine;
        Document::labeled(text(i, ["good", "fine"]), number.to_string())
    };
    (0..count).map(document).collect()
}

fn train(
    documents: &[Document],
    target: Target,
    recipe: &Recipe,
) -> Result<TrainedClassifier, ulmfit_train::TrainError> {
    let folder = tempfile::tempdir().unwrap();
    let options = |stage: &str| RunOptions::new(folder.path().join(stage), Device::flex());
    let corpus = TokenizedCorpus::from_documents(&Tokenizer::default(), documents);
    let language_model = finetune(&corpus, None, recipe, &options("lm"), &mut ()).unwrap();
    let data = ClassifierData {
        corpus: &corpus,
        target,
        held_out: None,
    };
    train_classifier(
        data,
        Some(language_model),
        recipe,
        &options("classifier"),
        &mut (),
    )
}

/// The same answers after a file, and after fastai's folder and back.
fn travels(trained: &TrainedClassifier, texts: &[Document]) -> Predictor {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex();
    let before = Predictor::new(vec![trained.clone()]).unwrap();
    let path = folder.path().join("model.safetensors");
    let file = ModelFile::Classifier(vec![trained.clone()]);
    file.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let head = String::from_utf8_lossy(&bytes[..2000]).into_owned();
    assert!(head.contains(r#"\"format_version\":5"#), "{head}");

    export_fastai(&file, &folder.path().join("exported")).unwrap();
    let Imported { model, .. } = import_export(&folder.path().join("exported"), &device).unwrap();
    model
        .save(&folder.path().join("again.safetensors"))
        .unwrap();
    assert!(std::fs::read(folder.path().join("again.safetensors")).unwrap() == bytes);

    let after = Predictor::open(&path, &device).unwrap();
    assert_eq!(after.target(), &trained.target);
    assert_eq!(
        after.predict_documents(texts),
        before.predict_documents(texts)
    );
    assert_eq!(
        after.predict_numbers(texts).ok(),
        before.predict_numbers(texts).ok()
    );
    after
}

#[test]
fn two_words_decide_two_labels() {
    let documents = tagged(96);
    let target = Target::of_labels(documents.iter().map(|it| it.label.as_deref()));
    assert_eq!(target, Target::MultiLabel { separator: None });
    let trained = train(&documents, target, &recipe()).unwrap();
    assert_eq!(trained.labels, ["news", "sport"]);
    assert!(trained.provenance.metrics["valid_accuracy"] > 0.9);
    let predictor = travels(&trained, &documents);
    let predictions = predictor.predict_documents(&documents);
    let right = predictions
        .iter()
        .enumerate()
        .filter(|(index, prediction)| {
            let labels = prediction.at_least(Prediction::THRESHOLD).into_iter();
            labels
                .map(|label| predictor.labels()[label].as_str())
                .eq(topics(*index))
        });
    assert!(right.count() >= 92);
    // Both, neither: each probability is of its own.
    let [both, neither] =
        [0, 3].map(|index: usize| predictions[index].probabilities.iter().sum::<f32>());
    assert!(both > 1.5 && neither < 0.5, "{both} {neither}");
    assert!(predictor.predict_numbers(&documents).is_err());
}

#[test]
fn weights_of_rare_labels_make_them_more_probable() {
    // A word that says nothing, and a label that one document in eight has.
    let documents: Vec<Document> = (0..64)
        .map(|i| {
            let labels = if i % 8 == 0 {
                vec!["often", "rare"]
            } else {
                vec!["often"]
            };
            Document::multi_labeled("it is", labels)
        })
        .chain([Document::multi_labeled::<&str>("it is", [])])
        .collect();
    let probability = |class_weights| {
        let mut recipe = recipe();
        recipe.classifier.class_weights = class_weights;
        recipe.classifier.training.epochs = 10;
        let target = Target::MultiLabel { separator: None };
        let trained = train(&documents, target, &recipe).unwrap();
        let predictor = Predictor::new(vec![trained]).unwrap();
        predictor.predict(&["it is"])[0].probabilities[1]
    };
    let [none, balanced] = [ClassWeights::None, ClassWeights::Balanced].map(probability);
    assert!(none < 0.4 && balanced > none + 0.1, "{none} {balanced}");
}

#[test]
fn words_decide_a_number() {
    let documents = rated(96);
    let trained = train(&documents, Target::Regression, &recipe()).unwrap();
    assert!(trained.labels.is_empty());
    assert!((trained.standardization.mean - 115.0).abs() < 3.0);
    let metrics = &trained.provenance.metrics;
    assert!(
        metrics["valid_loss"] < 0.3 && !metrics.contains_key("valid_accuracy"),
        "{metrics:?}"
    );
    let predictor = travels(&trained, &documents);
    let numbers = predictor.predict_numbers(&documents).unwrap();
    let off = documents.iter().zip(&numbers).map(|(document, number)| {
        let truth: f64 = document.label.as_deref().unwrap().parse().unwrap();
        (truth - number).abs()
    });
    let off = off.sum::<f64>() / numbers.len() as f64;
    assert!(off < 4.0, "{off}");
    assert!(predictor.predict(&["good"])[0].probabilities.is_empty());
    // Two of the same answer like one; one of another kind is no member.
    let tagger = train(
        &tagged(32),
        Target::MultiLabel { separator: None },
        &recipe(),
    )
    .unwrap();
    let both = Predictor::new(vec![trained.clone(), trained.clone()]).unwrap();
    assert_eq!(both.predict_numbers(&documents).unwrap(), numbers);
    let error = Predictor::new(vec![trained, tagger]).unwrap_err();
    assert!(error.to_string().contains("the same target"), "{error}");
}

#[test]
fn a_fit_measures_what_the_target_is() {
    let measure = |labeled: Vec<Document>, target: Target| {
        let folder = tempfile::tempdir().unwrap();
        let options = FitOptions {
            target,
            recipe: Some(recipe()),
            held_out: 0.2,
            ..FitOptions::new(folder.path(), Device::flex())
        };
        let documents = FitDocuments {
            labeled,
            ..FitDocuments::default()
        };
        let plan = fit::plan(documents, false, None, &options).unwrap();
        let fitted = fit::fit(&plan, |_| Ok(None), &options, &mut ()).unwrap();
        (fitted.summary.measured.unwrap(), fitted.classifiers)
    };
    // No text twice, so that there is something to hold out.
    let numbered = |documents: Vec<Document>| -> Vec<Document> {
        let documents = documents.into_iter().enumerate();
        documents
            .map(|(index, mut document)| {
                document.fields[0] = format!("{} {index}", document.fields[0]);
                document
            })
            .collect()
    };
    let (measured, classifiers) = measure(
        numbered(tagged(100)),
        Target::MultiLabel { separator: None },
    );
    let Measured::MultiLabel {
        report,
        micro_f1_interval: [low, high],
        baseline,
        calibration,
    } = measured
    else {
        panic!("{measured:?}");
    };
    assert_eq!(report.documents, 20);
    assert!(
        report.micro_f1 > 0.8 && baseline.micro_f1 > 0.9,
        "{report:?} {baseline:?}"
    );
    assert!(low <= report.micro_f1 && report.micro_f1 <= high);
    assert_eq!(calibration.temperatures, [classifiers[0].temperature]);

    let (measured, classifiers) = measure(numbered(rated(100)), Target::Regression);
    let [ours, baseline] = measured.headline();
    assert!(ours > 0.5 && baseline > 0.8, "{measured:?}");
    assert!((classifiers[0].temperature - 1.0).abs() < 1e-6);
}

#[test]
fn labels_that_are_not_of_the_target_are_refused() {
    let refused = |documents: &[Document], target: Target| {
        // As many as it takes to train a language model before.
        let documents: Vec<Document> = documents.iter().cycle().take(20).cloned().collect();
        let result = train(&documents, target, &recipe());
        result.map(drop).unwrap_err().to_string()
    };
    let labeled = |label: &str| Document::labeled(format!("a text of {label}"), label);
    let same = [labeled("3")];
    assert!(refused(&same, Target::Regression).contains("has the number 3; regression needs"));
    let words = [labeled("3"), labeled("good")];
    assert!(refused(&words, Target::Regression).contains("document 2 has the label \"good\""));
    let one = [
        Document::multi_labeled("a text", ["news"]),
        Document::multi_labeled("a text", [""; 0]),
    ];
    let multi_label = Target::MultiLabel { separator: None };
    assert!(refused(&one, multi_label).contains("\"news\" is the only label"));
    assert!(refused(&tagged(20), Target::SingleLabel).contains("has a list of labels"));
}
