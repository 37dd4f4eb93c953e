//! Named float32 tensors with a JSON description, as a safetensors file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors, View};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ulmfit_model::NamedTensor;

use crate::atomic_file;
use crate::error::TrainError;

/// Writes the file aside and renames it.
pub(crate) fn write<D: Serialize>(
    path: &Path,
    key: &str,
    description: &D,
    tensors: &[NamedTensor],
) -> Result<(), TrainError> {
    let description = serde_json::to_string(description).expect("descriptions serialize");
    let metadata = HashMap::from([(key.to_owned(), description)]);
    let views = tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), FloatView(tensor)));
    let bytes =
        safetensors::serialize(views, Some(metadata)).map_err(|error| TrainError::ModelFile {
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
        let bytes = fs_err::read(path)?;
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

    /// Names and shapes of all tensors, with the types of those that are not float32.
    pub(crate) fn infos(&self) -> HashMap<String, &TensorInfo> {
        self.metadata.tensors()
    }

    /// All tensors whose names start with `prefix`, without it.
    ///
    /// # Errors
    ///
    /// A sentence, when one of them is not float32.
    pub(crate) fn tensors(&self, prefix: &str) -> Result<Vec<NamedTensor>, String> {
        let file = SafeTensors::deserialize(&self.bytes).map_err(|error| error.to_string())?;
        let mut tensors = Vec::new();
        for (name, view) in file.iter() {
            let Some(name) = name.strip_prefix(prefix) else {
                continue;
            };
            if view.dtype() != Dtype::F32 {
                return Err(format!("tensor {name} is {:?} and not F32", view.dtype()));
            }
            let values = view.data().chunks_exact(4);
            let values =
                values.map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            tensors.push(NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                values: values.collect(),
            });
        }
        Ok(tensors)
    }
}

struct FloatView<'a>(&'a NamedTensor);

impl View for FloatView<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(
            self.0
                .values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        )
    }

    fn data_len(&self) -> usize {
        4 * self.0.values.len()
    }
}
