//! Model files, any bytes and whole ones with damage, in the header's JSON too: no panic, refusals that
//! name the file, and what is read can be saved and read again.

#![no_main]

use std::sync::LazyLock;

use burn::tensor::Device;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tempfile::TempDir;
use ulmfit_data::{Direction, Tokenizer, Vocab, special};
use ulmfit_fuzz::{Damage, Edit};
use ulmfit_model::{AwdLstmConfig, InitRng, LanguageModelConfig, Precision, TextClassifierConfig};
use ulmfit_train::{
    ModelFile, Provenance, Standardization, Target, TrainedClassifier, TrainedLanguageModel,
};

#[derive(arbitrary::Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// A whole file with damage.
    Damaged(u8, Vec<Damage>),
    /// Changed values of the description of the model, in a file that is otherwise whole.
    Described(u8, Vec<(u16, Edit)>),
    /// Changed values of what says where the tensors lie.
    Placed(u8, Vec<(u16, Edit)>),
}

fuzz_target!(|input: Input| {
    let whole = |at: u8| FILES[usize::from(at) % FILES.len()].clone();
    match input {
        Input::Bytes(bytes) => read(bytes),
        Input::Damaged(at, damage) => {
            let mut bytes = whole(at);
            Damage::apply(&damage, &mut bytes);
            read(bytes);
        }
        Input::Described(at, edits) => read(with_header(&whole(at), |header| {
            let text = header["__metadata__"]["ulmfit"]
                .as_str()
                .unwrap_or_default();
            let mut description: Value = serde_json::from_str(text).expect("a description");
            apply(&edits, &mut description);
            header["__metadata__"]["ulmfit"] = description.to_string().into();
        })),
        Input::Placed(at, edits) => {
            read(with_header(&whole(at), |header| apply(&edits, header)));
        }
    }
});

fn apply(edits: &[(u16, Edit)], json: &mut Value) {
    for (at, edit) in edits.iter().take(4) {
        edit.apply(json, usize::from(*at));
    }
}

static DEVICE: LazyLock<Device> = LazyLock::new(Device::flex);
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

/// A language model, the same in half precision, and a classifier in eight bits.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let words = special::ALL.iter().copied().chain(["a", "fine", "film"]);
    let vocab = Vocab::from_strings(words.map(str::to_owned).collect()).expect("a vocabulary");
    let encoder = AwdLstmConfig::new(vocab.len())
        .with_d_embedding(2)
        .with_d_hidden(3)
        .with_n_layers(1);
    let config = LanguageModelConfig::new(encoder.clone());
    let language_model = ModelFile::LanguageModel(Box::new(TrainedLanguageModel {
        model: config.init(&mut InitRng::new(0), &DEVICE),
        config,
        tokenizer: Tokenizer::default(),
        vocab: vocab.clone(),
        direction: Direction::Forward,
        provenance: Provenance::default(),
    }));
    let config = TextClassifierConfig::new(encoder, 2).with_d_head(2);
    let classifier = TrainedClassifier {
        model: config.init(&mut InitRng::new(0), &DEVICE),
        config,
        tokenizer: Tokenizer::default(),
        vocab,
        labels: vec!["a".to_owned(), "b".to_owned()],
        target: Target::MultiLabel { separator: None },
        standardization: Standardization::default(),
        direction: Direction::Backward,
        provenance: Provenance::default(),
        precision: Precision::Float32,
        temperature: 2.0,
    };
    let rounded = classifier.quantized().expect("finite weights");
    let path = FOLDER.path().join("model.safetensors");
    let bytes = |save: &dyn Fn()| {
        save();
        std::fs::read(&path).expect("a file")
    };
    vec![
        bytes(&|| language_model.save(&path).expect("a file")),
        bytes(&|| language_model.save_half(&path).expect("a file")),
        bytes(&|| {
            ModelFile::Classifier(vec![rounded.clone()])
                .save(&path)
                .expect("a file")
        }),
    ]
});

/// The file with its header changed and the header's length right.
fn with_header(bytes: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
    let mut header: Value = serde_json::from_slice(&rest[..length]).expect("a header");
    change(&mut header);
    let header = header.to_string().into_bytes();
    let mut changed = (header.len() as u64).to_le_bytes().to_vec();
    changed.extend(header);
    changed.extend(&rest[length..]);
    changed
}

fn read(bytes: Vec<u8>) {
    const NAME: &str = "model.safetensors";
    match ModelFile::from_bytes(bytes, NAME, &DEVICE) {
        Ok(model) => {
            let path = FOLDER.path().join("again.safetensors");
            model.save(&path).expect("a file");
            ModelFile::open(&path, &DEVICE).expect("what was saved is read");
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(NAME), "{message}");
            assert!(message.len() < 16_384, "a message is a sentence");
        }
    }
}
