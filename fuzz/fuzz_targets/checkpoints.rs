//! Checkpoints and vocabularies of fastai's, any bytes and whole files with damage: no panic, and what is
//! read has the sizes that it states.

#![no_main]

use std::io::{Cursor, Read, Write};

use libfuzzer_sys::fuzz_target;
use ulmfit_fuzz::Damage;
use ulmfit_model::{FastaiModel, FastaiVocab};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

#[derive(arbitrary::Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// A pickle of instructions that exist, most of them.
    Pickle(Vec<Instruction>),
    /// A whole file with damage.
    Damaged(u8, Vec<Damage>),
    /// One of the files in an archive with damage, whose checksums are right.
    Member(u8, u8, Vec<Damage>),
    /// A whole archive with a pickle of instructions.
    Replaced(u8, Vec<Instruction>),
}

/// Of a pickle.
#[derive(arbitrary::Arbitrary, Debug)]
enum Instruction {
    /// One without an argument, or the beginning of something else.
    Plain(u8),
    /// A small number.
    Int(u8),
    /// A number of four bytes.
    Long(i32),
    /// A short string.
    Text(u8),
    /// A function or a class by its name.
    Global(u8),
    /// To or from a numbered place.
    Put(u8),
    /// The same.
    Get(u8),
    /// Any bytes.
    Bytes(Vec<u8>),
}

const PLAIN: &[u8] = b"()]}.Q Rtubases0e1\x85\x86\x87\x88\x89\x93\x94N";
const TEXTS: [&str; 12] = [
    "storage",
    "cpu",
    "0",
    "1",
    "model",
    "itos",
    "0.encoder.weight",
    "0.rnns.0.module.weight_ih_l0",
    "1.decoder.bias",
    "xxunk",
    "cuda:0",
    "",
];
const GLOBALS: [&str; 10] = [
    "torch._utils\n_rebuild_tensor_v2\n",
    "torch._utils\n_rebuild_parameter\n",
    "torch\nFloatStorage\n",
    "torch\nHalfStorage\n",
    "torch\nLongStorage\n",
    "collections\nOrderedDict\n",
    "collections\ndefaultdict\n",
    "fastai.text.transform\nVocab\n",
    "builtins\nint\n",
    "os\nsystem\n",
];
const FILES: [&[u8]; 12] = [
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/lm_v2_half.pth"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/lm_v2.pth"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/learner.pth"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/lm_flat.pth"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/lm_v1.pth"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/lm_v07.h5"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/lm_v2_legacy.pth"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/classifier_v07.h5"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/vocab.pkl"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/vocab_v1.pkl"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/stoi.pkl"),
    include_bytes!("../../crates/ulmfit-model/tests/fixtures/fastai_checkpoints/learner_vocab.pkl"),
];
/// How many of them are archives.
const ARCHIVES: usize = 4;

fuzz_target!(|input: Input| {
    let archive = |at: u8| FILES[usize::from(at) % ARCHIVES];
    match input {
        Input::Bytes(bytes) => read(&bytes),
        Input::Pickle(instructions) => read(&pickle(&instructions)),
        Input::Damaged(at, damage) => {
            let mut bytes = FILES[usize::from(at) % FILES.len()].to_vec();
            Damage::apply(&damage, &mut bytes);
            read(&bytes);
        }
        Input::Member(at, member, damage) => {
            let packed = repacked(archive(at), |place, bytes| {
                if place == usize::from(member) % 4 {
                    Damage::apply(&damage, bytes);
                }
            });
            read(&packed);
        }
        Input::Replaced(at, instructions) => {
            let packed = repacked(archive(at), |place, bytes| {
                if place == 0 {
                    *bytes = pickle(&instructions);
                }
            });
            read(&packed);
        }
    }
});

fn pickle(instructions: &[Instruction]) -> Vec<u8> {
    let at = |at: u8, length: usize| usize::from(at) % length;
    let mut bytes = b"\x80\x02".to_vec();
    for instruction in instructions {
        match instruction {
            Instruction::Plain(plain) => bytes.push(PLAIN[at(*plain, PLAIN.len())]),
            Instruction::Int(number) => bytes.extend([b'K', *number]),
            Instruction::Long(number) => {
                bytes.push(b'J');
                bytes.extend(number.to_le_bytes());
            }
            Instruction::Text(text) => {
                let text = TEXTS[at(*text, TEXTS.len())];
                bytes.push(b'X');
                bytes.extend((text.len() as u32).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
            Instruction::Global(global) => {
                bytes.push(b'c');
                bytes.extend(GLOBALS[at(*global, GLOBALS.len())].as_bytes());
            }
            Instruction::Put(place) => bytes.extend([b'q', *place]),
            Instruction::Get(place) => bytes.extend([b'h', *place]),
            Instruction::Bytes(any) => bytes.extend(any),
        }
    }
    bytes.push(b'.');
    bytes
}

/// An archive with its files changed, stored as they are.
fn repacked(archive: &[u8], change: impl Fn(usize, &mut Vec<u8>)) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).expect("an archive");
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for place in 0..archive.len() {
        let mut member = archive.by_index(place).expect("a file");
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("bytes");
        change(place, &mut bytes);
        let name = member.name().expect("a name");
        packed.start_file(name, stored).expect("a name");
        packed.write_all(&bytes).expect("memory");
    }
    packed.finish().expect("memory").into_inner()
}

/// What is read is whole; what is refused is refused in a sentence.
fn read(bytes: &[u8]) {
    match FastaiModel::from_bytes(bytes) {
        Ok(model) => {
            for weight in &model.weights {
                assert_eq!(weight.values.len(), weight.shape.iter().product::<usize>());
            }
        }
        Err(error) => assert!(error.to_string().len() < 1 << 16, "a message is short"),
    }
    match FastaiVocab::from_pickle(bytes) {
        Ok(vocab) => assert!(vocab.tokens.len() <= bytes.len()),
        Err(error) => assert!(error.to_string().len() < 16_384, "a message is a sentence"),
    }
}
