//! The sampled softmax against the full one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::module::Param;
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
    // In another order than the vocabulary's: word 22 first.
    let words = (0..VOCAB_SIZE as i64).rev().collect::<Vec<_>>();
    // A probability of each being a candidate, as a correction sees it. The full softmax has it in its bias.
    let log_probability = |word: i64| -0.1 * word as f32;
    let of_words = |words: &mut dyn Iterator<Item = i64>| {
        let values: Vec<f32> = words.map(log_probability).collect();
        Tensor::<1>::from_data(TensorData::new(values, [VOCAB_SIZE]), &device)
    };
    let in_order = of_words(&mut (0..VOCAB_SIZE as i64));
    let corrected = LanguageModel {
        decoder_bias: Param::from_tensor((model.decoder_bias.val() - in_order).detach()),
        ..model.clone()
    };
    let state = AwdLstmState::zeros(&model.encoder, 2, &device);
    let full = corrected.loss(
        tokens.clone(),
        ids(targets.clone(), &device),
        state.clone(),
        None,
    );

    let places = targets
        .iter()
        .map(|target| VOCAB_SIZE as i64 - 1 - target)
        .collect();
    let sampled = SampledTargets {
        log_probabilities: of_words(&mut words.iter().copied()),
        candidates: Tensor::from_data(TensorData::new(words, [VOCAB_SIZE]), &device),
        targets: ids(places, &device),
    };
    let sampled = model.sampled_loss(tokens, sampled, state, None);

    let close = Tolerance::<f32>::absolute(1e-5);
    let value = |loss: &Tensor<1>| loss.clone().into_data();
    value(&sampled.cross_entropy).assert_approx_eq(&value(&full.cross_entropy), close);
    let gradients = [full.total().backward(), sampled.total().backward()];
    let of_models = [&corrected, &model].into_iter().zip(&gradients);
    let [expected, actual] = [0, 1].map(|at| {
        let (model, gradients) = of_models.clone().nth(at).unwrap();
        let embedding = model.encoder.embedding.val().grad(gradients);
        let bias = model.decoder_bias.val().grad(gradients);
        (embedding.unwrap().into_data(), bias.unwrap().into_data())
    });
    actual.0.assert_approx_eq(&expected.0, close);
    actual.1.assert_approx_eq(&expected.1, close);
}
