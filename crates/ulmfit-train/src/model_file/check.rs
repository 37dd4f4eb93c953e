//! A file's header against what its description calls for, before anything is allocated for a model.

use safetensors::Dtype;
use ulmfit_data::Vocab;
use ulmfit_model::{NamedTensor, TextClassifierConfig};

use super::description::Weights;
use crate::labels::check_names;
use crate::target::{Standardization, Target};
use crate::tensor_file::{self, TensorFile};

pub(super) fn check_vocab(vocab: &Vocab, vocab_size: usize) -> Result<(), String> {
    if vocab.len() == vocab_size {
        return Ok(());
    }
    Err(format!(
        "states {vocab_size} words and names {}; the file is damaged",
        vocab.len()
    ))
}

/// Whether the outputs that the configuration calls for are those of the target.
pub(crate) fn check_answers(
    config: &TextClassifierConfig,
    labels: &[String],
    target: &Target,
    standardization: &Standardization,
    temperature: f32,
) -> Result<(), String> {
    if !(temperature.is_normal() && temperature > 0.0) {
        return Err(format!(
            "states the temperature {temperature}; the file is damaged"
        ));
    }
    if !standardization.is_usable() {
        let Standardization {
            mean,
            standard_deviation,
        } = standardization;
        return Err(format!(
            "states the mean {mean} and the standard deviation {standard_deviation}; the file is damaged"
        ));
    }
    check_names(labels).map_err(|reason| format!("{reason}; the file is damaged"))?;
    let has_names = *target != Target::Regression;
    if config.n_classes == target.n_outputs(labels) && has_names != labels.is_empty() {
        return Ok(());
    }
    Err(format!(
        "states {} classes and names {} labels; the file is damaged",
        config.n_classes,
        labels.len()
    ))
}

/// Fails for weights with which nothing can be computed: what is not finite, and variances below zero.
pub(crate) fn check_weights(weights: &[NamedTensor]) -> Result<(), String> {
    for NamedTensor { name, values, .. } in weights {
        let least = if name.ends_with("running_var") {
            0.0
        } else {
            f32::MIN
        };
        let is_usable = |value: &f32| (least..=f32::MAX).contains(value);
        if let Some(value) = values.iter().find(|value| !is_usable(value)) {
            return Err(format!(
                "tensor {name} holds {value}, with which nothing can be computed; the file is damaged, or \
                 training diverged: copy the file or train the model again"
            ));
        }
    }
    Ok(())
}

/// Compares what the configuration calls for with the file's header.
pub(super) fn check_tensors(
    file: &TensorFile,
    prefix: &str,
    expected: &[(String, Vec<usize>)],
    weights: Weights,
) -> Result<(), String> {
    for (name, shape) in expected {
        let dtype = weights.storage(name, shape).dtype();
        check_tensor(file, prefix, name, shape, dtype)?;
        if dtype == Dtype::I8 {
            let scales = format!("{name}{}", tensor_file::SCALE);
            check_tensor(file, prefix, &scales, &shape[..1], Dtype::F32)?;
        }
    }
    Ok(())
}

fn check_tensor(
    file: &TensorFile,
    prefix: &str,
    name: &str,
    shape: &[usize],
    dtype: Dtype,
) -> Result<(), String> {
    let Some(info) = file.info(&format!("{prefix}{name}")) else {
        return Err(format!("tensor {name} is missing; the file is damaged"));
    };
    if info.shape != shape {
        return Err(format!(
            "tensor {name} has the shape {:?} where the configuration calls for {shape:?}; \
             the file is damaged",
            info.shape
        ));
    }
    if info.dtype != dtype {
        return Err(format!(
            "tensor {name} is {:?} and not {dtype:?}",
            info.dtype
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_nothing_can_be_computed_with_are_refused() {
        let weights = |name: &str, value| {
            let (name, values) = (name.to_owned(), vec![0.0, value]);
            let shape = vec![2];
            check_weights(&[NamedTensor {
                name,
                shape,
                values,
            }])
        };
        assert_eq!(weights("bias", -1.0), Ok(()));
        assert_eq!(weights("norm.running_var", 1.0), Ok(()));
        for (name, value) in [
            ("bias", f32::NAN),
            ("bias", f32::NEG_INFINITY),
            ("norm.running_var", -1.0),
        ] {
            let message = weights(name, value).expect_err("no weight");
            let start = format!("tensor {name} holds {value}, ");
            assert!(message.starts_with(&start), "{message}");
        }
    }
}
