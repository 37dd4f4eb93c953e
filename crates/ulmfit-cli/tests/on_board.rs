use serde_json::Value;

use crate::workplace::Workplace;

#[test]
fn the_models_on_board_are_listed() {
    let place = Workplace::new();
    let printed = place.succeed("models");
    assert!(printed.starts_with("wiki-small forward"), "{printed}");
    let listed: Value = serde_json::from_str(&place.succeed("models --json")).unwrap();
    for (model, direction) in listed
        .as_array()
        .unwrap()
        .iter()
        .zip(["forward", "backward"])
    {
        assert_eq!(model["direction"], direction);
        assert!(model["vocab_size"].as_u64().unwrap() > 10_000);
        assert!(model["bytes"].as_u64().unwrap() < 16_000_000);
    }
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

    // To ask for what it reads is no other choice.
    place.succeed(
        "fit train.csv -o m.safetensors --recipe tiny.toml --limit 20 --tokenizer word --rules fastai-v2",
    );
    let printed = place.succeed("inspect m.safetensors --json");
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
fn both_directions_start_from_models_on_board() {
    let place = Workplace::new();
    place.succeed("fit train.csv -o m.safetensors --recipe tiny.toml --limit 20 --direction both");
    let described: Value =
        serde_json::from_str(&place.succeed("inspect m.safetensors --json")).unwrap();
    let members = described["members"].as_array().unwrap();
    let directions: Vec<_> = members.iter().map(|it| &it["direction"]).collect();
    assert_eq!(directions, ["forward", "backward"]);
    for member in members {
        assert!(member["d_hidden"].as_u64().unwrap() > 100, "{member}");
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
