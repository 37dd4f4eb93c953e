//! The same numbers through wgpu as on the CPU: outputs, losses, every gradient, training steps
//! with Adam, all three stages, and the predictions of one model file.
//!
//! It takes the feature `wgpu` and a graphics driver; one that computes on the CPU will do, such
//! as Mesa's lavapipe. Each check prints the largest difference that it saw (`--nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "how far devices agree is a figure")]

use std::fs;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, DeviceKind, DeviceType, Int, Tensor, TensorData};
use ulmfit_data::{Document, TokenizedCorpus, Tokenizer};
use ulmfit_model::{
    AwdLstmConfig, AwdLstmDropout, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig,
    TextClassifierConfig, activation_regularization, named_weights,
    temporal_activation_regularization,
};
use ulmfit_optim::{AdamConfig, StepRates, clip_global_norm};
use ulmfit_train::{Predictor, Recipe, RunOptions, finetune, pretrain, train_classifier};

/// The largest difference that counts as agreement, in units of the value where that is above 1.
const TOLERANCE: f32 = 1e-4;

/// Training steps, enough for Adam's averages to matter.
const STEPS: usize = 6;

/// The CPU, whose numbers are expected, and wgpu.
fn devices() -> [Device; 2] {
    assert!(
        !Device::enumerate(DeviceType::Wgpu).is_empty(),
        "wgpu finds no graphics driver: install one, such as Debian's mesa-vulkan-drivers"
    );
    [Device::flex(), Device::wgpu(DeviceKind::DefaultDevice)]
}

/// Everything that a model came to on one device, by name.
#[derive(Default)]
struct Trace(Vec<(String, Vec<f32>)>);

impl Trace {
    fn push(&mut self, name: impl Into<String>, values: Vec<f32>) {
        self.0.push((name.into(), values));
    }

    fn tensor<const D: usize>(&mut self, name: impl Into<String>, tensor: Tensor<D>) {
        self.push(
            name,
            tensor.into_data_as::<f32>().try_to_vec::<f32>().unwrap(),
        );
    }

    fn weights<M: Module>(&mut self, model: &M) {
        for weight in named_weights(model) {
            self.push(weight.name, weight.values);
        }
    }
}

/// Compares what the devices came to, and prints the largest difference.
fn assert_agreement(what: &str, [expected, actual]: [Trace; 2]) {
    assert_eq!(expected.0.len(), actual.0.len(), "{what}");
    let (mut largest, mut place, mut count) = (0.0, String::new(), 0);
    for ((name, expected), (other, actual)) in expected.0.into_iter().zip(actual.0) {
        assert_eq!(
            (&name, expected.len()),
            (&other, actual.len()),
            "{what} differs in kind"
        );
        for (index, (expected, actual)) in expected.into_iter().zip(actual).enumerate() {
            let difference = (actual - expected).abs() / expected.abs().max(1.0);
            assert!(
                difference <= TOLERANCE,
                "{what}, {name}[{index}]: {actual} by wgpu, {expected} on the CPU"
            );
            count += 1;
            if difference > largest {
                (largest, place) = (difference, format!(", in {name}[{index}]"));
            }
        }
    }
    println!("{what}: {count} values differ by at most {largest:.1e}{place}");
}

/// An encoder of odd sizes, under all five dropouts.
fn encoder() -> AwdLstmConfig {
    AwdLstmConfig::new(43)
        .with_d_embedding(13)
        .with_d_hidden(21)
        .with_n_layers(2)
        .with_dropout(AwdLstmDropout::LANGUAGE_MODEL)
}

#[test]
fn a_language_model_trains_to_the_same_numbers() {
    let traces = devices().map(|device| language_model(&device.autodiff()));
    assert_agreement("language model", traces);
}

fn language_model(device: &Device) -> Trace {
    let mut trace = Trace::default();
    let mut model = LanguageModelConfig::new(encoder()).init(&mut InitRng::new(1), device);
    let mut adam = AdamConfig::default().init().unwrap();
    let mut state = AwdLstmState::zeros(&model.encoder, 5, device);
    for step in 0..STEPS {
        let [tokens, targets] = [0, 1].map(|ahead| tokens(step * 9 + ahead, [5, 9], device));
        let mut dropout = DropoutRng::new(1, step as u64);
        let loss = model.loss(tokens.clone(), targets, state, Some(&mut dropout));
        trace.tensor(format!("cross entropy {step}"), loss.cross_entropy.clone());
        trace.tensor(format!("loss {step}"), loss.total());
        let gradients = GradientsParams::from_grads(loss.total().backward(), &model);
        trace_gradients(&mut trace, &model, &gradients);
        let (gradients, _) = clip_global_norm(&model, gradients, 0.25);
        model = adam.step(model, gradients, &StepRates::uniform(0.01));
        state = loss.state;

        let frozen = model.valid();
        let start = AwdLstmState::zeros(&frozen.encoder, 5, &device.clone().inner());
        let output = frozen.forward(tokens.inner(), start, None);
        trace.tensor(format!("logits {step}"), output.logits);
    }
    trace.weights(&model);
    trace
}

#[test]
fn a_classifier_trains_to_the_same_numbers() {
    let traces = devices().map(|device| classifier(&device.autodiff()));
    assert_agreement("classifier", traces);
}

