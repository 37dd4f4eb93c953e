//! Named tensors with a JSON description, as a safetensors file: float32, or matrices in half
//! precision or in eight bits with a scale for each row.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use half::f16;
use safetensors::tensor::{Metadata, TensorInfo, TensorView};
use safetensors::{Dtype, SafeTensors, View};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ulmfit_model::{Int8Rows, NamedTensor};

use crate::atomic_file;
use crate::error::TrainError;

/// What the name of a matrix in eight bits ends with where its scales are meant.
pub(crate) const SCALE: &str = ".scale";

/// How a tensor is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// As float32, to the last bit.
    Exact,
    /// As float16.
    Half,
    /// As whole numbers from -127 to 127, with a scale for each row. Matrices only.
    Int8,
}

impl Storage {
    /// The type of the elements.
    pub(crate) const fn dtype(self) -> Dtype {
        match self {
            Self::Exact => Dtype::F32,
            Self::Half => Dtype::F16,
            Self::Int8 => Dtype::I8,
        }
    }
}

/// Writes the file aside and renames it.
pub(crate) fn write<D: Serialize>(
    path: &Path,
    key: &str,
    description: &D,
    tensors: &[NamedTensor],
) -> Result<(), TrainError> {
    write_as(path, key, description, tensors, |_| Storage::Exact)
}

/// Like [`write`], with each tensor stored as `storage` says.
pub(crate) fn write_as<D: Serialize>(
    path: &Path,
    key: &str,
    description: &D,
    tensors: &[NamedTensor],
    storage: impl Fn(&NamedTensor) -> Storage,
) -> Result<(), TrainError> {
    let description = serde_json::to_string(description).expect("descriptions serialize");
    let metadata = HashMap::from([(key.to_owned(), description)]);
    let mut stored = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let elements = match storage(tensor) {
            Storage::Exact => Elements::Float32(Cow::Borrowed(&tensor.values)),
            Storage::Half => {
                let fits = |value: &f32| f16::from_f32(*value).is_finite();
                if let Some(value) = tensor.values.iter().find(|value| !fits(value)) {
                    return Err(TrainError::ModelFile {
                        path: path.to_owned(),
                        message: format!(
                            "{value} in tensor {} is beyond half precision, which ends at {}; keep the \
                             model in full precision",
                            tensor.name,
                            f16::MAX
                        ),
                    });
                }
                Elements::Float16(&tensor.values)
            }
            Storage::Int8 => {
                let [rows, columns] = tensor.shape[..] else {
                    unreachable!("only matrices are rounded to eight bits");
                };
                let Int8Rows { values, scales } = Int8Rows::new(&tensor.values, columns);
                let elements = Elements::Float32(Cow::Owned(scales));
                let shape = vec![rows];
                stored.push((
                    format!("{}{SCALE}", tensor.name),
                    Stored { shape, elements },
                ));
                Elements::Int8(values)
            }
        };
        let shape = tensor.shape.clone();
        stored.push((tensor.name.clone(), Stored { shape, elements }));
    }
    let bytes =
        safetensors::serialize(stored, Some(metadata)).map_err(|error| TrainError::ModelFile {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
    atomic_file::write(path, &bytes)?;
    Ok(())
}

/// A file in memory whose header was checked: offsets lie within it, sizes agree.
pub(crate) struct TensorFile {
    bytes: Vec<u8>,
    metadata: Metadata,
}

impl TensorFile {
    /// Reads a file and checks its header.
    ///
    /// # Errors
    ///
    /// A sentence: what is wrong with the file.
    pub(crate) fn open(path: &Path) -> Result<Self, TrainError> {
        Self::read(fs_err::read(path)?, path)
    }

    /// Takes the bytes of a file, which messages call by `path`.
    ///
    /// # Errors
    ///
    /// A sentence: what is wrong with the file.
    pub(crate) fn read(bytes: Vec<u8>, path: &Path) -> Result<Self, TrainError> {
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| {
            let message = format!(
                "not a complete safetensors file ({error}); it may be truncated: copy or train it again"
            );
            TrainError::ModelFile { path: path.to_owned(), message }
        })?;
        Ok(Self { bytes, metadata })
    }

    /// The description under `key`; `None` when there is none, an error when it does not parse.
    pub(crate) fn description<D: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Option<Result<D, serde_json::Error>> {
        let text = self.metadata.metadata().as_ref()?.get(key)?;
        Some(serde_json::from_str(text))
    }

    /// Shape and type of a tensor.
    pub(crate) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// All tensors whose names start with `prefix`, without it, as floats. Matrices in eight bits
    /// take their scales with them.
    ///
    /// # Errors
    ///
    /// A sentence, when one of them is neither a float of 32 or 16 bits nor a matrix in eight bits with its scales.
    pub(crate) fn tensors(&self, prefix: &str) -> Result<Vec<NamedTensor>, String> {
        let file = SafeTensors::deserialize(&self.bytes).map_err(|error| error.to_string())?;
        let is_int8 = |name: &str| {
            let view = file.tensor(name);
            view.is_ok_and(|view| view.dtype() == Dtype::I8)
        };
        let mut tensors = Vec::new();
        for (full_name, view) in file.iter() {
            let Some(name) = full_name.strip_prefix(prefix) else {
                continue;
            };
            if full_name.strip_suffix(SCALE).is_some_and(is_int8) {
                continue;
            }
            let values = match view.dtype() {
                Dtype::F32 => floats(&view),
                Dtype::F16 => halves(&view),
                Dtype::I8 => {
                    let scales = file.tensor(&format!("{full_name}{SCALE}"));
                    let scales = scales.map_err(|_| format!("tensor {name} has no scales"))?;
                    rows_to_floats(name, &view, &scales)?
                }
                other => {
                    return Err(format!(
                        "tensor {name} is {other:?} and neither F32 nor F16"
                    ));
                }
            };
            tensors.push(NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                values,
            });
        }
        Ok(tensors)
    }
}

