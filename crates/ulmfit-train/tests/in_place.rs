//! A training step on the CPU writes the weights where they are. Something that still held them when
//! the optimizer takes its step, such as a graph of the backward pass, would have every weight copied
//! at every step, in silence.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::backend::DispatchTensorKind;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use ulmfit_model::{
    AwdLstmConfig, AwdLstmDropout, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig,
};
use ulmfit_optim::{AdamConfig, StepRates, clip_global_norm};

/// Where the elements of each parameter are.
#[derive(Default)]
struct Places(Vec<*const u8>);

impl ModuleVisitor for Places {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let DispatchTensorKind::Flex(tensor) = param.val().inner().into_dispatch().kind else {
            panic!("the model is on the CPU");
        };
        self.0.push(tensor.as_float().bytes().as_ptr());
    }
}

fn places<M: Module>(model: &M) -> Vec<*const u8> {
    let mut places = Places::default();
    model.visit(&mut places);
    places.0
}

#[test]
fn a_training_step_copies_no_weights() {
    let device = Device::flex().autodiff();
    let encoder = AwdLstmConfig::new(50)
        .with_d_embedding(6)
        .with_d_hidden(8)
        .with_dropout(AwdLstmDropout::LANGUAGE_MODEL);
    let mut model = LanguageModelConfig::new(encoder).init(&mut InitRng::new(0), &device);
    let mut adam = AdamConfig::default().init().unwrap();
    let mut state = AwdLstmState::zeros(&model.encoder, 2, &device);
    let tokens = Tensor::<2, Int>::from_data([[1, 2, 3], [4, 5, 6]], &device);
    let start = places(&model);
    assert!(start.len() > 10);
    for step in 0..3 {
        // As in the stages' loops, where the loss is logged after the step.
        let mut dropout = DropoutRng::new(0, step);
        let loss = model.loss(tokens.clone(), tokens.clone(), state, Some(&mut dropout));
        let gradients = GradientsParams::from_grads(loss.total().backward(), &model);
        let (gradients, _) = clip_global_norm(&model, gradients, 0.25);
        model = adam.step(model, gradients, &StepRates::uniform(0.01));
        state = loss.state;
        assert!(loss.cross_entropy.into_scalar::<f32>().is_finite());
        assert_eq!(places(&model), start);
    }
}