fn classifier(device: &Device) -> Trace {
    let mut trace = Trace::default();
    let config = TextClassifierConfig::new(encoder(), 3)
        .with_d_head(7)
        .with_bptt(5)
        .with_max_len(Some(15));
    let mut model = config.init(&mut InitRng::new(2), device);
    let mut adam = AdamConfig::default().init().unwrap();
    // Of one chunk, of several, longer than what is pooled, and empty.
    let documents = [4, 23, 12, 1, 0, 17].map(|length| {
        (0..length)
            .map(|place| ((place * place * 7 + length * 3) % 43) as u32)
            .collect::<Vec<_>>()
    });
    let documents = documents.each_ref().map(Vec::as_slice);
    for step in 0..STEPS {
        let output = model.forward_train(&documents, &mut DropoutRng::new(2, step as u64));
        let labels = Tensor::<2, Int>::from_data([[0], [2], [1], [0], [1], [2]], device);
        let loss = log_softmax(output.logits.clone(), 1)
            .gather(1, labels)
            .mean()
            .neg();
        let regularization = output.pooled.into_iter().map(|output| {
            activation_regularization(output.clone(), 2.0)
                + temporal_activation_regularization(output, 1.0)
        });
        let total = regularization.fold(loss.clone(), |sum, chunk| sum + chunk);
        trace.tensor(format!("training logits {step}"), output.logits);
        trace.tensor(format!("cross entropy {step}"), loss);
        trace.tensor(format!("loss {step}"), total.clone());
        let gradients = GradientsParams::from_grads(total.backward(), &model);
        trace_gradients(&mut trace, &model, &gradients);
        model = adam
            .step(model, gradients, &StepRates::uniform(0.01))
            .with_statistics(output.statistics);
        let logits = model.valid().forward(&documents);
        trace.tensor(format!("logits {step}"), logits);
    }
    trace.weights(&model);
    trace
}

/// Invented ids below 43 for which the next word follows from the last.
fn tokens(start: usize, shape: [usize; 2], device: &Device) -> Tensor<2, Int> {
    let [batch_size, seq_len] = shape;
    let ids = (0..batch_size).flat_map(|row| {
        (start..start + seq_len).map(move |place| ((place * (row + 2) + row) % 43) as i64)
    });
    Tensor::from_data(TensorData::new(ids.collect::<Vec<_>>(), shape), device)
}

/// Adds the gradient of every weight that has one; the others are told by their absence.
fn trace_gradients<M: Module>(trace: &mut Trace, model: &M, gradients: &GradientsParams) {
    struct Collector<'a> {
        path: Vec<String>,
        gradients: &'a GradientsParams,
        trace: &'a mut Trace,
    }

    impl ModuleVisitor for Collector<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.get::<D>(param.id) {
                let name = format!("gradient of {}", self.path.join("."));
                self.trace.tensor(name, gradient);
            }
        }
    }

    model.visit(&mut Collector {
        path: Vec::new(),
        gradients,
        trace,
    });
}

#[test]
fn the_stages_end_in_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let devices = devices();
    let names = ["cpu", "wgpu"];
    let traces = [0, 1].map(|index| stages(&folder.path().join(names[index]), &devices[index]));
    assert_agreement("stages", traces);

    // One model file on both devices, and both models on the CPU.
    let texts = documents(30)
        .iter()
        .map(|document| document.text().into_owned())
        .chain([String::new()])
        .collect::<Vec<_>>();
    let probabilities = |name: &str, device: &Device| {
        let model = folder
            .path()
            .join(name)
            .join("classifier/model.safetensors");
        let mut trace = Trace::default();
        for prediction in Predictor::open(model, device).unwrap().predict(&texts) {
            trace.push("probabilities", prediction.probabilities);
        }
        trace
    };
    let [cpu, wgpu] = &devices;
    assert_agreement(
        "predictions of one file",
        [probabilities("cpu", cpu), probabilities("cpu", wgpu)],
    );
    assert_agreement(
        "predictions of both models",
        [probabilities("cpu", cpu), probabilities("wgpu", cpu)],
    );
}

/// Runs the three stages, and returns what they logged.
fn stages(folder: &Path, device: &Device) -> Trace {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny.toml");
    let recipe = Recipe::open(&recipe).unwrap();
    let documents = documents(20); // a step takes a driver in software the better part of a second
    let options = |stage: &str| RunOptions::new(folder.join(stage), device.clone());
    let corpus = TokenizedCorpus::from_documents(&Tokenizer::default(), &documents);
    let general = pretrain(&corpus, &recipe, &options("general"), &mut ()).unwrap();
    let tuned = finetune(&corpus, Some(general), &recipe, &options("tuned"), &mut ()).unwrap();
    let options = options("classifier");
    let trained = train_classifier(&corpus, Some(tuned), &recipe, &options, &mut ()).unwrap();

    let mut trace = Trace::default();
    for stage in ["general", "tuned", "classifier"] {
        let metrics = fs::read_to_string(folder.join(stage).join("metrics.jsonl")).unwrap();
        for line in metrics.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            for key in ["loss", "valid_loss", "valid_accuracy"] {
                if let Some(value) = line[key].as_f64() {
                    let name = format!("{stage}, {key} at step {}", line["step"]);
                    trace.push(name, vec![value as f32]);
                }
            }
        }
    }
    trace.weights(&trained.model);
    trace
}

/// Documents of 5 to 24 words; the label shows in the words.
fn documents(count: usize) -> Vec<Document> {
    let words = [
        ["good", "fine", "moving", "warm"],
        ["bad", "dull", "cold", "flat"],
    ];
    let document = |index: usize| {
        let class = index % 2;
        let text = (0..5 + index % 20)
            .map(|word| match word % 3 {
                0 => "film",
                _ => words[class][(word + index) % 4],
            })
            .collect::<Vec<_>>();
        Document::labeled(text.join(" "), ["yes", "no"][class])
    };
    (0..count).map(document).collect()
}
