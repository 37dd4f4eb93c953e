//! fastai's tensors as fixtures: reading them, and loading its weights into our models.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use ulmfit_model::{
    AwdLstmConfig, LanguageModel, NamedTensor, TextClassifier, TextClassifierConfig, load_weights,
};

/// The sizes of the fixture, its `config.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) vocab: usize,
    pub(crate) emb: usize,
    pub(crate) hid: usize,
    pub(crate) layers: usize,
    pub(crate) bs: usize,
    pub(crate) bptt: usize,
    pub(crate) classes: usize,
    pub(crate) max_len: BTreeMap<String, Option<usize>>,
    pub(crate) ar_alpha: f64,
    pub(crate) tar_beta: f64,
    pub(crate) head: Vec<usize>,
    pub(crate) docs: BTreeMap<String, Vec<Vec<u32>>>,
}

impl Config {
    pub(crate) fn encoder(&self) -> AwdLstmConfig {
        AwdLstmConfig::new(self.vocab)
            .with_d_embedding(self.emb)
            .with_d_hidden(self.hid)
            .with_n_layers(self.layers)
    }

    pub(crate) fn classifier(&self, case: &str) -> TextClassifierConfig {
        TextClassifierConfig::new(self.encoder(), self.classes)
            .with_d_head(self.head[1])
            .with_head_dropout(0.0)
            .with_bptt(self.bptt)
            .with_max_len(self.max_len[case])
    }
}

/// One file of expected tensors.
pub(crate) struct Fixture {
    bytes: Vec<u8>,
    file: String,
    /// Gradients that are expected instead of fastai's.
    pub(crate) exact_gradients: Gradients,
    /// The gradients that were compared.
    pub(crate) compared: RefCell<Gradients>,
}

/// Gradients by fastai's names.
pub(crate) type Gradients = BTreeMap<String, Vec<f32>>;

impl Fixture {
    pub(crate) fn open(name: &str) -> Self {
        let bytes = std::fs::read(folder().join(name)).unwrap();
        Self {
            bytes,
            file: name.to_owned(),
            exact_gradients: Gradients::new(),
            compared: RefCell::default(),
        }
    }

    pub(crate) fn config() -> Config {
        serde_json::from_slice(&std::fs::read(folder().join("config.json")).unwrap()).unwrap()
    }

    /// Batch `index` of a tensor of ids, `[2, batch_size, seq_len]`.
    pub(crate) fn ids(&self, name: &str, index: usize, device: &Device) -> Tensor<2, Int> {
        let (shape, ids) = self.ints(name);
        let size = shape[1] * shape[2];
        let ids = ids[index * size..(index + 1) * size].to_vec();
        Tensor::from_data(TensorData::new(ids, [shape[1], shape[2]]), device)
    }

    /// The labels, `[documents, 1]`.
    pub(crate) fn labels(&self, device: &Device) -> Tensor<2, Int> {
        let (shape, labels) = self.ints("labels");
        Tensor::from_data(TensorData::new(labels, [shape[0], 1]), device)
    }

    pub(crate) fn assert_scalar(&self, name: &str, actual: &Tensor<1>) {
        let actual = actual
            .clone()
            .into_data_as::<f32>()
            .try_to_vec::<f32>()
            .unwrap();
        assert_close(name, &actual, &self.floats(name).values, 1e-5);
    }

    pub(crate) fn assert_tensor<const D: usize>(&self, name: &str, actual: Tensor<D>) {
        let expected = self.floats(name);
        assert_eq!(
            actual.dims().to_vec(),
            expected.shape,
            "{name} in {}",
            self.file
        );
        let actual = actual.into_data_as::<f32>().try_to_vec::<f32>().unwrap();
        let exact = self.exact_gradients.get(name);
        assert_close(name, &actual, exact.unwrap_or(&expected.values), 1e-5);
        if name.contains("grad") {
            self.compared.borrow_mut().insert(name.to_owned(), actual);
        }
    }

    fn floats(&self, name: &str) -> NamedTensor {
        float_tensor(&SafeTensors::deserialize(&self.bytes).unwrap(), name)
    }

    fn ints(&self, name: &str) -> (Vec<usize>, Vec<i64>) {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = tensors.tensor(name).unwrap();
        assert_eq!(view.dtype(), Dtype::I64);
        let ints = view.data().chunks_exact(8);
        let ints = ints
            .map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        (view.shape().to_vec(), ints)
    }
}

