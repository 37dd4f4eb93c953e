use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::init::constant;

/// Configuration to create a [`BatchNorm`] using the [init function](BatchNormConfig::init).
#[derive(Config, Debug)]
pub struct BatchNormConfig {
    /// The number of features.
    pub n_features: usize,
    /// Added to the variance; 1e-5 in fastai and `PyTorch`.
    #[config(default = 1e-5)]
    pub epsilon: f64,
    /// The weight of a new batch in the running statistics; 0.1 in fastai and `PyTorch`.
    #[config(default = 0.1)]
    pub momentum: f64,
}

/// Batch normalization of a row of features (Ioffe and Szegedy 2015), as the head of the
/// classifier needs it.
///
/// It differs from burn's own in two points: the running statistics are an argument and a result
/// rather than a field that changes during a forward pass, and a batch of one row is normalized
/// with the running statistics, since one row has no variance.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// The scale, `[n_features]`.
    pub gamma: Param<Tensor<1>>,
    /// The shift, `[n_features]`.
    pub beta: Param<Tensor<1>>,
    /// The running mean, `[n_features]`; not trained.
    pub running_mean: Param<Tensor<1>>,
    /// The running unbiased variance, `[n_features]`; not trained.
    pub running_var: Param<Tensor<1>>,
    /// Added to the variance.
    pub epsilon: f64,
    /// The weight of a new batch in the running statistics.
    pub momentum: f64,
}

/// The running statistics after a training batch.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    mean: Tensor<1>,
    var: Tensor<1>,
}

impl BatchNormConfig {
    /// The identity: scale one, shift zero, running mean zero, running variance one.
    pub fn init(&self, device: &Device) -> BatchNorm {
        let shape = [self.n_features];
        BatchNorm {
            gamma: constant(shape, 1.0, device),
            beta: constant(shape, 0.0, device),
            running_mean: constant(shape, 0.0, device).set_require_grad(false),
            running_var: constant(shape, 1.0, device).set_require_grad(false),
            epsilon: self.epsilon,
            momentum: self.momentum,
        }
    }
}

impl BatchNorm {
    /// Normalizes with the running statistics.
    ///
    /// # Shapes
    ///
    /// - input, output: `[batch_size, n_features]`
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let mean = self.running_mean.val().detach().unsqueeze();
        let var = self.running_var.val().detach().unsqueeze();
        self.normalize(input, mean, var)
    }

    /// Normalizes with the batch's own statistics, and returns the running statistics after it.
    ///
    /// A batch of one row is normalized with the running statistics, which stay.
    ///
    /// # Shapes
    ///
    /// - input, output: `[batch_size, n_features]`
    pub fn forward_train(&self, input: Tensor<2>) -> (Tensor<2>, BatchStatistics) {
        let [batch_size, _] = input.dims();
        let running_mean = self.running_mean.val().detach();
        let running_var = self.running_var.val().detach();
        if batch_size < 2 {
            let statistics = BatchStatistics {
                mean: running_mean,
                var: running_var,
            };
            return (self.forward(input), statistics);
        }
        let mean = input.clone().mean_dim(0);
        let var = (input.clone() - mean.clone()).square().mean_dim(0); // biased, to normalize with
        let unbiased = batch_size as f64 / (batch_size - 1) as f64;
        let blend = |running: Tensor<1>, batch: Tensor<2>| {
            running * (1.0 - self.momentum) + batch.detach().squeeze_dim(0) * self.momentum
        };
        let statistics = BatchStatistics {
            mean: blend(running_mean, mean.clone()),
            var: blend(running_var, var.clone() * unbiased),
        };
        (self.normalize(input, mean, var), statistics)
    }

    /// The same layer with other running statistics.
    #[must_use]
    pub fn with_statistics(mut self, statistics: BatchStatistics) -> Self {
        self.running_mean = self.running_mean.map(|_| statistics.mean);
        self.running_var = self.running_var.map(|_| statistics.var);
        self
    }

    /// `mean` and `var` are `[1, n_features]`.
    fn normalize(&self, input: Tensor<2>, mean: Tensor<2>, var: Tensor<2>) -> Tensor<2> {
        let scaled = (input - mean) / (var + self.epsilon).sqrt();
        scaled * self.gamma.val().unsqueeze() + self.beta.val().unsqueeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_statistics_blend_the_mean_and_the_unbiased_variance() {
        let norm = BatchNormConfig::new(1).init(&Device::flex());
        let input = Tensor::<2>::from_data([[1.0], [3.0]], &Device::flex());
        let (output, statistics) = norm.forward_train(input);
        let output: Vec<f32> = output.into_data().try_to_vec().unwrap();
        assert!((output[0] + 1.0).abs() < 1e-5 && (output[1] - 1.0).abs() < 1e-5);
        // Mean 2, unbiased variance 2, momentum 0.1, from (0, 1).
        assert!((statistics.mean.into_scalar::<f32>() - 0.2).abs() < 1e-6);
        assert!((statistics.var.into_scalar::<f32>() - 1.1).abs() < 1e-6);
    }

    #[test]
    fn one_row_is_normalized_with_the_running_statistics() {
        let norm = BatchNormConfig::new(2).init(&Device::flex());
        let input = Tensor::<2>::from_data([[1.0, -3.0]], &Device::flex());
        let (output, statistics) = norm.forward_train(input.clone());
        assert_eq!(output.into_data(), norm.forward(input).into_data());
        assert_eq!(
            statistics.var.into_data(),
            norm.running_var.val().into_data()
        );
    }
}
