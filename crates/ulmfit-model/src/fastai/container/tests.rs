//! Checkpoints that are put together by hand, and what is wrong with them.

use std::io::{Cursor, Write};

use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;

use super::legacy::MAGIC;
use crate::fastai::FastaiModel;

/// A tensor in a storage, as it is pickled.
#[derive(Clone)]
struct Tensor {
    name: &'static str,
    storage: &'static str,
    /// Elements that the storage states to have.
    length: i32,
    offset: i32,
    shape: Vec<i32>,
    stride: Vec<i32>,
}

/// An encoder of two words, one feature and one layer, all in one storage of 18 elements.
fn encoder() -> Vec<Tensor> {
    let tensor = |name, offset, shape: &[i32], stride: &[i32]| Tensor {
        name,
        storage: "FloatStorage",
        length: 18,
        offset,
        shape: shape.to_vec(),
        stride: stride.to_vec(),
    };
    vec![
        tensor("encoder.weight", 0, &[2, 1], &[1, 1]),
        tensor("rnns.0.module.weight_ih_l0", 2, &[4, 1], &[1, 1]),
        tensor("rnns.0.weight_hh_l0_raw", 6, &[4, 1], &[1, 1]),
        tensor("rnns.0.module.bias_ih_l0", 10, &[4], &[1]),
        tensor("rnns.0.module.bias_hh_l0", 14, &[4], &[1]),
    ]
}

fn string(text: &str) -> Vec<u8> {
    let length = (text.len() as u32).to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

fn tuple(numbers: &[i32]) -> Vec<u8> {
    let numbers = numbers
        .iter()
        .flat_map(|number| [b"J", &number.to_le_bytes()[..]].concat());
    [b"(", &numbers.collect::<Vec<_>>()[..], b"t"].concat()
}

/// A dictionary of tensors, as a pickle.
fn pickle(tensors: &[Tensor]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for tensor in tensors {
        let class = format!("ctorch\n{}\n", tensor.storage);
        pickle.extend(string(tensor.name));
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        pickle.extend(
            [
                string("storage"),
                class.into_bytes(),
                string("0"),
                string("cpu"),
            ]
            .concat(),
        );
        pickle.extend([b"J", &tensor.length.to_le_bytes()[..], b"tQ"].concat());
        pickle.extend([b"J", &tensor.offset.to_le_bytes()[..]].concat());
        pickle.extend([tuple(&tensor.shape), tuple(&tensor.stride)].concat());
        pickle.extend(b"\x89}tR");
    }
    pickle.extend(b"u.");
    pickle
}

/// The older container: the storage "0" with so many elements.
fn legacy(tensors: &[Tensor], elements: u64) -> Vec<u8> {
    let keys = [b"\x80\x02](", &string("0")[..], b"e."].concat();
    let storage = [&elements.to_le_bytes()[..], &[0; 4 * 18]].concat();
    let front = [MAGIC, b"\x80\x02M\xe9\x03.\x80\x02}."].concat();
    [front, pickle(tensors), keys, storage].concat()
}

/// The newer container, of these entries.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    finished(zip_of(entries))
}

fn finished(writer: ZipWriter<Cursor<Vec<u8>>>) -> Vec<u8> {
    writer.finish().expect("an archive").into_inner()
}

fn zip_of(entries: &[(&str, &[u8])]) -> ZipWriter<Cursor<Vec<u8>>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(*name, stored).expect("an entry");
        writer.write_all(bytes).expect("an entry");
    }
    writer
}

fn read(bytes: &[u8]) -> Result<FastaiModel, String> {
    FastaiModel::from_bytes(bytes).map_err(|error| error.to_string())
}

