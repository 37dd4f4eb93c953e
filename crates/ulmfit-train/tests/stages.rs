//! All three stages on a few invented sentences: they learn something, a run that was stopped
//! resumes to the same bytes, and what does not fit is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;
use ulmfit_data::{Direction, Document, TokenizedCorpus, Tokenizer};
use ulmfit_optim::{ConstantLrConfig, NtAsgdConfig, SgdConfig, Unfreezing};
use ulmfit_train::{
    ClassifierData, Event, Keep, LrFindOptions, LrFindStage, ModelFile, Observer, Predictor,
    Recipe, RunOptions, StopSignal, Target, TrainError, TrainedLanguageModel, TrainingRecipe,
    find_learning_rate, finetune, pretrain, train_classifier,
};

fn recipe() -> Recipe {
    Recipe::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny.toml")).unwrap()
}

/// 60 documents of 5 to 24 words; the label shows in the words.
fn documents() -> Vec<Document> {
    let words = [
        ["good", "fine", "moving", "warm"],
        ["bad", "dull", "cold", "flat"],
    ];
    let document = |index: usize| {
        let class = index % 2;
        let text = (0..5 + index % 20)
            .map(|word| {
                if word % 3 == 0 {
                    "film"
                } else {
                    words[class][(word + index) % 4]
                }
            })
            .collect::<Vec<_>>();
        Document::labeled(text.join(" "), ["yes", "no"][class])
    };
    (0..60).map(document).collect()
}

/// The documents as the stages take them.
fn corpus() -> TokenizedCorpus {
    TokenizedCorpus::from_documents(&Tokenizer::default(), &documents())
}

fn options(folder: &Path) -> RunOptions {
    RunOptions {
        checkpoint_every: Duration::from_hours(1),
        ..RunOptions::new(folder, Device::flex())
    }
}

/// Stops a run after some steps.
struct StopAfter {
    steps: usize,
    signal: StopSignal,
}

impl Observer for StopAfter {
    fn observe(&mut self, event: &Event) {
        if let Event::Step { .. } = event {
            self.steps -= 1;
            if self.steps == 0 {
                self.signal.raise();
            }
        }
    }
}

/// Runs `stage` to the end in one go, and in parts of 7 steps, and compares what they leave.
fn check_resume(stage: impl Fn(&RunOptions, &mut dyn Observer) -> Result<(), TrainError>) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    stage(&options(&whole), &mut ()).unwrap();
    for resume in [false].into_iter().chain(std::iter::repeat(true)) {
        let options = RunOptions {
            resume,
            ..options(&parts)
        };
        let mut stop = StopAfter {
            steps: 7,
            signal: options.stop.clone(),
        };
        match stage(&options, &mut stop) {
            Ok(()) => break,
            Err(TrainError::Stopped { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    for file in ["metrics.jsonl", "model.safetensors"] {
        let [whole, parts] = [&whole, &parts].map(|run| fs::read(run.join(file)).unwrap());
        assert!(!whole.is_empty() && whole == parts, "{file} differs");
    }
}

fn pretrained(folder: &Path) -> TrainedLanguageModel {
    pretrain(&corpus(), &recipe(), &options(folder), &mut ()).unwrap()
}

#[test]
fn resume_pretrain_ends_in_the_same_bytes() {
    check_resume(|options, observer| pretrain(&corpus(), &recipe(), options, observer).map(drop));
}

#[test]
fn resume_finetune_ends_in_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(folder.path());
    check_resume(|options, observer| {
        finetune(&corpus(), Some(model.clone()), &recipe(), options, observer).map(drop)
    });
}

#[test]
fn resume_classifier_ends_in_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(folder.path());
    check_resume(|options, observer| {
        train_classifier(&corpus(), Some(model.clone()), &recipe(), options, observer).map(drop)
    });
}

#[test]
fn resume_classifier_from_scratch_ends_in_the_same_bytes() {
    check_resume(|options, observer| {
        train_classifier(&corpus(), None, &recipe(), options, observer).map(drop)
    });
}

#[test]
fn a_stage_without_progress_ends_when_its_patience_does() {
    let mut recipe = recipe();
    recipe.pretrain.training = TrainingRecipe {
        epochs: 5,
        patience: 2,
        // No step changes a weight, so no epoch is better than the first.
        schedule: ConstantLrConfig::new(1e-30).into(),
        optimizer: SgdConfig::default().into(),
        ..recipe.pretrain.training
    };
    check_resume(|options, observer| {
        let mut epochs = 0;
        let mut count = |event: &Event| {
            if let Event::EpochEnded { epoch, .. } = event {
                epochs = *epoch;
            }
            observer.observe(event);
        };
        pretrain(&corpus(), &recipe, options, &mut count)?;
        assert!(epochs == 3 || epochs == 0, "{epochs} epochs");
        Ok(())
    });
}

#[test]
fn patience_needs_something_that_is_validated() {
    let folder = tempfile::tempdir().unwrap();
    let mut recipe = recipe();
    recipe.pretrain.training.patience = 1;
    // Less than half a document.
    recipe.pretrain.training.validation = 0.001;
    let mut epochs = 0;
    let mut count =
        |event: &Event| epochs += usize::from(matches!(event, Event::EpochEnded { .. }));
    pretrain(&corpus(), &recipe, &options(folder.path()), &mut count).unwrap();
    assert_eq!(epochs, recipe.pretrain.training.epochs);
}

#[test]
fn a_last_step_that_breaks_the_weights_leaves_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let mut recipe = recipe();
    recipe.classifier.training = TrainingRecipe {
        batch_size: 60,
        epochs: 1,
        unfreezing: Unfreezing::Full,
        schedule: ConstantLrConfig::new(1e300).into(),
        optimizer: SgdConfig::default().into(),
        clip_norm: 0.0,
        validation: 0.0,
        keep: Keep::Last,
        ..recipe.classifier.training
    };
    let run = options(folder.path());
    let error = train_classifier(&corpus(), None, &recipe, &run, &mut ()).unwrap_err();
    assert!(
        matches!(error, TrainError::Diverged { step: 1, .. }),
        "{error}"
    );
    assert!(!folder.path().join("model.safetensors").exists());
}

