use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::error::ModelError;

/// A weight by the path of its field, such as `encoder.layers.0.weight_hh`, in float32.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// The path of the field.
    pub name: String,
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The elements in row-major order.
    pub values: Vec<f32>,
}

/// All float parameters of a module by the paths of their fields, in the order of declaration.
pub fn named_weights<M: Module>(module: &M) -> Vec<NamedTensor> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.tensors
}

/// Replaces every float parameter of a module with the weight of its name.
///
/// # Errors
///
/// [`ModelError::Weights`] lists every tensor that is missing, not expected, or of another shape;
/// the module is lost then, and nothing was loaded in part.
pub fn load_weights<M: Module>(module: M, weights: Vec<NamedTensor>) -> Result<M, ModelError> {
    let weights = weights
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor))
        .collect();
    let mut loader = Loader {
        path: Vec::new(),
        weights,
        problems: Vec::new(),
    };
    let module = module.map(&mut loader);
    let Loader {
        weights,
        mut problems,
        ..
    } = loader;
    problems.extend(
        weights
            .into_keys()
            .map(|name| format!("{name}: not part of this model")),
    );
    if problems.is_empty() {
        Ok(module)
    } else {
        Err(ModelError::Weights(problems))
    }
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    tensors: Vec<NamedTensor>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.tensors.push(NamedTensor {
            name: self.path.join("."),
            shape: param.dims().to_vec(),
            values: param
                .val()
                .into_data_as::<f32>()
                .try_to_vec()
                .expect("converted to f32"),
        });
    }
}

struct Loader {
    path: Vec<String>,
    weights: BTreeMap<String, NamedTensor>,
    problems: Vec<String>,
}

impl ModuleMapper for Loader {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(weight) = self.weights.remove(&name) else {
            self.problems.push(format!("{name}: missing"));
            return param;
        };
        let expected = param.dims();
        if weight.shape != expected || weight.values.len() != expected.iter().product::<usize>() {
            self.problems
                .push(format!("{name}: {:?}, expected {expected:?}", weight.shape));
            return param;
        }
        param.map(|old| {
            let data = TensorData::new(weight.values, expected);
            let require_grad = old.is_require_grad();
            Tensor::from_data(data, &old.device()).set_require_grad(require_grad)
        })
    }
}