#[test]
fn tensors_are_where_they_can_be() {
    let good = encoder();
    assert!(read(&legacy(&good, 18)).is_ok());
    let mut bytes = good.clone();
    for tensor in &mut bytes {
        tensor.storage = "ByteStorage";
    }
    let changed = |change: &dyn Fn(&mut Tensor)| {
        let mut tensors = good.clone();
        change(&mut tensors[4]);
        read(&legacy(&tensors, 18)).expect_err("it is refused")
    };
    for (reason, expected) in [
        // A model of a billion words, in 72 bytes.
        (
            changed(&|tensor| (tensor.shape, tensor.stride) = (vec![1 << 30], vec![0])),
            "that its storage \"0\" of 18 elements does not hold",
        ),
        (changed(&|tensor| tensor.offset = 15), "does not hold"),
        (
            changed(&|tensor| tensor.offset = -1),
            "whose shape is no list",
        ),
        (
            changed(&|tensor| tensor.stride = vec![]),
            "whose shape is no list",
        ),
        (
            changed(&|tensor| tensor.shape = vec![1; 9]),
            "whose shape is no list",
        ),
        (
            changed(&|tensor| tensor.length = i32::MAX),
            "states 2147483647 elements",
        ),
        (
            changed(&|tensor| tensor.offset = 12),
            "in the same place as another one",
        ),
        (
            changed(&|tensor| tensor.storage = "QInt8Storage"),
            "names torch.QInt8Storage",
        ),
        (
            changed(&|tensor| tensor.name = "rnns.0.layers.0.linear.weight"),
            "is a QRNN model",
        ),
        (
            changed(&|tensor| tensor.name = "rnns.99999999999.module.x"),
            "n_layers",
        ),
        (
            changed(&|tensor| tensor.name = "rnns.63.module.x"),
            "missing",
        ),
        (
            read(&legacy(&bytes, 18)).expect_err("whole numbers"),
            "uint8",
        ),
        (
            read(&legacy(&good[1..], 18)).expect_err("no words"),
            "has no encoder.weight among",
        ),
        (
            read(&legacy(&[], 18)).expect_err("nothing"),
            "that no tensor uses",
        ),
        (
            read(&legacy(&good, 19)).expect_err("cut off"),
            "ends within the storage",
        ),
        (
            read(&legacy(&good, u64::MAX)).expect_err("cut off"),
            "ends within the storage",
        ),
    ] {
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn archives_have_one_pickle_and_its_storages() {
    let pickle = pickle(&encoder());
    let storage = [0; 4 * 18];
    let good = [
        ("a/data.pkl", &pickle[..]),
        ("a/byteorder", b"little"),
        ("a/data/0", &storage),
    ];
    assert!(read(&zip(&good)).is_ok());
    // Whatever the folder is called, nothing is written to it.
    assert!(
        read(&zip(&[
            ("../../a/data.pkl", &pickle),
            ("../../a/data/0", &storage)
        ]))
        .is_ok()
    );
    for (entries, expected) in [
        (
            &[("a/data", &pickle[..])][..],
            "has no data.pkl, or several",
        ),
        (
            &[good[0], ("b/data.pkl", &pickle)],
            "has no data.pkl, or several",
        ),
        (&[good[0], ("a/byteorder", b"big"), good[2]], "big-endian"),
        (&good[..2], "has no entry \"a/data/0\""),
        (
            &[good[0], ("a/data/0", &storage[1..])],
            "which has 71 bytes",
        ),
    ] {
        let reason = read(&zip(entries)).expect_err("it is refused");
        assert!(reason.contains(expected), "{reason}");
    }
}

/// With a name for each weight, the same bytes could be all weights of a model far larger than the
/// file.
#[test]
fn archives_whose_entries_share_bytes_are_refused() {
    let pickle = pickle(&encoder());
    let mut writer = zip_of(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 4 * 18])]);
    let copied = writer.shallow_copy_file("a/data/0", "a/data/1");
    copied.expect("another name");
    let reason = read(&finished(writer)).expect_err("it is refused");
    assert!(reason.contains("entries that overlap"), "{reason}");
}

/// Places are compared in bytes: the halves from 18 on begin within the floats from 6 to 10.
#[test]
fn tensors_of_two_types_do_not_share_bytes() {
    let mut tensors = encoder();
    let halves = &mut tensors[4];
    halves.storage = "HalfStorage";
    halves.length = 36;
    let read_from = |tensors: &[Tensor]| {
        let pickle = pickle(tensors);
        read(&zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 4 * 18])]))
    };
    tensors[4].offset = 28; // behind the last float
    assert!(read_from(&tensors).is_ok());
    tensors[4].offset = 18;
    let reason = read_from(&tensors).expect_err("it is refused");
    assert!(
        reason.contains("in the same place as another one"),
        "{reason}"
    );
}
