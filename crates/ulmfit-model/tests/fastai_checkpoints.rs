//! Checkpoints of fastai's, version by version, against the weights that they were made of.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[allow(dead_code, reason = "its expected tensors serve the other tests")]
mod fastai;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use ulmfit_model::{
    FastaiModel, FastaiPart, FastaiVersion, FastaiVocab, InitRng, LanguageModelConfig, ModelError,
    NamedTensor, TextClassifierConfig, load_weights, named_weights, to_fastai,
};

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fastai_checkpoints");
    std::fs::read(folder.join(name)).unwrap()
}

fn model(name: &str) -> FastaiModel {
    FastaiModel::from_bytes(&file(name)).unwrap_or_else(|error| panic!("{name} {error}"))
}

/// The elements' bits by name, so that every zero and every rounding counts.
fn bits(weights: &[NamedTensor]) -> BTreeMap<&str, (Vec<usize>, Vec<u32>)> {
    let tensors = weights.iter().map(|tensor| {
        let values = tensor.values.iter().map(|value| value.to_bits());
        (
            tensor.name.as_str(),
            (tensor.shape.clone(), values.collect()),
        )
    });
    tensors.collect()
}

/// The weights of `lm_weights.safetensors`, by our names.
fn language_model() -> Vec<NamedTensor> {
    let config = LanguageModelConfig::new(fastai::Fixture::config().encoder());
    let model = config.init(&mut InitRng::new(0), &Device::flex());
    named_weights(&fastai::load_language_model(model))
}

/// The weights of `classifier_weights.safetensors`, by our names.
fn classifier() -> Vec<NamedTensor> {
    let config = fastai::Fixture::config().classifier("mixed");
    let model = config.init(&mut InitRng::new(0), &Device::flex());
    named_weights(&fastai::load_classifier(model))
}

/// What becomes of a bias that a checkpoint does not have.
fn without(mut weights: Vec<NamedTensor>, bias: &str) -> Vec<NamedTensor> {
    for tensor in weights.iter_mut().filter(|tensor| tensor.name == bias) {
        tensor.values.fill(0.0);
    }
    weights
}

#[test]
fn language_models_of_every_version_have_the_very_weights() {
    let expected = language_model();
    let no_bias = without(expected.clone(), "decoder_bias");
    for (name, version, part, expected) in [
        (
            "lm_v2.pth",
            FastaiVersion::V2,
            FastaiPart::LanguageModel,
            &expected,
        ),
        (
            "lm_v2_legacy.pth",
            FastaiVersion::V2,
            FastaiPart::LanguageModel,
            &expected,
        ),
        (
            "lm_flat.pth",
            FastaiVersion::V2,
            FastaiPart::LanguageModel,
            &expected,
        ),
        (
            "lm_v1.pth",
            FastaiVersion::V1,
            FastaiPart::LanguageModel,
            &expected,
        ),
        (
            "lm_v07.h5",
            FastaiVersion::V07,
            FastaiPart::LanguageModel,
            &no_bias,
        ),
        (
            "encoder_v2.pth",
            FastaiVersion::V2,
            FastaiPart::Encoder,
            &no_bias,
        ),
    ] {
        let model = model(name);
        assert_eq!((model.version, model.part), (version, part), "{name}");
        assert_eq!(model.encoder, fastai::Fixture::config().encoder(), "{name}");
        assert_eq!(bits(&model.weights), bits(expected), "{name}");
    }
}

#[test]
fn half_precision_is_read_exactly() {
    let model = model("lm_v2_half.pth");
    for (half, whole) in model.weights.iter().zip(language_model()) {
        assert_eq!((&half.name, &half.shape), (&whole.name, &whole.shape));
        for (half, whole) in half.values.iter().zip(&whole.values) {
            // Weights are below 0.5, where halves are 2^-12 apart; a bias is the sum of two.
            assert!(
                (half - whole).abs() <= 2.0_f32.powi(-12),
                "{half} and {whole}"
            );
            assert_eq!((half * 2.0_f32.powi(24)).fract().abs().to_bits(), 0);
        }
    }
}

#[test]
fn classifiers_of_every_version_have_the_very_weights() {
    let plain = classifier();
    let mut with_bias = plain.clone();
    let biases = ["head.blocks.0.bias", "head.blocks.1.bias"];
    for tensor in &mut with_bias {
        if !biases.contains(&tensor.name.as_str()) {
            continue;
        }
        let eighths = (0..tensor.values.len()).map(|index| index as f32 / 8.0);
        tensor.values = eighths.collect();
    }
    for (name, version, expected) in [
        ("classifier_v2.pth", FastaiVersion::V2, &plain),
        ("classifier_v1.pth", FastaiVersion::V1, &with_bias),
        ("classifier_v07.h5", FastaiVersion::V07, &with_bias),
    ] {
        let model = model(name);
        assert_eq!(model.version, version, "{name}");
        let part = FastaiPart::Classifier {
            d_head: 10,
            n_classes: 3,
        };
        assert_eq!(model.part, part, "{name}");
        assert_eq!(bits(&model.weights), bits(expected), "{name}");
    }
    // Without dropout, fastai's linear layers are one place further ahead.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/awd_lstm");
    let bytes = std::fs::read(folder.join("classifier_weights.safetensors")).unwrap();
    assert_eq!(
        bits(&FastaiModel::from_bytes(&bytes).unwrap().weights),
        bits(&plain)
    );
}

