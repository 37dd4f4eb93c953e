//! Parts of the study, with a script in place of `ulmfit`.

use std::path::Path;

use super::tables::TABLES;
use super::*;
use crate::reproduce::experiment;
use crate::reproduce::recipe::Recipe;
use crate::reproduce::study::kept::Kept;

fn study(folder: &Path, rows: &[&str]) -> (Ablations, Ulmfit) {
    let (tiny, ulmfit) = experiment::tests::experiment(folder);
    let rows = ROWS.iter().filter(|row| rows.contains(&row.name));
    let study = Ablations {
        command: "cargo xtask reproduce ablations --data-set trec".into(),
        data_set: DataSet::Trec,
        labels: 0,
        design: Design {
            runs: folder.join("runs/ablations-trec"),
            data: tiny.corpus.facts().expect("facts"),
            corpus: tiny.corpus,
            on_board: Some("ef".into()),
            recipe: Recipe::load("ablations-trec").expect("the recipe"),
            device: "cpu".into(),
            documents: DataSet::Trec.documents(),
            test_documents: 0,
            tokens_per_document: DataSet::Trec.tokens_per_document(),
            kept: Kept::default(),
        },
        rows: rows.collect(),
        seeds: vec![0],
        reports: folder.join("reports"),
    };
    (study, ulmfit)
}

#[test]
fn rows_share_the_language_model_that_they_have_in_common() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = [
        "ulmfit",
        "without-pretraining",
        "lm-none",
        "from-scratch",
        "freez",
    ];
    let (study, ulmfit) = study(folder.path(), &rows);
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
    let runs = "runs/ablations-trec";
    let finetune = |name: &str, pretrained: &str| {
        format!(
            "finetune {runs}/corpus --recipe {runs}/language-model-{name}-0/recipe.toml --direction \
             forward --device cpu --seed 0 --pretrained {pretrained} --run \
             {runs}/language-model-{name}-0/finetune"
        )
    };
    assert_eq!(
        of("finetune"),
        [
            finetune("whole", "wiki-small"),
            finetune("unpretrained", "none")
        ]
    );
    let whole =
        format!("--language-model {runs}/language-model-whole-0/finetune/model.safetensors");
    for (call, language_model) in of("train").into_iter().zip([
        whole.as_str(),
        "language-model-unpretrained-0",
        "--language-model wiki-small ",
        "--language-model none ",
        &whole,
    ]) {
        assert!(call.contains(language_model), "{call}");
    }
    let recipe = fs_err::read_to_string(folder.path().join(runs).join("freez-0/recipe.toml"));
    let recipe: toml::Table = toml::from_str(&recipe.expect("a recipe")).expect("TOML");
    let schedule = &recipe["classifier"]["training"]["schedule"];
    assert_eq!(schedule["kind"].as_str(), Some("constant"));

    study.run(&ulmfit).expect("the same report");
    assert!(!folder.path().join("calls").exists());
    let report = fs_err::read_to_string(folder.path().join("reports/ablations-trec.md"));
    let report = report.expect("a report");
    for expected in [
        "# Ablations on TREC-6\n\nWritten by `cargo xtask reproduce ablations --data-set trec`.\n",
        "| without pretraining | 25.00 (1) | 10.67 | without-pretraining |\n",
        "| freez + cos | not run yet | 6.38 | freez-cos |\n",
        "| pretraining helps | ulmfit, without-pretraining | +4.98 | +0.00 ± 61.24 | too close to tell |\n",
        "| gradual unfreezing helps | freez, full | +0.00 | not run yet |  |\n",
        "| ulmfit | as the recipe | as the recipe | 0 | 3.0 s, 2.0 s |\n",
        "| vanilla-lm | `finetune.dropout_multiplier = 0.0`, ",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is not in\n{report}"
        );
    }
}

#[test]
fn a_seed_of_another_call_stays_in_the_report_and_other_data_is_a_refusal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut study, ulmfit) = study(folder.path(), &["lm-none"]);
    study.seeds = vec![42];
    study.run(&ulmfit).expect("a report");
    fs_err::remove_dir_all(&study.design.runs).expect("runs");

    let json = folder.path().join("reports/ablations-trec.json");
    study.design.kept = Kept::read(&json).expect("outcomes");
    study.seeds = vec![0];
    study.run(&ulmfit).expect("a report");
    let report = fs_err::read_to_string(json.with_extension("md")).expect("a report");
    assert!(
        report.contains("| lm-none | the one on board | as the recipe | 0, 42 |"),
        "{report}"
    );
    let command = "Written by `cargo xtask reproduce ablations --data-set trec --seeds 0,42`";
    assert!(report.contains(command), "{report}");

    study.design.kept = Kept::read(&json).expect("outcomes");
    study.design.data[0].bytes += 1;
    let error = study.run(&ulmfit).expect_err("a refusal").to_string();
    assert!(error.starts_with("2 of the 2 outcomes in "), "{error}");
}

#[test]
fn every_line_of_the_tables_has_a_row_and_every_row_a_line() {
    let lines: BTreeSet<_> = TABLES
        .iter()
        .flat_map(|table| table.lines)
        .map(|line| line.row)
        .collect();
    assert_eq!(lines, ROWS.iter().map(|row| row.name).collect());
}

#[test]
fn every_row_changes_values_that_both_recipes_have() {
    for data_set in DataSet::ALL {
        let base = Recipe::load(&format!("ablations-{data_set}")).expect("the recipe");
        for row in &ROWS {
            let variant = row.variant(data_set);
            variant.of(&base, "x".into()).expect(row.name);
            if let Encoder::Tuned(tuning) = row.encoder {
                tuning.variant().of(&base, "x".into()).expect(tuning.name);
            }
        }
    }
}
