use burn::config::Config;
use burn::module::{Module, Param, ParamId};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use crate::batch_norm::{BatchNorm, BatchNormConfig, BatchStatistics};
use crate::dropout::DropoutRng;
use crate::init::InitRng;

/// Configuration to create a [`ClassifierHead`] using the [init function](ClassifierHeadConfig::init).
#[derive(Config, Debug, PartialEq)]
pub struct ClassifierHeadConfig {
    /// Features of the input, of each hidden layer, and of the output: the paper's sections 3.3 and 4.1 have
    /// `[3 * d_embedding, 50, classes]`.
    pub sizes: Vec<usize>,
    /// Dropout before each linear layer, one fewer than `sizes`.
    pub dropout: Vec<f64>,
}

/// The classifier's head: blocks of batch norm, dropout and a linear layer, with a rectifier
/// between blocks (Howard and Ruder 2018, section 3.3).
#[derive(Module, Debug)]
pub struct ClassifierHead {
    /// The blocks, bottom to top.
    pub blocks: Vec<HeadBlock>,
}

/// One block of a [`ClassifierHead`].
#[derive(Module, Debug)]
pub struct HeadBlock {
    /// Normalizes the block's input.
    pub norm: BatchNorm,
    /// Probability of dropout after the norm.
    pub dropout: f64,
    /// Weights of the linear layer, `[d_output, d_input]`.
    pub weight: Param<Tensor<2>>,
    /// Bias of the linear layer, `[d_output]`.
    pub bias: Param<Tensor<1>>,
}

impl ClassifierHeadConfig {
    /// A head with `PyTorch`'s initialization of linear layers, U(-1/sqrt(`d_input`),
    /// 1/sqrt(`d_input`)).
    ///
    /// # Panics
    ///
    /// Panics if `dropout` is not one shorter than `sizes`.
    pub fn init(&self, rng: &mut InitRng, device: &Device) -> ClassifierHead {
        assert_eq!(
            self.dropout.len() + 1,
            self.sizes.len(),
            "one dropout for each linear layer"
        );
        let blocks = self
            .sizes
            .windows(2)
            .zip(&self.dropout)
            .map(|(sizes, &dropout)| {
                let bound = 1.0 / (sizes[0] as f64).sqrt();
                HeadBlock {
                    norm: BatchNormConfig::new(sizes[0]).init(device),
                    dropout,
                    weight: rng.uniform([sizes[1], sizes[0]], bound, device),
                    bias: rng.uniform([sizes[1]], bound, device),
                }
            });
        ClassifierHead {
            blocks: blocks.collect(),
        }
    }
}

impl ClassifierHead {
    /// Scores of the classes before the softmax, with the running statistics.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, 3 * d_embedding]`
    /// - output: `[batch_size, classes]`
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.fold(input, |block, input| {
            block.linear(block.norm.forward(input))
        })
    }

    /// Scores under dropout, with the batch's statistics; also the running statistics after it,
    /// one for each block.
    pub fn forward_train(
        &self,
        input: Tensor<2>,
        dropout: &mut DropoutRng,
    ) -> (Tensor<2>, Vec<BatchStatistics>) {
        let mut statistics = Vec::with_capacity(self.blocks.len());
        let output = self.fold(input, |block, input| {
            let (normalized, batch) = block.norm.forward_train(input);
            statistics.push(batch);
            block.linear(dropout.plain(normalized, block.dropout))
        });
        (output, statistics)
    }

    /// The same head with other running statistics, one for each block.
    ///
    /// # Panics
    ///
    /// Panics if there is not one for each block.
    #[must_use]
    pub fn with_statistics(mut self, statistics: Vec<BatchStatistics>) -> Self {
        assert_eq!(
            statistics.len(),
            self.blocks.len(),
            "statistics for each block"
        );
        let blocks = self.blocks.into_iter().zip(statistics);
        self.blocks = blocks
            .map(|(block, batch)| HeadBlock {
                norm: block.norm.with_statistics(batch),
                ..block
            })
            .collect();
        self
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.bias.dims()[0])
    }

    /// The trained parameters; running statistics are not among them.
    pub(crate) fn parameter_ids(&self) -> Vec<ParamId> {
        let blocks = self.blocks.iter();
        blocks
            .flat_map(|block| {
                [
                    block.norm.gamma.id,
                    block.norm.beta.id,
                    block.weight.id,
                    block.bias.id,
                ]
            })
            .collect()
    }

    fn fold(
        &self,
        input: Tensor<2>,
        mut run: impl FnMut(&HeadBlock, Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        self.blocks
            .iter()
            .enumerate()
            .fold(input, |input, (index, block)| {
                run(block, if index > 0 { relu(input) } else { input })
            })
    }
}

impl HeadBlock {
    fn linear(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.weight.val().transpose()) + self.bias.val().unsqueeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "statistics for each block")]
    fn no_block_is_left_without_statistics() {
        let config = ClassifierHeadConfig::new(vec![6, 4, 2], vec![0.0, 0.0]);
        let head = config.init(&mut InitRng::new(1), &Device::flex());
        let input = Tensor::<2>::ones([3, 6], &Device::flex());
        let (_, mut statistics) = head.forward_train(input, &mut DropoutRng::new(0, 0));
        statistics.pop();
        let _head = head.with_statistics(statistics);
    }
}
