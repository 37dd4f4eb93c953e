//! Parts of the study, with a script in place of `ulmfit`.

use std::path::Path;

use super::*;
use crate::reproduce::corpus::Repeated;
use crate::reproduce::experiment;
use crate::reproduce::recipe::{DataPlan, Recipe};
use crate::reproduce::study::kept::Kept;

fn study(folder: &Path) -> (LowShot, Ulmfit) {
    let (mut source, ulmfit) = experiment::tests::experiment(folder);
    let recipe = Recipe {
        path: folder.join("low-shot.toml"),
        text: fs_err::read_to_string(workspace::root().join("recipes/low-shot.toml"))
            .expect("the recipe"),
        sha256: "cd".into(),
        data: DataPlan {
            finetune_splits: vec!["train".into(), "unsup".into()],
            ..source.recipe.data.clone()
        },
    };
    let path = folder.join("cpu.toml");
    fs_err::write(&path, &recipe.text).expect("a recipe");
    source.pretrained = Some("wiki-small".into());
    source.recipe = Recipe {
        path,
        ..recipe.clone()
    };
    let data = source.corpus.facts().expect("facts");
    let language_models = ["forward", "backward"].map(|direction| {
        let mut stages = source.stages(direction, &data, &[]).expect("stages");
        Step {
            stage: stages.remove(0),
            recipe: source.recipe.clone(),
            documents: 75_000,
        }
    });
    let design = Design {
        runs: folder.join("runs/low-shot"),
        data,
        on_board: Some("ef".into()),
        corpus: source.corpus.clone(),
        recipe,
        device: "cpu".into(),
        documents: 25_000,
        test_documents: 50,
        tokens_per_document: TOKENS_PER_REVIEW,
        kept: Kept::default(),
    };
    let study = LowShot {
        command: "cargo xtask reproduce low-shot".into(),
        design,
        language_models,
        labels: vec![20],
        seeds: vec![0],
        arms: Arm::ALL.into(),
        reports: folder.join("reports"),
    };
    (study, ulmfit)
}

#[test]
fn every_arm_gets_the_same_documents_and_what_is_done_is_not_done_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut study, ulmfit) = study(folder.path());
    study.design.corpus.repeated = Some(Repeated {
        documents: 3,
        of: 70,
    });
    study.run(&ulmfit).expect("a report");
    let calls = experiment::tests::calls(folder.path());
    let of = |command: &str| -> Vec<String> {
        let start = format!("{command} ");
        calls
            .iter()
            .filter(|call| call.starts_with(&start))
            .cloned()
            .collect()
    };
    assert_eq!(
        of("baseline"),
        [
            "baseline train.csv --format csv --test test.csv --limit 20 --seed 0 --test-limit 50 \
          --test-seed 0 --json"
        ]
    );
    let corpus = "runs/low-shot/corpus --recipe runs/low-shot";
    let more = "--direction forward --device cpu --seed 0 --limit 20";
    assert_eq!(
        of("train"),
        [
            format!(
                "train {corpus}/from-scratch-20-0/recipe.toml {more} --language-model none \
                 --run runs/low-shot/from-scratch-20-0/classifier"
            ),
            format!(
                "train {corpus}/supervised-20-0/recipe.toml {more} --language-model \
                 runs/low-shot/supervised-20-0/finetune/model.safetensors \
                 --run runs/low-shot/supervised-20-0/classifier"
            ),
            format!(
                "train {corpus}/semi-supervised-20-0/recipe.toml {more} --language-model \
                 runs/tiny-forward/finetune/model.safetensors \
                 --run runs/low-shot/semi-supervised-20-0/classifier"
            ),
            format!(
                "train {corpus}/both-directions-20-0/recipe.toml {} --language-model \
                 runs/tiny-backward/finetune/model.safetensors \
                 --run runs/low-shot/both-directions-20-0/classifier",
                more.replace("forward", "backward")
            ),
        ]
    );
    let joined = "runs/low-shot/both-directions-20-0/model.safetensors";
    assert_eq!(
        of("ensemble"),
        [format!(
            "ensemble runs/low-shot/semi-supervised-20-0/classifier/model.safetensors \
             runs/low-shot/both-directions-20-0/classifier/model.safetensors --output {joined}"
        )]
    );
    assert!(of("evaluate")[3].starts_with(&format!("evaluate {joined} ")));
    // The first is the cell's own, the others the experiment's.
    assert_eq!(of("finetune").len(), 3);
    assert!(of("finetune")[0].contains(" --limit 20 --pretrained wiki-small "));
    assert!(
        of("finetune")[1].ends_with("--pretrained wiki-small --run runs/tiny-forward/finetune")
    );
    assert!(of("finetune")[2].ends_with("--run runs/tiny-backward/finetune"));
    for call in of("evaluate") {
        assert!(call.ends_with("test.csv --format csv --device cpu --limit 50 --seed 0 --json"));
    }

    study.seeds = vec![0, 1];
    study.arms = vec![Arm::SemiSupervised];
    study.run(&ulmfit).expect("a report");
    let again = experiment::tests::calls(folder.path());
    let names: Vec<_> = again
        .iter()
        .filter_map(|call| call.split(' ').next())
        .collect();
    assert_eq!(names, ["encode", "train", "evaluate"]);

    let read = |name: &str| fs_err::read_to_string(folder.path().join("reports").join(name));
    let report = read("low-shot.md").expect("a report");
    for expected in [
        "| 20 | 75.00 (1) | 75.00 (1) | 75.00 (1) | 75.00 ± 0.00 (2) | 75.00 (1) |\n",
        "| 100 |  |  |  |  |  |\n",
        "the same 50 test reviews, drawn by seed 0",
        "No language model was given the test reviews; the texts of 3 of the data set's 70 test documents are",
        "**84 runs are not finished**",
        "| ULMFiT, supervised | 100 | `classifier.training.batch_size = 8`, ",
        "| seeds | 0, 1 |\n",
        "The forward language model, which runs share, took 2.0 s. The backward language model, which runs \
         share, took 2.0 s.",
        "| `wiki-small`, which is on board, SHA-256 | `ef` |\n",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is not in\n{report}"
        );
    }
    let json: serde_json::Value =
        serde_json::from_str(&read("low-shot.json").expect("a report")).expect("JSON");
    assert_eq!(json["measured"].as_array().map(Vec::len), Some(6));
}

