//! The sampled softmax against the full one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Int, Tensor, TensorData, Tolerance};
use ulmfit_model::{
    AwdLstmConfig, AwdLstmState, InitRng, LanguageModel, LanguageModelConfig, SampledTargets,
};

const VOCAB_SIZE: usize = 23;

fn model(device: &Device) -> LanguageModel {
    let encoder = AwdLstmConfig::new(VOCAB_SIZE)
        .with_d_embedding(6)
        .with_d_hidden(9)
        .with_n_layers(2);
    LanguageModelConfig::new(encoder).init(&mut InitRng::new(3), device)
}

fn ids(values: Vec<i64>, device: &Device) -> Tensor<2, Int> {
    let shape = [2, values.len() / 2];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[test]
fn with_all_words_for_candidates_it_is_the_full_softmax() {
    let device = Device::flex().autodiff();
    let model = model(&device);
    let tokens = ids(vec![1, 5, 2, 22, 1, 0], &device);
    let targets = vec![5, 2, 7, 1, 0, 13];
    let state = AwdLstmState::zeros(&model.encoder, 2, &device);
    let full = model.loss(
        tokens.clone(),
        ids(targets.clone(), &device),
        state.clone(),
        None,
    );

    // In another order than the vocabulary's: word 22 first.
    let words = (0..VOCAB_SIZE as i64).rev().collect::<Vec<_>>();
    let places = targets
        .iter()
        .map(|target| VOCAB_SIZE as i64 - 1 - target)
        .collect();
    let sampled = SampledTargets {
        candidates: Tensor::from_data(TensorData::new(words, [VOCAB_SIZE]), &device),
        log_probabilities: Tensor::zeros([VOCAB_SIZE], &device),
        targets: ids(places, &device),
    };
    let sampled = model.sampled_loss(tokens, sampled, state, None);

    let close = Tolerance::<f32>::absolute(1e-5);
    let value = |loss: &Tensor<1>| loss.clone().into_data();
    value(&sampled.cross_entropy).assert_approx_eq(&value(&full.cross_entropy), close);
    let gradients = [full.total().backward(), sampled.total().backward()];
    let embedding = model.encoder.embedding.val();
    let [expected, actual] = gradients
        .each_ref()
        .map(|gradients| embedding.grad(gradients).unwrap().into_data());
    actual.assert_approx_eq(&expected, close);
    let bias = model.decoder_bias.val();
    let [expected, actual] = gradients
        .each_ref()
        .map(|gradients| bias.grad(gradients).unwrap().into_data());
    actual.assert_approx_eq(&expected, close);
}
