use serde_json::Value;

use crate::workplace::Workplace;

const TRAIN: &str = "--recipe tiny.toml --run run --language-model lm.safetensors";

/// The header of a safetensors file, and the bytes behind it.
fn parts(file: &[u8]) -> (Value, Vec<u8>) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (
        serde_json::from_slice(&file[8..8 + length]).unwrap(),
        file[8 + length..].to_vec(),
    )
}

fn joined((header, data): &(Value, Vec<u8>)) -> Vec<u8> {
    let header = header.to_string();
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

/// A model file whose description was changed.
pub(crate) fn described(file: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut parts = parts(file);
    let metadata = &mut parts.0["__metadata__"]["ulmfit"];
    let mut description: Value = serde_json::from_str(metadata.as_str().unwrap()).unwrap();
    change(&mut description);
    *metadata = description.to_string().into();
    joined(&parts)
}

/// A model file in which the entry of the encoder's embedding was changed.
fn with_embedding(file: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut parts = parts(file);
    let tensors = parts.0.as_object_mut().unwrap();
    let entry = tensors
        .iter_mut()
        .find(|(name, _)| name.contains("embedding"))
        .unwrap();
    change(entry.1);
    joined(&parts)
}

#[test]
fn a_model_file_that_cannot_be_used_says_why() {
    let place = Workplace::with_models();
    let good = place.read("model.safetensors");
    let swapped = |entry: &mut Value| entry["shape"].as_array_mut().unwrap().reverse();
    let huge = |entry: &mut Value| {
        entry["shape"] = serde_json::json!([4_000_000_000_u64, 4_000_000_000_u64]);
    };
    let wide = |description: &mut Value| {
        let kind = &mut description["members"][0]["kind"]["classifier"];
        kind["config"]["encoder"]["d_hidden"] = 1_000_000_000_u64.into();
    };
    for (what, bytes, expected) in [
        (
            "half of it",
            good[..good.len() / 2].to_vec(),
            "it may be truncated",
        ),
        ("a few bytes", good[..5].to_vec(), "it may be truncated"),
        ("nothing", Vec::new(), "it may be truncated"),
        (
            "something else",
            b"PK\x03\x04 and so on, a zip file perhaps".to_vec(),
            "not a complete safetensors file",
        ),
        (
            "another version",
            described(&good, |d| d["format_version"] = 99.into()),
            "of format version 99",
        ),
        (
            "a damaged description",
            described(&good, |d| d["members"] = "x".into()),
            "its description is damaged",
        ),
        (
            "labels that are missing",
            described(&good, |d| {
                d["members"][0]["kind"]["classifier"]["labels"] = serde_json::json!(["neg"]);
            }),
            "states 2 classes and names 1 labels",
        ),
        (
            "a shape that lies",
            with_embedding(&good, swapped),
            "where the configuration calls for",
        ),
        (
            "a shape without end",
            with_embedding(&good, huge),
            "not a complete safetensors file",
        ),
        (
            "sizes without end",
            described(&good, wide),
            "d_hidden is 1000000000",
        ),
        (
            "a weight that is no number",
            [&good[..good.len() - 4], &f32::NAN.to_le_bytes()].concat(),
            "holds NaN, with which nothing can be computed",
        ),
        (
            "someone else's",
            joined(&(serde_json::json!({}), Vec::new())),
            "not a model of ulmfit",
        ),
    ] {
        place.write("bad.safetensors", bytes);
        for command in [
            "predict bad.safetensors test.csv",
            "inspect bad.safetensors",
        ] {
            let message = place.fail(command);
            assert!(
                message.starts_with("bad.safetensors: "),
                "{what}: {message}"
            );
            assert!(message.contains(expected), "{what}: {message}");
        }
    }
    let message = place.fail("predict nowhere.safetensors test.csv");
    assert!(message.contains("nowhere.safetensors"), "{message}");
}

#[test]
fn the_wrong_kind_of_model_is_refused() {
    let place = Workplace::with_models();
    let message = place.fail("predict lm.safetensors test.csv");
    assert!(
        message.contains("holds a language model where a classifier is needed"),
        "{message}"
    );
    let message = place
        .fail("train train.csv --recipe tiny.toml --run run --language-model model.safetensors");
    assert!(
        message.contains("holds a classifier where a language model is needed"),
        "{message}"
    );
    let message = place
        .fail("finetune train.csv --recipe tiny.toml --run run --pretrained model.safetensors");
    assert!(
        message.contains("holds a classifier where a language model is needed"),
        "{message}"
    );
    let message = place.fail("ensemble model.safetensors lm.safetensors --output both.safetensors");
    assert!(
        message.contains("lm.safetensors: holds a language model"),
        "{message}"
    );
    let message = place.fail(&format!("train train.csv {TRAIN} --direction backward"));
    assert!(message.contains("both must be the same"), "{message}");
}
