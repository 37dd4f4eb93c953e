use serde_json::Value;

use crate::workplace::Workplace;

#[test]
fn the_models_on_board_are_listed() {
    let place = Workplace::new();
    let printed = place.succeed("models");
    assert!(printed.starts_with("wiki-small forward"), "{printed}");
    let listed: Value = serde_json::from_str(&place.succeed("models --json")).unwrap();
    assert!(listed[0]["vocab_size"].as_u64().unwrap() > 10_000);
    assert!(listed[0]["bytes"].as_u64().unwrap() < 16_000_000);
}

#[test]
fn english_text_starts_from_the_model_on_board() {
    let place = Workplace::new();
    place.succeed("finetune train.csv --recipe tiny.toml --limit 8 --run lm");
    let printed = place.succeed("inspect lm/model.safetensors --json");
    let sizes = |printed: &str| {
        let described: Value = serde_json::from_str(printed).unwrap();
        described["members"].get(0).unwrap_or(&described)["d_hidden"].clone()
    };
    // The recipe says 12.
    assert!(sizes(&printed).as_u64().unwrap() > 100, "{printed}");

    // Pieces of words are not what it reads.
    place.succeed(
        "fit train.csv -o m.safetensors --recipe tiny.toml --tokenizer unigram --vocab-size 100",
    );
    assert_eq!(
        sizes(&place.succeed("inspect m.safetensors --json")).as_u64(),
        Some(12)
    );
}

#[test]
fn a_direction_that_is_not_on_board_is_told_with_what_to_do() {
    let place = Workplace::new();
    for (command, option) in [
        (
            "finetune train.csv --run r --direction backward",
            "--pretrained",
        ),
        (
            "fit train.csv -o m.safetensors --direction both",
            "--pretrained",
        ),
        (
            "train train.csv --run r --direction backward --language-model wiki-small",
            "--language-model",
        ),
    ] {
        assert_eq!(
            place.fail(&format!("{command} --recipe tiny.toml")),
            format!(
                "there is no wiki-small on board yet that reads backward; name a model file with \
                 {option}, or say {option} none to start from random weights"
            )
        );
    }
}

#[test]
fn a_classifier_can_start_from_random_weights() {
    let place = Workplace::new();
    place.succeed("train train.csv --recipe tiny.toml --run c --language-model none");
    let printed = place.succeed("evaluate c/model.safetensors test.csv --json");
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["documents"], 20);
    let run: Value = serde_json::from_slice(&place.read("c/run.json")).unwrap();
    assert!(run["pretrained_digest"].is_null());
    assert!(run["vocab_size"].as_u64().unwrap() <= 200);
}
