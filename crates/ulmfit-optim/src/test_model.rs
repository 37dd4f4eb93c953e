//! A model small enough to know every number of it.

use burn::{
    module::{Module, Param, ParamGroup},
    nn::{Dropout, DropoutConfig},
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

/// The device of every test: the CPU, with gradients.
pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// Three affine layers in three layer groups. All weights and biases start as multiples of 1/8.
#[derive(Module, Debug)]
pub(crate) struct ThreeLayers {
    layers: Vec<Affine>,
    head: Affine,
    dropout: Dropout,
}

#[derive(Module, Debug)]
struct Affine {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl ThreeLayers {
    pub(crate) fn new(device: &Device) -> Self {
        Self {
            layers: vec![Affine::new(0.5, device), Affine::new(1.0, device)],
            head: Affine::new(-1.0, device),
            dropout: DropoutConfig::new(0.0).init(),
        }
    }

    pub(crate) fn with_dropout(mut self, prob: f64) -> Self {
        self.dropout = DropoutConfig::new(prob).init();
        self
    }

    /// Bottom to top, by id, as the model crate makes them.
    pub(crate) fn layer_groups(&self) -> Vec<ParamGroup> {
        let [bottom, middle] = [0, 1].map(|index| self.layers[index].clone());
        vec![
            ParamGroup::ids_from_module((bottom, self.dropout.clone())),
            ParamGroup::ids_from_module(middle),
            ParamGroup::ids_from_module(self.head.clone()),
        ]
    }

    /// `[batch, 2]` to `[batch, 2]`.
    pub(crate) fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let hidden = self.dropout.forward(self.layers[0].forward(input).tanh());
        self.head.forward(self.layers[1].forward(hidden).tanh())
    }

    pub(crate) fn dropout(&self, input: Tensor<2>) -> Tensor<2> {
        self.dropout.forward(input)
    }

    /// The gradients of a squared error on a batch that depends on `step`.
    pub(crate) fn gradients(&self, step: usize) -> GradientsParams {
        let device = device();
        let shift = step as f32 * 0.37;
        let input = [[shift.sin(), 1.0], [-0.5, shift.cos()], [shift, -shift]];
        let output = self.forward(Tensor::from_data(input, &device));
        let target = Tensor::from_data([[1.0f32, -1.0], [0.5, shift], [0.0, 2.0]], &device);
        let loss = (output - target).square().mean();
        GradientsParams::from_grads(loss.backward(), self)
    }

    /// Gradients that are 1 everywhere, of the parameters that require any.
    pub(crate) fn unit_gradients(&self) -> GradientsParams {
        let sum = |affine: &Affine| affine.weight.val().sum() + affine.bias.val().sum();
        let loss = sum(&self.layers[0]) + sum(&self.layers[1]) + sum(&self.head);
        GradientsParams::from_grads(loss.backward(), self)
    }

    /// Every parameter, layer by layer: four weights and two biases each.
    pub(crate) fn values(&self) -> [Vec<f32>; 3] {
        [&self.layers[0], &self.layers[1], &self.head].map(|affine| {
            let mut values = affine.weight.val().into_data().try_to_vec::<f32>().unwrap();
            values.extend(affine.bias.val().into_data().try_to_vec::<f32>().unwrap());
            values
        })
    }

    /// The same numbers as bits, for comparisons that allow no difference at all.
    pub(crate) fn bits(&self) -> Vec<u32> {
        self.values()
            .concat()
            .into_iter()
            .map(f32::to_bits)
            .collect()
    }

    /// This model, with its own ids, and the numbers of another.
    pub(crate) fn with_values_of(mut self, other: &Self) -> Self {
        let copy = |to: &mut Affine, from: &Affine| {
            let device = device();
            to.weight = Param::from_data(from.weight.val().into_data(), &device);
            to.bias = Param::from_data(from.bias.val().into_data(), &device);
        };
        for (to, from) in self.layers.iter_mut().zip(&other.layers) {
            copy(to, from);
        }
        copy(&mut self.head, &other.head);
        self
    }

    /// Whether each layer requires gradients, weights and biases agreeing.
    pub(crate) fn require_grad(&self) -> [bool; 3] {
        [&self.layers[0], &self.layers[1], &self.head].map(|affine| {
            let weight = affine.weight.val().is_require_grad();
            assert_eq!(weight, affine.bias.val().is_require_grad());
            weight
        })
    }
}

impl Affine {
    fn new(scale: f32, device: &Device) -> Self {
        let weight = [[0.25, -0.5], [0.75, 1.0]].map(|row| row.map(|weight: f32| weight * scale));
        let bias = [0.5, -0.25].map(|bias: f32| bias * scale);
        Self {
            weight: Param::from_data(weight, device),
            bias: Param::from_data(bias, device),
        }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}