#[test]
fn a_trained_ensemble_is_one_file_that_predicts_as_its_members_do() {
    let folder = tempfile::tempdir().unwrap();
    let train = |direction: Direction| {
        let options = |stage: &str| RunOptions {
            direction,
            ..options(&folder.path().join(format!("{direction}-{stage}")))
        };
        let model = finetune(&corpus(), None, &recipe(), &options("lm"), &mut ()).unwrap();
        train_classifier(
            &corpus(),
            Some(model),
            &recipe(),
            &options("classifier"),
            &mut (),
        )
        .unwrap()
    };
    let members = Direction::ALL.map(train);
    let path = folder.path().join("ensemble.safetensors");
    ModelFile::Classifier(members.to_vec()).save(&path).unwrap();

    // The bytes of the file are the same model, and a refusal calls them by their name.
    let bytes = fs::read(&path).unwrap();
    let device = Device::flex();
    let ModelFile::Classifier(read) =
        ModelFile::from_bytes(bytes.clone(), "on board", &device).unwrap()
    else {
        panic!("it was saved as classifiers");
    };
    let read = Predictor::new(read).unwrap();
    let part = bytes[..bytes.len() / 2].to_vec();
    let error = ModelFile::from_bytes(part, "on board", &device).unwrap_err();
    assert!(error.to_string().starts_with("on board: "), "{error}");

    let texts = [
        "film good fine",
        "",
        "film bad dull flat cold bad dull flat cold bad dull flat",
    ];
    let together = Predictor::open(&path, &Device::flex()).unwrap();
    assert_eq!(read.predict(&texts), together.predict(&texts));
    assert_eq!(together.labels(), ["no", "yes"]);
    let alone = members.map(|member| Predictor::new(vec![member]).unwrap());
    for (index, text) in texts.into_iter().enumerate() {
        let batch = &together.predict(&texts)[index];
        let single = &together.predict(&[text])[0];
        let members = alone
            .each_ref()
            .map(|member| member.predict(&[text]).remove(0));
        for (class, &probability) in batch.probabilities.iter().enumerate() {
            let [forward, backward] = members.each_ref().map(|member| member.probabilities[class]);
            assert!((probability - single.probabilities[class]).abs() < 1e-6);
            assert!((probability - f32::midpoint(forward, backward)).abs() < 1e-6);
        }
    }
}

#[test]
fn a_run_directory_refuses_what_would_mix_two_runs() {
    let folder = tempfile::tempdir().unwrap();
    pretrained(folder.path());
    let again = |options: &RunOptions| {
        pretrain(&corpus(), &recipe(), options, &mut ())
            .map(drop)
            .map_err(|e| e.to_string())
    };
    let error = again(&options(folder.path())).unwrap_err();
    assert!(
        error.contains("holds a run already; go on with it by --resume"),
        "{error}"
    );
    let other_seed = RunOptions {
        seed: 1,
        resume: true,
        ..options(folder.path())
    };
    let error = again(&other_seed).unwrap_err();
    assert!(error.contains("holds a run with another seed"), "{error}");
    // A finished run gives its model again.
    let finished = RunOptions {
        resume: true,
        ..options(folder.path())
    };
    again(&finished).unwrap();
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let error = again(&finished).unwrap_err();
    assert!(
        error.contains("is finished, and its model.safetensors is gone"),
        "{error}"
    );
}

