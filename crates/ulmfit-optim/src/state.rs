//! The state of an optimizer, as a checkpoint holds it.

use std::collections::{BTreeMap, BTreeSet};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{DType, Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use crate::{OptimError, path::ParamPath};

/// All that an optimizer knows beside its settings and the parameters.
///
/// Everything is keyed by the path of the parameter (`rnns.0.weight_hh`), so that a state can be
/// read by a person and loaded into a model that was built anew. Tensors come back bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerState {
    /// Counts and losses, small enough for a text file.
    pub progress: OptimizerProgress,
    /// `path.slot` to a tensor of the parameter's shape, such as `rnns.0.weight_hh.grad_avg`.
    pub tensors: BTreeMap<String, TensorData>,
}

/// The numbers of a state that are not tensors. `kind` names the optimizer.
///
/// `steps` has the number of updates of each parameter that has had any: parameters unfrozen late
/// have fewer, and debiasing counts each by its own. It also says which tensors there must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerProgress {
    /// Of [`crate::Adam`].
    Adam {
        /// Updates by path.
        steps: BTreeMap<String, u64>,
    },
    /// Of [`crate::Sgd`], which remembers nothing.
    Sgd {},
    /// Of [`crate::NtAsgd`].
    NtAsgd {
        /// Whether weights are averaged by now.
        averaging: bool,
        /// The losses up to the switch.
        validation_losses: Vec<f64>,
        /// Averaged updates by path.
        steps: BTreeMap<String, u64>,
    },
}

impl OptimizerProgress {
    /// The word for the kind, as in `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Adam { .. } => "adam",
            Self::Sgd {} => "sgd",
            Self::NtAsgd { .. } => "nt-asgd",
        }
    }
}

/// The state of one parameter, back on its device.
pub(crate) struct Restored {
    pub(crate) steps: u64,
    pub(crate) shape: Vec<usize>,
    /// One for each slot, `[n]`.
    pub(crate) tensors: Vec<Tensor<1>>,
}

/// A flat tensor as data of the parameter's shape.
pub(crate) fn save(tensor: &Tensor<1>, shape: &[usize]) -> TensorData {
    let (bytes, _, dtype) = tensor.to_data().into_parts();
    TensorData::from_bytes(bytes, shape.to_vec(), dtype)
}

/// Puts the tensors of a state onto the devices of the model's parameters, after checking that they
/// are the ones which `steps` and `slots` ask for and that the model has such parameters.
pub(crate) fn restore<M: Module>(
    model: &M,
    steps: BTreeMap<String, u64>,
    slots: &[&str],
    mut tensors: BTreeMap<String, TensorData>,
) -> Result<BTreeMap<String, Restored>, OptimError> {
    let mut layout = Layout::default();
    model.visit(&mut layout);

    let mut restored = BTreeMap::new();
    let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
    let mut extra = BTreeSet::new();
    for (path, steps) in steps {
        let Some(place) = layout.places.get(&path) else {
            extra.insert(path);
            continue;
        };
        let mut flat = Vec::with_capacity(slots.len());
        for slot in slots {
            let name = format!("{path}.{slot}");
            match tensors.remove(&name) {
                None => missing.push(name),
                Some(data) => match place.misfit(&data) {
                    Some(misfit) => misshapen.push(format!("{name} {misfit}")),
                    None => flat.push(place.load(data)),
                },
            }
        }
        let shape = place.shape.clone();
        let tensors = flat;
        restored.insert(
            path,
            Restored {
                steps,
                shape,
                tensors,
            },
        );
    }
    // Also what belongs to a parameter without a step count, or to no slot.
    extra.extend(tensors.into_keys());

    if missing.is_empty() && misshapen.is_empty() && extra.is_empty() {
        Ok(restored)
    } else {
        Err(OptimError::StateMismatch {
            missing,
            extra: extra.into_iter().collect(),
            misshapen,
        })
    }
}

/// Where each parameter is and what it looks like.
#[derive(Default)]
struct Layout {
    path: ParamPath,
    places: BTreeMap<String, Place>,
}

struct Place {
    shape: Vec<usize>,
    device: Device,
    /// `None` for a parameter not initialized yet: asking would initialize it, and draw from the
    /// run's random numbers.
    dtype: Option<DType>,
}

impl Place {
    fn misfit(&self, data: &TensorData) -> Option<String> {
        let same_type = match self.dtype {
            Some(dtype) => data.dtype() == dtype,
            None => data.dtype().is_float(),
        };
        if same_type && data.shape().as_slice() == self.shape.as_slice() {
            return None;
        }
        let expected = self.dtype.map_or("float", |dtype| dtype.name());
        Some(format!(
            "({} {:?}, expected {expected} {:?})",
            data.dtype().name(),
            data.shape().as_slice(),
            self.shape
        ))
    }

    fn load(&self, data: TensorData) -> Tensor<1> {
        let (bytes, shape, dtype) = data.into_parts();
        let flat = TensorData::from_bytes(bytes, [shape.num_elements()], dtype);
        Tensor::from_data(flat, (&self.device, dtype))
    }
}

impl ModuleVisitor for Layout {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let place = Place {
            shape: param.lazy_shape().to_vec(),
            device: param.lazy_device().inner(),
            dtype: param.is_initialized().then(|| param.base().dtype()),
        };
        self.places.insert(self.path.join(), place);
    }
}
