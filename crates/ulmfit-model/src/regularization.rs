use burn::tensor::Tensor;

/// Activation regularization (AR): the mean of the squared activations, times `alpha`.
///
/// Merity et al. (2017), section 4.5. The language model applies it to the last layer's output
/// after output dropout.
///
/// # Shapes
///
/// - output: `[seq_len, batch_size, features]`
pub fn activation_regularization(output: Tensor<3>, alpha: f64) -> Tensor<1> {
    output.square().mean() * alpha
}

/// Temporal activation regularization (TAR): the mean squared change of the activations from one
/// time step to the next, times `beta`; zero for a single time step.
///
/// Merity et al. (2017), section 4.5. The language model applies it to the last layer's output
/// before output dropout.
///
/// # Shapes
///
/// - output: `[seq_len, batch_size, features]`
pub fn temporal_activation_regularization(output: Tensor<3>, beta: f64) -> Tensor<1> {
    let [seq_len, _, _] = output.dims();
    if seq_len < 2 {
        return Tensor::zeros([1], &output.device());
    }
    let later = output.clone().narrow(0, 1, seq_len - 1);
    let earlier = output.narrow(0, 0, seq_len - 1);
    (later - earlier).square().mean() * beta
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn both_are_means_over_every_element() {
        // [seq_len 3, batch_size 1, features 2]
        let output =
            Tensor::<3>::from_data([[[1.0, 2.0]], [[3.0, 2.0]], [[0.0, 0.0]]], &Device::flex());
        let ar: f32 = activation_regularization(output.clone(), 2.0).into_scalar();
        assert!((ar - 2.0 * 18.0 / 6.0).abs() < 1e-6);
        let tar: f32 = temporal_activation_regularization(output.clone(), 1.0).into_scalar();
        assert!((tar - (4.0 + 0.0 + 9.0 + 4.0) / 4.0).abs() < 1e-6);
        let single = output.narrow(0, 0, 1);
        assert!(
            temporal_activation_regularization(single, 1.0)
                .into_scalar::<f32>()
                .abs()
                < 1e-9
        );
    }
}
