//! Adam against numbers computed apart from it (`fixtures/make_adam_fixture.py`).

use std::collections::BTreeMap;

use burn::{
    module::{Module, Param, ParamGroup},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use serde::Deserialize;
use ulmfit_optim::{AdamConfig, LayerGroups, StepRates};

#[derive(Deserialize)]
struct Scenario {
    name: String,
    config: AdamConfig,
    start: Values,
    steps: Vec<Step>,
    after: Vec<Values>,
}

#[derive(Deserialize)]
struct Values {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Deserialize)]
struct Step {
    rates: BTreeMap<String, f64>,
    momentum: Option<f64>,
    gradients: BTreeMap<String, Option<Vec<f32>>>,
}

#[derive(Module, Debug)]
struct Affine {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Affine {
    fn new(start: &Values, device: &Device) -> Self {
        Self {
            weight: Param::from_data(TensorData::new(start.weight.clone(), [2, 3]), device),
            bias: Param::from_data(TensorData::new(start.bias.clone(), [3]), device),
        }
    }

    fn gradients(&self, step: &Step, device: &Device) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        if let Some(values) = &step.gradients["weight"] {
            let data = TensorData::new(values.clone(), [2, 3]);
            gradients.register(self.weight.id, Tensor::<2>::from_data(data, device));
        }
        if let Some(values) = &step.gradients["bias"] {
            let data = TensorData::new(values.clone(), [3]);
            gradients.register(self.bias.id, Tensor::<1>::from_data(data, device));
        }
        gradients
    }
}

#[test]
fn adam_agrees_with_fastai_step_by_step() {
    let scenarios: Vec<Scenario> =
        serde_json::from_str(include_str!("fixtures/adam.json")).unwrap();
    let device = Device::flex().autodiff();
    for scenario in scenarios {
        let mut adam = scenario.config.init().unwrap();
        let mut model = Affine::new(&scenario.start, &device);
        let groups = ["weight", "bias"].map(ParamGroup::from_path).to_vec();
        let groups = LayerGroups::new(&model, groups).unwrap();
        for (index, (step, after)) in scenario.steps.iter().zip(&scenario.after).enumerate() {
            let rates = [step.rates["weight"], step.rates["bias"]];
            let rates = StepRates::new(&groups, &rates, 1.0).unwrap();
            let gradients = model.gradients(step, &device.clone().inner());
            model = adam.step(model, gradients, &rates.with_momentum(step.momentum));
            let weight = model.weight.val().into_data().try_to_vec::<f32>().unwrap();
            let bias = model.bias.val().into_data().try_to_vec::<f32>().unwrap();
            let found = weight.iter().chain(&bias);
            for (found, expected) in found.zip(after.weight.iter().chain(&after.bias)) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{}, step {index}: {found} is not {expected}",
                    scenario.name
                );
            }
        }
    }
}
