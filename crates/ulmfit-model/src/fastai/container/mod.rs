//! The files that `PyTorch` has written its tensors in, and safetensors.

mod legacy;
mod safe;
mod zip;

use std::collections::BTreeMap;

use super::misfit::Refusal;
use super::pickle::{Ref, Value, Values};
use super::tensor::{Storage, StoredTensor};

/// The tensors of a checkpoint by their names.
pub(super) type Tensors<'a> = BTreeMap<&'a str, StoredTensor<'a>>;

/// Where the elements of storages are read from.
pub(super) trait Runs {
    /// All elements under the storage's key as float32, as many as the storage states at least.
    ///
    /// # Errors
    ///
    /// A sentence without a subject, when they are not there.
    fn floats(&mut self, storage: &Storage<'_>) -> Result<Vec<f32>, String>;
}

const BIG_ENDIAN: &str =
    "was written on a machine with big-endian numbers; save it again on another";

/// Most tensors of a checkpoint; those of an AWD-LSTM have two dozen.
const MOST_TENSORS: usize = 10_000;

/// Reads whatever container it is, and hands its tensors to `then`.
///
/// # Errors
///
/// A sentence without a subject: what is wrong or not supported.
pub(super) fn open<T>(
    bytes: &[u8],
    then: impl FnOnce(&Tensors<'_>, &mut dyn Runs) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if bytes.starts_with(b"PK") {
        zip::open(bytes, then)
    } else if bytes.starts_with(legacy::MAGIC) {
        legacy::open(bytes, then)
    } else if safe::is_safetensors(bytes) {
        safe::open(bytes, then)
    } else {
        Err(Refusal::from(unlike(bytes)))
    }
}

/// What a file is that is none of them.
fn unlike(bytes: &[u8]) -> String {
    const SAVE: &str = "save the weights with learn.save or learn.save_encoder";
    let of_tar = bytes.get(257..262) == Some(b"ustar");
    match bytes {
        [] => "is empty; copy it again".to_owned(),
        [0x1f, 0x8b, ..] => {
            "is packed with gzip; unpack it, and name the .pth file in it".to_owned()
        }
        [0x89, b'H', b'D', b'F', ..] => {
            format!("is an HDF5 file and not PyTorch's; in fastai, {SAVE}")
        }
        [0x80, 2..=5, ..] => {
            format!("is a pickle, but none that torch.save makes of weights; in fastai, {SAVE}")
        }
        _ if of_tar => "is a tar archive; unpack it, and name the .pth file in it".to_owned(),
        _ => format!(
            "is neither a checkpoint of PyTorch's nor a safetensors file; in fastai, {SAVE}"
        ),
    }
}

/// The tensors of what `torch.save` was given: a state dictionary, or fastai's dictionary of a
/// `model` and the state of its optimizer, which is left alone.
fn tensors_of<'v>(values: &'v Values<'_>, root: Ref) -> Result<Tensors<'v>, String> {
    let root = values.entry(root, "model").unwrap_or(root);
    let Value::Dict(entries) = values.get(root) else {
        return Err(
            "holds no dictionary of tensors; in fastai, save the weights with learn.save \
                    or learn.save_encoder"
                .to_owned(),
        );
    };
    if entries.len() > MOST_TENSORS {
        return Err(format!(
            "names {} tensors; a model has two dozen",
            entries.len()
        ));
    }
    let mut tensors = Tensors::new();
    for (name, value) in entries {
        let name = values
            .str(*name)
            .ok_or("has a tensor whose name is no string")?;
        let Value::Tensor(tensor) = values.get(*value) else {
            return Err(format!(
                "has an entry \"{}\" that is no tensor",
                shown(name)
            ));
        };
        tensors.insert(name, StoredTensor::clone(tensor));
    }
    Ok(tensors)
}

/// A name from a file, as far as it is shown.
pub(super) fn shown(name: &str) -> String {
    name.escape_debug().take(100).collect()
}

/// Elements from little-endian bytes, of which there are as many as the storage states.
fn floats(storage: &Storage<'_>, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let least = storage.offset.checked_add(storage.length);
    let least = least.and_then(|length| length.checked_mul(storage.element.size()));
    if least.is_none_or(|least| least > bytes.len()) {
        return Err(format!(
            "states {} elements of {} in the storage \"{}\", which has {} bytes; it may be \
             truncated: copy it again",
            storage.length,
            storage.element.name(),
            shown(storage.key),
            bytes.len()
        ));
    }
    let floats = storage.element.floats(bytes);
    floats.ok_or_else(|| format!("has weights of {}", storage.element.name()))
}

#[cfg(test)]
mod tests;
