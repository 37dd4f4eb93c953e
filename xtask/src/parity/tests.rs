//! Both sides, with scripts in place of `ulmfit` and of Python.

use std::path::PathBuf;

use flate2::{Compression, write::GzEncoder};

use super::sides::Learner::{self, Fastai, Ulmfit as Ours};
use super::*;
use crate::bench::peer::Python;
use crate::machine::Machine;
use crate::reproduce::experiment::tests::{calls, program};
use crate::ulmfit::Ulmfit;

/// A folder with an archive of one review.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    pack(&folder.path().join("a.tar.gz"), "fine");
    folder
}

fn pack(archive: &Path, review: &str) {
    let file = fs_err::File::create(archive).expect("a file");
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(review.len() as u64);
    tar.append_data(&mut header, "aclImdb/test/pos/0_10.txt", review.as_bytes())
        .expect("a review");
    let packed = tar.into_inner().expect("a tar");
    packed.finish().expect("an archive");
}

fn sides(folder: &Path) -> Sides {
    let ulmfit = program(folder, "ulmfit", "reproduce/experiment/stand_in.sh");
    let python = program(folder, "python", "parity/stand_in.sh");
    Sides::new(
        Python::new(&python, None).expect("a program"),
        Ulmfit::at(ulmfit).expect("a program"),
        &folder.join("a.tar.gz"),
        folder.join("runs"),
    )
    .expect("a sample")
}

fn report() -> Report {
    Report {
        outcomes: vec![],
        fastai: String::new(),
        torch: String::new(),
        machine: Machine::this(),
        commit: None,
        date: String::new(),
    }
}

/// Runs these, and returns the whole report.
fn run(folder: &Path, wanted: &[(u64, Learner)]) -> anyhow::Result<String> {
    let wanted = wanted.iter();
    let wanted = wanted.map(|&(seed, learner)| Run { seed, learner });
    super::run(&sides(folder), &wanted.collect(), report(), folder)?;
    Ok(fs_err::read_to_string(
        report_file(folder).with_extension("md"),
    )?)
}

fn report_file(folder: &Path) -> PathBuf {
    folder.join("fastai-parity.json")
}

#[test]
fn a_seed_more_leaves_the_others_in_the_report() {
    let place = place();
    let folder = place.path();
    run(folder, &[(0, Ours), (0, Fastai)]).expect("a report");
    let first = calls(folder);
    let sample = "runs/sample";
    assert_eq!(
        first[..4],
        [
            format!(
                "pretrain {sample}/lm-train.jsonl --recipe recipes/fastai-parity.toml --seed 0 \
                 --threads 2 --run runs/pretrain-0"
            ),
            format!(
                "evaluate runs/pretrain-0/model.safetensors {sample}/lm-valid.jsonl --threads 2 --json"
            ),
            format!(
                "train {sample}/train.jsonl --recipe recipes/fastai-parity.toml --seed 0 --threads 2 \
                 --language-model runs/pretrain-0/model.safetensors --run runs/train-0"
            ),
            format!(
                "evaluate runs/train-0/model.safetensors {sample}/test.jsonl --threads 2 --json"
            ),
        ]
    );

    let report = run(folder, &[(1, Ours)]).expect("a report");
    for expected in [
        " --seeds 0,1 --without-peer 1`",
        "| ulmfit | 2 | 4.000 ± 0.000 |",
        "| fastai | 1 | 5.000 |",
        "| fastai | 0 | 9 + 3 |",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is not in\n{report}"
        );
    }
    let trained = |call: &&String| !call.starts_with("evaluate ");
    let again = calls(folder);
    let again: Vec<_> = again.iter().filter(trained).collect();
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again[0].contains("--seed 1 "), "{again:?}");
    let peer = fs_err::read_to_string(folder.join("peer-calls")).expect("calls");
    assert_eq!(peer.lines().count(), 2, "{peer}");
}

#[test]
fn what_was_run_on_something_else_is_not_taken_for_this() {
    let place = place();
    let folder = place.path();
    run(folder, &[(0, Ours), (0, Fastai)]).expect("a report");
    let before = fs_err::read_to_string(report_file(folder)).expect("a report");
    let refused = |run_of: &str| {
        let error = run(folder, &[(0, Ours)])
            .expect_err("a refusal")
            .to_string();
        let expected = format!("{run_of} holds a run of another recipe, seed, device or data");
        assert!(error.contains(&expected), "{error}");
        assert_eq!(
            fs_err::read_to_string(report_file(folder)).expect("a report"),
            before
        );
    };
    let train = folder.join("runs/sample/train.jsonl");
    let documents = fs_err::read_to_string(&train).expect("documents");
    fs_err::write(&train, "{}").expect("other documents");
    refused("train-0");
    fs_err::write(&train, documents).expect("the documents");
    pack(&folder.join("a.tar.gz"), "dull");
    refused("fastai-0.jsonl");
    pack(&folder.join("a.tar.gz"), "fine");
    fs_err::remove_file(folder.join("runs/pretrain-0.plan.json")).expect("a plan");
    refused("pretrain-0");
}

#[test]
fn runs_that_would_be_lost_from_the_report_are_a_refusal() {
    let place = place();
    let folder = place.path();
    run(folder, &[(0, Ours), (3, Fastai)]).expect("a report");
    calls(folder);
    fs_err::rename(folder.join("runs"), folder.join("elsewhere")).expect("runs");
    let error = run(folder, &[(0, Ours)])
        .expect_err("a refusal")
        .to_string();
    assert!(
        error.contains("runs (ulmfit, seed 0; fastai, seed 3) and would be lost; name the folder"),
        "{error}"
    );
    assert!(!folder.join("calls").exists());
}