/// Loads `lm_weights.safetensors`.
pub(crate) fn load_language_model(model: LanguageModel) -> LanguageModel {
    let bytes = std::fs::read(folder().join("lm_weights.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut weights = encoder_weights(&tensors, "0", model.encoder.layers.len());
    weights.push(renamed(&tensors, "1.decoder.bias", "decoder_bias"));
    load_weights(model, weights).unwrap()
}

/// Loads `classifier_weights.safetensors`; fastai's linear layers have no bias.
pub(crate) fn load_classifier(model: TextClassifier) -> TextClassifier {
    let bytes = std::fs::read(folder().join("classifier_weights.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut weights = encoder_weights(&tensors, "0.module", model.encoder.layers.len());
    for block in 0..model.head.blocks.len() {
        let theirs = format!("1.layers.{block}");
        let ours = format!("head.blocks.{block}");
        for (from, to) in [
            ("0.weight", "norm.gamma"),
            ("0.bias", "norm.beta"),
            ("0.running_mean", "norm.running_mean"),
            ("0.running_var", "norm.running_var"),
            ("1.weight", "weight"),
        ] {
            weights.push(renamed(
                &tensors,
                &format!("{theirs}.{from}"),
                &format!("{ours}.{to}"),
            ));
        }
        let d_output = weights.last().unwrap().shape[0];
        let name = format!("{ours}.bias");
        weights.push(NamedTensor {
            name,
            shape: vec![d_output],
            values: vec![0.0; d_output],
        });
    }
    load_weights(model, weights).unwrap()
}

fn encoder_weights(tensors: &SafeTensors<'_>, prefix: &str, n_layers: usize) -> Vec<NamedTensor> {
    let mut weights = vec![renamed(
        tensors,
        &format!("{prefix}.encoder.weight"),
        "encoder.embedding",
    )];
    for layer in 0..n_layers {
        let theirs = format!("{prefix}.rnns.{layer}");
        let ours = format!("encoder.layers.{layer}");
        weights.push(renamed(
            tensors,
            &format!("{theirs}.module.weight_ih_l0"),
            &format!("{ours}.weight_ih"),
        ));
        weights.push(renamed(
            tensors,
            &format!("{theirs}.weight_hh_l0_raw"),
            &format!("{ours}.weight_hh"),
        ));
        let mut bias = renamed(
            tensors,
            &format!("{theirs}.module.bias_ih_l0"),
            &format!("{ours}.bias"),
        );
        let second = float_tensor(tensors, &format!("{theirs}.module.bias_hh_l0"));
        for (sum, second) in bias.values.iter_mut().zip(second.values) {
            *sum += second;
        }
        weights.push(bias);
    }
    weights
}

fn renamed(tensors: &SafeTensors<'_>, from: &str, to: &str) -> NamedTensor {
    NamedTensor {
        name: to.to_owned(),
        ..float_tensor(tensors, from)
    }
}

fn float_tensor(tensors: &SafeTensors<'_>, name: &str) -> NamedTensor {
    let view = tensors.tensor(name).unwrap();
    assert_eq!(view.dtype(), Dtype::F32, "{name}");
    let values = view.data().chunks_exact(4);
    let values = values
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    NamedTensor {
        name: name.to_owned(),
        shape: view.shape().to_vec(),
        values,
    }
}

/// Within `tolerance`, absolute or relative to the largest element expected.
///
/// Relative to the tensor rather than to each element, because fastai's own rounding is: the
/// classifier's batch norm, over four documents, amplifies that of float32 so that single elements
/// of its gradients are up to 4.3e-5 off what float64 gives, 6e-6 of the tensor's largest.
/// `finite_differences.rs` checks the gradients closer than that.
#[track_caller]
pub(crate) fn assert_close(name: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "{name}");
    let largest = expected
        .iter()
        .fold(1.0, |largest: f32, value| largest.max(value.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert!(
            (actual - expected).abs() <= tolerance * largest,
            "{name}[{index}]: {actual}, expected {expected}"
        );
    }
}

fn folder() -> PathBuf {
    std::env::var_os("ULMFIT_FASTAI_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/awd_lstm"),
        PathBuf::from,
    )
}