#[test]
fn a_recipe_out_of_range_is_refused_before_anything_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut Recipe), expected: &str| {
        let mut recipe = recipe();
        change(&mut recipe);
        let run = options(&folder.path().join("run"));
        let errors = [
            pretrain(&corpus(), &recipe, &run, &mut ()).unwrap_err(),
            train_classifier(&corpus(), None, &recipe, &run, &mut ()).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(expected), "{error}");
        }
    };
    refused(
        &|it| it.classifier.max_len = it.classifier.bptt - 1,
        "max_len",
    );
    refused(&|it| it.classifier.head_dropout = 1.0, "head_dropout");
    refused(&|it| it.classifier.d_head = 0, "d_head");
    refused(
        &|it| it.vocab.pad_to_multiple = usize::MAX,
        "pad_to_multiple",
    );
    refused(&|it| it.pretrain.training.validation = 1.5, "validation");
    refused(&|it| it.pretrain.training.epochs = usize::MAX, "epochs");
    refused(
        &|it| {
            it.pretrain.training = TrainingRecipe {
                optimizer: NtAsgdConfig::default().into(),
                validation: 0.0,
                keep: Keep::Last,
                ..it.pretrain.training.clone()
            };
        },
        "nt-asgd",
    );
}

#[test]
fn every_document_is_part_of_a_language_models_run() {
    let folder = tempfile::tempdir().unwrap();
    pretrained(folder.path());
    // Those to validate on are among them.
    for index in 0..60 {
        let mut documents = documents();
        documents[index].fields[0].push_str(" film");
        let corpus = TokenizedCorpus::from_documents(&Tokenizer::default(), &documents);
        let again = RunOptions {
            resume: true,
            ..options(folder.path())
        };
        let refused = pretrain(&corpus, &recipe(), &again, &mut ()).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("another data set"), "{index}: {message}");
    }
}

#[test]
fn a_run_goes_on_only_from_the_weights_that_it_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(&folder.path().join("lm"));
    let other_seed = RunOptions {
        seed: 1,
        ..options(&folder.path().join("other"))
    };
    let other = pretrain(&corpus(), &recipe(), &other_seed, &mut ()).unwrap();
    // What was noted of it says nothing of its weights.
    let other = TrainedLanguageModel {
        model: other.model,
        ..model.clone()
    };
    let train = |model: TrainedLanguageModel, resume| {
        let options = RunOptions {
            resume,
            ..options(&folder.path().join("classifier"))
        };
        train_classifier(&corpus(), Some(model), &recipe(), &options, &mut ())
    };
    train(model.clone(), false).unwrap();
    train(model, true).unwrap();
    let message = train(other, true).unwrap_err().to_string();
    assert!(message.contains("another pretrained model"), "{message}");
}

#[test]
fn a_learning_rate_is_looked_for_in_the_direction_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(folder.path());
    let find = |direction| {
        let options = LrFindOptions {
            device: Device::flex(),
            direction,
            target: Target::SingleLabel,
            seed: 0,
            first: 1e-5,
            last: 1e-3,
            steps: 2,
            phase: 0,
        };
        let stage = LrFindStage::Classifier(Box::new(model.clone()));
        find_learning_rate(&corpus(), stage, &recipe(), &options, &mut ())
    };
    find(Direction::Forward).unwrap();
    let message = find(Direction::Backward).unwrap_err().to_string();
    assert!(message.contains("both must be the same"), "{message}");
}

#[test]
fn documents_held_out_are_part_of_a_classifiers_run() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus();
    let train = |held_out: Vec<usize>, resume| {
        let data = ClassifierData {
            held_out: Some(held_out),
            ..ClassifierData::from(&corpus)
        };
        let options = RunOptions {
            resume,
            ..options(&folder.path().join("run"))
        };
        train_classifier(data, None, &recipe(), &options, &mut ())
    };
    for places in [vec![5, 3], vec![3, 3], vec![60]] {
        let message = train(places, false).unwrap_err().to_string();
        assert!(message.contains("in rising order"), "{message}");
    }
    train(vec![3, 5], false).unwrap();
    train(vec![3, 5], true).unwrap();
    let message = train(vec![3, 6], true).unwrap_err().to_string();
    assert!(message.contains("data"), "{message}");
}

#[test]
fn one_class_and_a_missing_label_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(&folder.path().join("lm"));
    let refused = |documents: &[Document]| {
        let options = options(&folder.path().join("classifier"));
        let corpus = TokenizedCorpus::from_documents(&Tokenizer::default(), documents);
        let result = train_classifier(&corpus, Some(model.clone()), &recipe(), &options, &mut ());
        result.map(drop).unwrap_err().to_string()
    };
    let one_class = vec![Document::labeled("good", "yes"); 3];
    assert!(refused(&one_class).contains("every document has the label \"yes\""));
    let unlabeled = [Document::labeled("good", "yes"), Document::new("bad")];
    assert!(refused(&unlabeled).contains("document 2 has no label"));
}
