//! A training run between two steps: everything that the steps to come depend on.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use ulmfit_model::{AwdLstmState, LstmState, NamedTensor};
use ulmfit_optim::{OptimizerProgress, OptimizerState};

use crate::error::TrainError;
use crate::tensor_file::{self, TensorFile};

const KEY: &str = "ulmfit-checkpoint";

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// The epoch in progress, counted from 0 over the whole stage.
    pub(crate) epoch: usize,
    /// Steps done in that epoch.
    pub(crate) batch: usize,
    /// Steps done in the stage.
    pub(crate) step: u64,
    /// Wall time so far, in seconds.
    pub(crate) seconds: f64,
    /// The length of `metrics.jsonl` in bytes.
    pub(crate) metrics_bytes: u64,
    /// The sum of the training losses that no line of `metrics.jsonl` has yet.
    pub(crate) loss_sum: f32,
    /// How many they are.
    pub(crate) loss_count: u32,
    /// The highest group's learning rate at the last step.
    pub(crate) learning_rate: f64,
    /// The least validation loss so far.
    pub(crate) best_loss: Option<f64>,
    /// Epochs since then.
    pub(crate) epochs_since_best: usize,
}

/// A run between two steps.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    pub(crate) weights: Vec<NamedTensor>,
    pub(crate) optimizer: OptimizerState,
    /// The hidden state that a language model carries from one batch to the next.
    pub(crate) state: Option<AwdLstmState>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    progress: Progress,
    optimizer: OptimizerProgress,
}

impl Checkpoint {
    /// Writes the checkpoint aside and renames it.
    pub(crate) fn save(self, path: &Path) -> Result<(), TrainError> {
        let description = Description {
            progress: self.progress,
            optimizer: self.optimizer.progress,
        };
        let mut tensors = self.weights;
        for tensor in &mut tensors {
            tensor.name.insert_str(0, "model.");
        }
        for (name, data) in self.optimizer.tensors {
            tensors.push(named(format!("optimizer.{name}"), &data));
        }
        for (layer, LstmState { hidden, cell }) in self
            .state
            .into_iter()
            .flat_map(|state| state.layers)
            .enumerate()
        {
            tensors.push(named(
                format!("state.{layer:03}.hidden"),
                &hidden.into_data(),
            ));
            tensors.push(named(format!("state.{layer:03}.cell"), &cell.into_data()));
        }
        tensor_file::write(path, KEY, &description, &tensors)
    }

    /// Reads a checkpoint; its hidden state goes to `device`.
    pub(crate) fn load(path: &Path, device: &Device) -> Result<Self, TrainError> {
        let refuse = |message: String| TrainError::ModelFile {
            path: path.to_owned(),
            message,
        };
        let file = TensorFile::open(path)?;
        let description = file.description::<Description>(KEY);
        let Description {
            progress,
            optimizer,
        } = description
            .ok_or_else(|| refuse("not a checkpoint of a run".to_owned()))?
            .map_err(|error| refuse(format!("a checkpoint of another version ({error})")))?;
        let tensors = file.tensors("optimizer.").map_err(refuse)?.into_iter();
        let tensors = tensors
            .map(|tensor| (tensor.name, TensorData::new(tensor.values, tensor.shape)))
            .collect();
        Ok(Self {
            progress,
            weights: file.tensors("model.").map_err(refuse)?,
            optimizer: OptimizerState {
                progress: optimizer,
                tensors,
            },
            state: state(file.tensors("state.").map_err(refuse)?, device).map_err(refuse)?,
        })
    }
}

fn named(name: String, data: &TensorData) -> NamedTensor {
    let values = data.try_to_vec::<f32>().expect("training is in float32");
    NamedTensor {
        name,
        shape: data.shape().to_vec(),
        values,
    }
}

/// The hidden state from its tensors, `NNN.cell` before `NNN.hidden` when sorted.
fn state(mut tensors: Vec<NamedTensor>, device: &Device) -> Result<Option<AwdLstmState>, String> {
    if tensors.is_empty() {
        return Ok(None);
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut restored = tensors.into_iter().map(
        |NamedTensor {
             name,
             shape,
             values,
         }| {
            let [rows, features] = shape[..] else {
                return Err(format!("tensor state.{name} is not a matrix"));
            };
            Ok(Tensor::<2>::from_data(
                TensorData::new(values, [rows, features]),
                device,
            ))
        },
    );
    let mut layers = Vec::new();
    while let Some(cell) = restored.next() {
        let hidden = restored.next().ok_or("the hidden state is incomplete")??;
        layers.push(LstmState {
            hidden,
            cell: cell?,
        });
    }
    Ok(Some(AwdLstmState { layers }))
}