#[test]
fn other_test_documents_are_measured_anew_without_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut study, ulmfit) = study(folder.path());
    study.arms = vec![Arm::FromScratch];
    study.run(&ulmfit).expect("a report");
    experiment::tests::calls(folder.path());
    study.design.test_documents = 60;
    study.run(&ulmfit).expect("a report");
    let calls = experiment::tests::calls(folder.path());
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].starts_with("evaluate ") && calls[0].contains("--limit 60"));
}

#[test]
fn what_the_report_has_is_not_run_again_where_the_runs_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut study, ulmfit) = study(folder.path());
    study.run(&ulmfit).expect("a report");
    experiment::tests::calls(folder.path());
    let reports = folder.path().join("reports");
    let report = || fs_err::read_to_string(reports.join("low-shot.md")).expect("a report");
    let before = report();
    fs_err::remove_dir_all(&study.design.runs).expect("runs");
    let json = reports.join("low-shot.json");
    study.design.kept = Kept::read(&json).expect("outcomes");
    study.run(&ulmfit).expect("the same report");
    assert!(!folder.path().join("calls").exists());
    assert_eq!(report(), before);

    fs_err::write(&json, "<<<<<<< HEAD").expect("a damaged report");
    let error = Kept::read(&json).expect_err("a refusal").to_string();
    assert!(error.contains("restore it, or remove it"), "{error}");
    fs_err::write(&json, r#"{"measured": [{"accuracy": 0.5}]}"#).expect("an old report");
    Kept::read(&json).expect("nothing to keep");
}

#[test]
fn what_other_calls_asked_for_stays_in_the_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut study, ulmfit) = study(folder.path());
    study.arms = vec![Arm::TfIdf];
    (study.labels, study.seeds) = (vec![20, 30], vec![7]);
    study.run(&ulmfit).expect("a report");
    fs_err::remove_dir_all(&study.design.runs).expect("runs");

    let json = folder.path().join("reports/low-shot.json");
    study.design.kept = Kept::read(&json).expect("outcomes");
    (study.labels, study.seeds) = (vec![20], vec![0]);
    study.run(&ulmfit).expect("a report");
    let report = fs_err::read_to_string(json.with_extension("md")).expect("a report");
    for expected in [
        "| 20 | 75.00 ± 0.00 (2) |",
        "| 30 | 75.00 (1) |",
        "| seeds | 0, 7 |",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is not in\n{report}"
        );
    }
}

#[test]
fn outcomes_that_would_be_lost_are_a_refusal_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut study, ulmfit) = study(folder.path());
    study.arms = vec![Arm::TfIdf, Arm::FromScratch];
    study.run(&ulmfit).expect("a report");
    experiment::tests::calls(folder.path());
    let json = folder.path().join("reports/low-shot.json");
    study.design.kept = Kept::read(&json).expect("outcomes");
    let refused = |study: &LowShot, expected: &str| {
        let before = fs_err::read_to_string(&json).expect("a report");
        let error = study.run(&ulmfit).expect_err("a refusal").to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(
            error.contains("name another folder with --reports"),
            "{error}"
        );
        assert!(!folder.path().join("calls").exists());
        assert_eq!(fs_err::read_to_string(&json).expect("a report"), before);
    };
    study.design.test_documents = 60;
    refused(&study, "2 of the 2 outcomes in ");
    study.design.test_documents = 50;
    study.design.device = "cuda".into();
    refused(&study, "2 of the 2 outcomes in ");
    study.design.device = "cpu".into();
    study.run(&ulmfit).expect("the same report");

    // Figures alone could be of anything.
    fs_err::write(&json, r#"{"measured": [{"accuracy": 0.5}]}"#).expect("an old report");
    study.design.kept = Kept::read(&json).expect("nothing to keep");
    refused(&study, "1 of the 1 outcomes in ");
}

#[test]
fn little_is_read_often() {
    let epochs = |arm: Arm, labels, place: &str| {
        let variant = arm.variant(labels);
        let value = variant.set.into_iter().find(|(path, _)| path == place);
        value.map(|(_, value)| value)
    };
    for (labels, classifier, finetune) in [(100, "31", "15"), (500, "13", "13"), (5000, "4", "1")] {
        let place = "classifier.training.epochs";
        assert_eq!(
            epochs(Arm::SemiSupervised, labels, place).as_deref(),
            Some(classifier)
        );
        let place = "finetune.training.epochs";
        assert_eq!(
            epochs(Arm::Supervised, labels, place).as_deref(),
            Some(finetune)
        );
    }
}
