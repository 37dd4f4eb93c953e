use serde_json::Value;

use crate::workplace::Workplace;

fn probabilities(printed: &str) -> Vec<f64> {
    let answers = printed.lines().map(|line| {
        let answer: Value = serde_json::from_str(line).unwrap();
        answer["probabilities"]["pos"].as_f64().unwrap()
    });
    answers.collect()
}

/// A model file's header and its data.
fn parted(file: &[u8]) -> (Value, Vec<u8>) {
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header = serde_json::from_slice(&file[8..8 + len]).unwrap();
    (header, file[8 + len..].to_vec())
}

fn joined(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = serde_json::to_vec(header).unwrap();
    let len = (header.len() as u64).to_le_bytes();
    [&len, &header[..], data].concat()
}

/// The file with other bytes at the beginning of a tensor.
fn with_bytes(file: &[u8], tensor: &str, bytes: &[u8]) -> Vec<u8> {
    let (header, mut data) = parted(file);
    let start = header[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
    data[start..start + bytes.len()].copy_from_slice(bytes);
    joined(&header, &data)
}

#[test]
fn a_quantized_model_is_smaller_and_answers_nearly_the_same() {
    let place = Workplace::with_models();
    let printed = place.succeed("quantize model.safetensors --output small.safetensors");
    assert!(
        printed.starts_with("small.safetensors: ") && printed.contains(" MB, from "),
        "{printed}"
    );
    assert!(place.read("small.safetensors").len() < place.read("model.safetensors").len());
    let described: Value =
        serde_json::from_str(&place.succeed("inspect small.safetensors --json")).unwrap();
    assert_eq!(described["members"][0]["weights"], "int8");

    let answers = |model: &str| probabilities(&place.succeed(&format!("predict {model} test.csv")));
    let (whole, small) = (
        answers("model.safetensors"),
        answers("small.safetensors --threads 1"),
    );
    for (whole, small) in whole.iter().zip(&small) {
        assert!((whole - small).abs() < 0.02, "{whole} and {small}");
    }
    // Rounding what is rounded changes nothing.
    place.succeed("quantize small.safetensors -o again.safetensors");
    assert_eq!(
        parted(&place.read("again.safetensors")),
        parted(&place.read("small.safetensors"))
    );
    assert_eq!(answers("again.safetensors --threads 2"), small);

    // Both kinds go into an ensemble, each as it is.
    place.succeed("ensemble model.safetensors small.safetensors --output both.safetensors");
    let described: Value =
        serde_json::from_str(&place.succeed("inspect both.safetensors --json")).unwrap();
    assert_eq!(described["members"][0]["weights"], "float32");
    assert_eq!(described["members"][1]["weights"], "int8");
    for ((both, whole), small) in answers("both.safetensors").iter().zip(&whole).zip(&small) {
        assert!((both - f64::midpoint(*whole, *small)).abs() < 1e-6);
    }
}

#[test]
fn half_precision_is_for_every_model_and_changes_nothing_twice() {
    let place = Workplace::with_models();
    for model in ["lm", "model"] {
        place.succeed(&format!(
            "quantize {model}.safetensors --half --output half-{model}.safetensors"
        ));
        let half = place.read(&format!("half-{model}.safetensors"));
        let (header, _) = parted(&half);
        assert_eq!(header["0.encoder.embedding"]["dtype"], "F16");
        assert!(half.len() < place.read(&format!("{model}.safetensors")).len());
        place.succeed(&format!(
            "quantize half-{model}.safetensors --half --output again.safetensors"
        ));
        assert_eq!(parted(&place.read("again.safetensors")), parted(&half));
    }
    let answers = |model: &str| probabilities(&place.succeed(&format!("predict {model} test.csv")));
    let whole = answers("model.safetensors");
    for (whole, half) in whole.iter().zip(answers("half-model.safetensors")) {
        assert!((whole - half).abs() < 1e-3, "{whole} and {half}");
    }
}

#[test]
fn a_quantized_file_that_is_damaged_says_why() {
    let place = Workplace::with_models();
    place.succeed("quantize model.safetensors --output small.safetensors");
    let good = place.read("small.safetensors");
    let scale = "0.encoder.layers.0.weight_hh.scale";
    let (mut without, data) = parted(&good);
    let entry = without.as_object_mut().unwrap().remove(scale).unwrap();
    without["0.other"] = entry;
    let (mut as_floats, _) = parted(&good);
    let description = as_floats["__metadata__"]["ulmfit"].as_str().unwrap();
    let description = description.replace("\"weights\":\"int8\"", "\"weights\":\"float32\"");
    as_floats["__metadata__"]["ulmfit"] = description.into();
    for (bytes, expected) in [
        (
            with_bytes(&good, scale, &f32::NAN.to_le_bytes()),
            "has a scale that is no positive number",
        ),
        (
            with_bytes(&good, scale, &(-1.0_f32).to_le_bytes()),
            "has a scale that is no positive number",
        ),
        (
            with_bytes(&good, "0.encoder.embedding", &[0x80]),
            "encoder.embedding has an element below -127",
        ),
        (
            joined(&without, &data),
            "encoder.layers.0.weight_hh.scale is missing",
        ),
        (
            joined(&as_floats, &data),
            "encoder.embedding is I8 and not F32",
        ),
    ] {
        place.write("bad.safetensors", bytes);
        let message = place.fail("predict bad.safetensors test.csv");
        assert!(
            message.starts_with("bad.safetensors: ") && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn only_a_classifier_is_quantized_and_not_over_itself() {
    let place = Workplace::with_models();
    let message = place.fail("quantize lm.safetensors --output small.safetensors");
    assert!(message.contains("holds a language model"), "{message}");
    let message = place.fail("quantize model.safetensors --output ./model.safetensors");
    assert!(message.contains("over itself"), "{message}");
}
