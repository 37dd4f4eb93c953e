//! Safetensors: what `ulmfit export` writes, and what others convert checkpoints to.

use safetensors::SafeTensors;

use super::{MOST_TENSORS, Runs, Tensors, floats};
use crate::fastai::element::Element;
use crate::fastai::misfit::Refusal;
use crate::fastai::tensor::{Storage, StoredTensor};

/// Whether the bytes begin with the length of a JSON object and the object's brace.
pub(super) fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

pub(super) fn open<T>(
    bytes: &[u8],
    then: impl FnOnce(&Tensors<'_>, &mut dyn Runs) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        format!("is not a whole safetensors file ({error}); it may be truncated: copy it again")
    })?;
    let names = file.names();
    if names.len() > MOST_TENSORS {
        return Err(Refusal::from(format!(
            "names {} tensors; a model has two dozen",
            names.len()
        )));
    }
    let mut tensors = Tensors::new();
    for name in names {
        let view = file.tensor(name).map_err(|error| error.to_string())?;
        let element = Element::from_safetensors(view.dtype());
        let element =
            element.ok_or_else(|| format!("has elements of {:?} in {name}", view.dtype()))?;
        // The header was checked against the length of the file, so the products cannot overflow.
        let shape = view.shape().to_vec();
        let mut stride = vec![1_usize; shape.len()];
        for dimension in (1..shape.len()).rev() {
            stride[dimension - 1] = stride[dimension].saturating_mul(shape[dimension].max(1));
        }
        let storage = Storage {
            key: name,
            element,
            length: view.data().len() / element.size(),
            offset: 0,
        };
        let tensor = StoredTensor {
            storage,
            offset: 0,
            shape,
            stride,
        };
        tensors.insert(name, tensor);
    }
    then(&tensors, &mut SafeRuns(&file))
}

struct SafeRuns<'a>(&'a SafeTensors<'a>);

impl Runs for SafeRuns<'_> {
    fn floats(&mut self, storage: &Storage<'_>) -> Result<Vec<f32>, String> {
        let view = self.0.tensor(storage.key);
        let view = view.map_err(|error| error.to_string())?;
        floats(storage, view.data())
    }
}