#[test]
fn what_fastai_saved_after_training_is_read_and_its_optimizer_left_alone() {
    let model = model("learner.pth");
    assert_eq!(
        model.part,
        FastaiPart::Classifier {
            d_head: 50,
            n_classes: 2
        }
    );
    let vocab = FastaiVocab::from_pickle(&file("learner_vocab.pkl")).unwrap();
    assert_eq!(vocab.tokens.len(), model.encoder.vocab_size);
    assert_eq!(vocab.tokens[..3], ["xxunk", "xxpad", "xxbos"]);
    assert_eq!(vocab.labels.unwrap(), ["neg", "pos"]);
    let config = TextClassifierConfig::new(model.encoder, 2);
    let classifier = config.init(&mut InitRng::new(0), &Device::flex());
    assert!(load_weights(classifier, model.weights).is_ok());
}

#[test]
fn vocabularies_are_lists_or_what_fastai_makes_of_them() {
    let list = FastaiVocab::from_pickle(&file("vocab.pkl")).unwrap();
    assert_eq!((list.tokens.len(), list.tokens[49].as_str()), (50, "w40"));
    for name in ["stoi.pkl", "vocab_v1.pkl"] {
        assert_eq!(
            FastaiVocab::from_pickle(&file(name)).unwrap(),
            list,
            "{name}"
        );
    }
}

#[test]
fn what_is_exported_is_what_was_imported() {
    for name in ["lm_v2.pth", "classifier_v1.pth"] {
        let model = model(name);
        let prefix = if name.starts_with("lm") {
            "0."
        } else {
            "0.module."
        };
        let theirs = to_fastai(model.weights.clone(), prefix);
        let again = FastaiModel::from_bytes(&safetensors(&theirs)).unwrap();
        assert_eq!(bits(&again.weights), bits(&model.weights), "{name}");
        assert_eq!(again.part, model.part, "{name}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_listed() {
    let model = model("lm_v2.pth");
    let mut theirs = to_fastai(model.weights, "0.");
    theirs.retain(|tensor| tensor.name != "0.rnns.1.module.bias_ih_l0");
    let bias = theirs
        .iter_mut()
        .find(|tensor| tensor.name == "1.decoder.bias")
        .unwrap();
    bias.values.push(0.0);
    bias.shape = vec![51];
    theirs.push(NamedTensor {
        name: "2.extra".to_owned(),
        shape: vec![1, 2],
        values: vec![0.0; 2],
    });
    let error = FastaiModel::from_bytes(&safetensors(&theirs)).unwrap_err();
    assert!(matches!(error, ModelError::Layout { .. }));
    assert_eq!(
        error
            .to_string()
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>(),
        [
            "does not have the tensors of a language model:",
            "  tensor                      expected  found",
            "  0.rnns.1.module.bias_ih_l0  [80]      missing",
            "  1.decoder.bias              [50]      [51]",
            "  2.extra                     nothing   [1, 2]",
        ]
    );
}

#[test]
fn a_decoder_of_its_own_is_refused() {
    let model = model("lm_v2.pth");
    let mut theirs = to_fastai(model.weights, "0.");
    let mut decoder = theirs[0].clone();
    decoder.name = "1.decoder.weight".to_owned();
    decoder.values[7] += 1.0;
    theirs.push(decoder);
    let error = FastaiModel::from_bytes(&safetensors(&theirs))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("not tied to the embedding cannot be imported"),
        "{error}"
    );
}

/// A checkpoint that is cut anywhere, or in which a byte was changed, is read or refused; it neither
/// panics nor takes memory that it does not have.
#[test]
fn damage_is_refused_or_harmless() {
    for name in [
        "lm_v2.pth",
        "lm_v2_legacy.pth",
        "learner.pth",
        "learner_vocab.pkl",
        "stoi.pkl",
    ] {
        let good = file(name);
        let read = |bytes: &[u8]| {
            drop(FastaiModel::from_bytes(bytes));
            drop(FastaiVocab::from_pickle(bytes));
        };
        // All of the pickles, and a part of the weights.
        for at in (0..good.len()).filter(|at| (*at < 3_000 && at % 2 == 0) || at % 197 == 0) {
            read(&good[..at]);
            for change in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= change;
                read(&bad);
            }
        }
    }
}

fn safetensors(tensors: &[NamedTensor]) -> Vec<u8> {
    let bytes = tensors.iter().map(|tensor| {
        let values = tensor.values.iter().flat_map(|value| value.to_le_bytes());
        values.collect::<Vec<u8>>()
    });
    let bytes = bytes.collect::<Vec<_>>();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let shape = tensor.shape.clone();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, bytes);
        (tensor.name.clone(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