fn floats(view: &TensorView<'_>) -> Vec<f32> {
    let values = view.data().chunks_exact(4);
    values
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect()
}

fn halves(view: &TensorView<'_>) -> Vec<f32> {
    let values = view.data().chunks_exact(2);
    values
        .map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
        .collect()
}

/// The elements of a matrix in eight bits.
fn rows_to_floats(
    name: &str,
    values: &TensorView<'_>,
    scales: &TensorView<'_>,
) -> Result<Vec<f32>, String> {
    let fits = match values.shape() {
        [rows, columns] => *columns > 0 && scales.shape() == [*rows],
        _ => false,
    };
    if !fits || scales.dtype() != Dtype::F32 {
        return Err(format!(
            "tensor {name} is no matrix with a scale for each row; the file is damaged"
        ));
    }
    let scales = floats(scales);
    if !scales.iter().all(|scale| scale.is_normal() && *scale > 0.0) {
        return Err(format!(
            "tensor {name} has a scale that is no positive number; the file is damaged"
        ));
    }
    let values = values.data().iter().map(|&byte| byte.cast_signed());
    let values = values.collect::<Vec<_>>();
    if values.contains(&i8::MIN) {
        return Err(format!(
            "tensor {name} has an element below -127; the file is damaged"
        ));
    }
    Ok(Int8Rows { values, scales }.to_floats())
}

/// A tensor as it is written.
struct Stored<'a> {
    shape: Vec<usize>,
    elements: Elements<'a>,
}

enum Elements<'a> {
    Float32(Cow<'a, [f32]>),
    /// To be rounded as they are written.
    Float16(&'a [f32]),
    Int8(Vec<i8>),
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.elements {
            Elements::Float32(_) => Dtype::F32,
            Elements::Float16(_) => Dtype::F16,
            Elements::Int8(_) => Dtype::I8,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match &self.elements {
            Elements::Float32(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Elements::Float16(values) => values
                .iter()
                .flat_map(|value| f16::from_f32(*value).to_le_bytes())
                .collect(),
            Elements::Int8(values) => values.iter().map(|value| value.cast_unsigned()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        match &self.elements {
            Elements::Float32(values) => 4 * values.len(),
            Elements::Float16(values) => 2 * values.len(),
            Elements::Int8(values) => values.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_half_precision_cannot_hold_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model");
        let write = |value| {
            let tensor = NamedTensor {
                name: "weight".to_owned(),
                shape: vec![1],
                values: vec![value],
            };
            write_as(&path, "key", &(), &[tensor], |_| Storage::Half)
        };
        write(65_504.0).expect("the largest number");
        let message = write(70_000.0).expect_err("beyond it").to_string();
        let expected = "70000 in tensor weight is beyond half precision, which ends at 65504";
        assert!(message.contains(expected), "{message}");
    }
}
