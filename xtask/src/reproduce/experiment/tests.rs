//! Whole experiments, with a script in place of `ulmfit`.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::reproduce::corpus::Place;
use crate::reproduce::recipe::DataPlan;
use crate::{process, workspace};

/// Makes a program of a script that stands in for it.
pub(crate) fn program(folder: &Path, name: &str, script: &str) -> PathBuf {
    // By another process: one that this one wrote itself could still be open in a fork of it, and a
    // program that is open for writing does not start.
    let script = workspace::root().join("xtask/src").join(script);
    let program = folder.join(name);
    let mut install = Command::new("install");
    process::run(install.args(["-m", "755"]).arg(script).arg(&program)).expect("a program");
    program
}

pub(crate) fn experiment(folder: &Path) -> (Experiment, Ulmfit) {
    let program = program(folder, "ulmfit", "reproduce/experiment/stand_in.sh");
    let file = |split: &str| {
        let path = folder.join(split).with_extension("csv");
        fs_err::write(&path, split).expect("a file");
        (split.to_owned(), path)
    };
    let files = ["train", "unsup", "test"].map(file);
    let strings = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let experiment = Experiment {
        name: "tiny".into(),
        title: "Tiny".into(),
        command: "cargo xtask reproduce tiny".into(),
        published: vec![],
        corpus: Corpus {
            format: "csv".into(),
            place: Place::Files(files.into()),
            repeated: None,
        },
        pretrained: None,
        pretrain_data: vec![],
        recipe: Recipe {
            path: "recipes/tiny.toml".into(),
            text: String::new(),
            sha256: "ab".into(),
            data: DataPlan {
                pretrain_splits: strings(&["unsup"]),
                pretrain_documents: 7,
                finetune_splits: strings(&["train", "unsup"]),
                finetune_documents: 0,
                train_documents: 5,
                test_documents: 3,
            },
        },
        directions: &["forward", "backward"],
        device: "cpu".into(),
        seed: 1,
        resume: false,
        transductive: false,
        runs: folder.join("runs"),
        reports: folder.join("reports"),
    };
    (experiment, Ulmfit::at(program).expect("the script"))
}

/// The calls since the last time, with the folder's name left out.
pub(crate) fn calls(folder: &Path) -> Vec<String> {
    let path = folder.join("calls");
    let text = fs_err::read_to_string(&path).expect("there were calls");
    fs_err::remove_file(path).expect("the list of calls");
    let prefix = format!("{}/", folder.display());
    text.replace(&prefix, "")
        .lines()
        .map(String::from)
        .collect()
}

#[test]
fn every_stage_runs_once_in_order_and_takes_the_model_of_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (experiment, ulmfit) = experiment(folder.path());
    experiment.run(&ulmfit).expect("a report");
    let first = calls(folder.path());
    let recipe = "--recipe recipes/tiny.toml --direction forward --device cpu --seed 1";
    let run = "runs/tiny-forward";
    let corpora = "runs/tiny-corpora";
    let encode = |texts: &str, corpus: &str| {
        let recipe = "--format csv --recipe recipes/tiny.toml";
        format!("encode {texts} {recipe} --output {corpora}/{corpus}")
    };
    assert_eq!(
        first[..8],
        [
            "baseline train.csv --format csv --test test.csv --limit 5 --seed 1 --test-limit 3 --test-seed 1 \
             --json"
                .to_owned(),
            encode("unsup.csv", "unsup"),
            format!("pretrain {corpora}/unsup {recipe} --limit 7 --run {run}/pretrain"),
            encode("train.csv unsup.csv", "train+unsup"),
            format!(
                "finetune {corpora}/train+unsup {recipe} \
                 --pretrained {run}/pretrain/model.safetensors --run {run}/finetune"
            ),
            encode("train.csv", "train"),
            format!(
                "train {corpora}/train {recipe} --limit 5 \
                 --language-model {run}/finetune/model.safetensors --run {run}/classifier"
            ),
            format!(
                "evaluate {run}/classifier/model.safetensors test.csv --format csv --device cpu \
                 --limit 3 --seed 1 --json"
            ),
        ]
    );
    assert_eq!(
        first[15],
        "ensemble runs/tiny-forward/classifier/model.safetensors \
         runs/tiny-backward/classifier/model.safetensors \
         --output runs/tiny-both/model.safetensors"
    );
    assert_eq!(first.len(), 17);

    experiment.run(&ulmfit).expect("the same report");
    let again = calls(folder.path());
    let names: Vec<_> = again
        .iter()
        .filter_map(|call| call.split(' ').next())
        .collect();
    assert_eq!(
        names,
        ["baseline", "evaluate", "evaluate", "ensemble", "evaluate"]
    );

    let report = fs_err::read_to_string(folder.path().join("reports/tiny.json"));
    let report: serde_json::Value = serde_json::from_str(&report.expect("a report")).expect("JSON");
    assert_eq!(report["results"][2]["model"], "ensemble");
    assert_eq!(report["test_text_seen"], false);
    assert_eq!(report["stages"].as_array().map(Vec::len), Some(6));
}

#[test]
fn test_text_is_shown_to_the_language_model_only_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut experiment, ulmfit) = experiment(folder.path());
    experiment.directions = &["forward"];
    experiment.transductive = true;
    experiment.pretrain_data = vec![folder.path().join("unsup.csv")];
    experiment.run(&ulmfit).expect("a report");
    let calls = calls(folder.path());
    for (call, start) in [
        (1, "encode unsup.csv --recipe "),
        (2, "pretrain runs/tiny-corpora/general --recipe "),
        (3, "encode train.csv unsup.csv test.csv "),
        (4, "finetune runs/tiny-corpora/train+unsup+test "),
    ] {
        assert!(calls[call].starts_with(start), "{}", calls[call]);
    }
    let report = fs_err::read_to_string(folder.path().join("reports/tiny.md"));
    assert!(
        report
            .expect("a report")
            .contains("**saw the text of the test documents**")
    );
}

#[test]
fn a_run_of_another_seed_is_not_taken_for_this_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut experiment, ulmfit) = experiment(folder.path());
    experiment.run(&ulmfit).expect("a report");
    experiment.seed = 2;
    let error = experiment
        .run(&ulmfit)
        .expect_err("the folders are taken")
        .to_string();
    assert!(
        error.contains("pretrain holds a run of another recipe, seed"),
        "{error}"
    );
}
