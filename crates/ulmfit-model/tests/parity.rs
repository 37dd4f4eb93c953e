//! Parity with fastai 2.8.12: logits, losses, hidden states, every gradient, and the running
//! statistics, on tensors that `fixtures/make_awd_lstm_fixtures.py` saved.
//!
//! `ULMFIT_FASTAI_FIXTURES` names another folder of the same layout to run on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fastai;

use burn::module::{Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, FloatDType, Gradients, IntDType, Tensor};
use fastai::{Fixture, assert_close};
use ulmfit_model::{AwdLstm, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig};

/// Both CPU backends: Flex in float32, as it is used, and ndarray in float64, where no rounding of
/// ours is left.
#[expect(deprecated, reason = "ndarray is offered for as long as burn ships it")]
fn devices() -> [Device; 2] {
    let mut ndarray = Device::ndarray();
    // Fails when another test was first, which configured the same.
    let _ = ndarray.configure((FloatDType::F64, IntDType::I64));
    [Device::flex(), ndarray]
}

#[test]
fn parity_language_model_over_two_carried_batches() {
    let fixture = Fixture::open("lm_expected.safetensors");
    for device in devices() {
        check_language_model(&fixture, &device.autodiff());
    }
}

#[test]
fn parity_classifier_mixed() {
    for device in devices() {
        check_classifier("mixed", &device, fastai::Gradients::new());
    }
}

/// The batch norm over these four documents amplifies rounding a hundredfold: fastai's gradients, in
/// float32, are up to 0.7 of the tolerance off those in float64, and float32 kernels of ours that
/// differ in nothing but the order of their sums are off by 0.8 to 1.15 of it. So fastai's are
/// compared with ours in float64, and those with ours in float32, each within the tolerance.
#[test]
fn parity_classifier_long() {
    let [flex, ndarray] = devices();
    let exact = check_classifier("long", &ndarray, fastai::Gradients::new());
    check_classifier("long", &flex, exact);
}

fn check_language_model(fixture: &Fixture, device: &Device) {
    let config = Fixture::config();
    let model = LanguageModelConfig::new(config.encoder())
        .with_alpha(config.ar_alpha)
        .with_beta(config.tar_beta)
        .init(&mut InitRng::new(0), device);
    let model = fastai::load_language_model(model);
    let mut state = AwdLstmState::zeros(&model.encoder, config.bs, device);
    for batch in 0..2 {
        let ids = fixture.ids("input_ids", batch, device);
        let targets = fixture.ids("target_ids", batch, device);
        let loss = model.loss(ids.clone(), targets, state.clone(), None);
        fixture.assert_scalar(&format!("cross_entropy.{batch}"), &loss.cross_entropy);
        fixture.assert_scalar(&format!("activation_reg.{batch}"), &loss.activation);
        fixture.assert_scalar(
            &format!("temporal_activation_reg.{batch}"),
            &loss.temporal_activation,
        );
        let grads = loss.total().backward();
        check_encoder_grads(fixture, &format!("grad.{batch}.0"), &model.encoder, &grads);
        let bias = gradient(&model.decoder_bias, &grads);
        fixture.assert_tensor(&format!("grad.{batch}.1.decoder.bias"), bias);

        let output = model.forward(ids, state, None);
        // Ours is time-major.
        fixture.assert_tensor(&format!("logits.{batch}"), output.logits.swap_dims(0, 1));
        for (layer, layer_state) in output.state.layers.iter().enumerate() {
            let name = format!("hidden.{batch}.{layer}");
            let hidden: Tensor<3> = layer_state.hidden.clone().unsqueeze();
            let cell: Tensor<3> = layer_state.cell.clone().unsqueeze();
            fixture.assert_tensor(&format!("{name}.h"), hidden);
            fixture.assert_tensor(&format!("{name}.c"), cell);
        }
        state = loss.state;
    }
}

/// Checks everything against the fixture, but gradients against `exact` where that has them;
/// returns the gradients.
fn check_classifier(case: &str, device: &Device, exact: fastai::Gradients) -> fastai::Gradients {
    let mut fixture = Fixture::open(&format!("classifier_{case}_expected.safetensors"));
    fixture.exact_gradients = exact;
    let config = Fixture::config();
    let model = config
        .classifier(case)
        .init(&mut InitRng::new(0), &device.clone().autodiff());
    let model = fastai::load_classifier(model);
    let documents = &config.docs[case];
    let documents = documents.iter().map(Vec::as_slice).collect::<Vec<_>>();

    // Evaluation: in a batch, alone, and in any order of the batch.
    let frozen = model.valid();
    let together = frozen.forward(&documents);
    fixture.assert_tensor("eval.logits_alone", together.clone());
    let reversed = documents.iter().rev().copied().collect::<Vec<_>>();
    let count = documents.len();
    let reversed = frozen.forward(&reversed);
    for (index, document) in documents.iter().enumerate() {
        let expected = together
            .clone()
            .narrow(0, index, 1)
            .into_data_as::<f32>()
            .try_to_vec::<f32>()
            .unwrap();
        let alone = frozen
            .forward(&[document])
            .into_data_as::<f32>()
            .try_to_vec::<f32>()
            .unwrap();
        assert_close(
            &format!("{case}: document {index} alone"),
            &alone,
            &expected,
            1e-6,
        );
        let other = reversed.clone().narrow(0, count - 1 - index, 1);
        let other = other.into_data_as::<f32>().try_to_vec::<f32>().unwrap();
        assert_close(
            &format!("{case}: document {index} in another order"),
            &other,
            &expected,
            1e-6,
        );
    }

    // Training: loss, gradients, running statistics.
    let output = model.forward_train(&documents, &mut DropoutRng::new(0, 0));
    fixture.assert_tensor("train.logits", output.logits.clone());
    let labels = fixture.labels(&output.logits.device());
    let loss = log_softmax(output.logits, 1).gather(1, labels).mean().neg();
    fixture.assert_scalar("train.loss", &loss);
    let grads = loss.backward();
    check_encoder_grads(&fixture, "train.grad.0.module", &model.encoder, &grads);
    for (index, block) in model.head.blocks.iter().enumerate() {
        let name = format!("train.grad.1.layers.{index}");
        fixture.assert_tensor(
            &format!("{name}.0.weight"),
            gradient(&block.norm.gamma, &grads),
        );
        fixture.assert_tensor(
            &format!("{name}.0.bias"),
            gradient(&block.norm.beta, &grads),
        );
        fixture.assert_tensor(&format!("{name}.1.weight"), gradient(&block.weight, &grads));
    }
    let after = model.clone().with_statistics(output.statistics);
    for (index, block) in after.head.blocks.iter().enumerate() {
        let name = format!("train.after.1.layers.{index}.0");
        fixture.assert_tensor(
            &format!("{name}.running_mean"),
            block.norm.running_mean.val(),
        );
        fixture.assert_tensor(&format!("{name}.running_var"), block.norm.running_var.val());
    }
    fixture.compared.into_inner()
}

fn check_encoder_grads(fixture: &Fixture, prefix: &str, encoder: &AwdLstm, grads: &Gradients) {
    fixture.assert_tensor(
        &format!("{prefix}.encoder.weight"),
        gradient(&encoder.embedding, grads),
    );
    for (index, layer) in encoder.layers.iter().enumerate() {
        let name = format!("{prefix}.rnns.{index}");
        let weight_ih = gradient(&layer.weight_ih, grads);
        fixture.assert_tensor(&format!("{name}.module.weight_ih_l0"), weight_ih);
        let weight_hh = gradient(&layer.weight_hh, grads);
        fixture.assert_tensor(&format!("{name}.weight_hh_l0_raw"), weight_hh);
        // The gradient of the one bias is that of each of the two.
        let bias = gradient(&layer.bias, grads);
        fixture.assert_tensor(&format!("{name}.module.bias_ih_l0"), bias.clone());
        fixture.assert_tensor(&format!("{name}.module.bias_hh_l0"), bias);
    }
}

fn gradient<const D: usize>(param: &Param<Tensor<D>>, grads: &Gradients) -> Tensor<D> {
    param
        .val()
        .grad(grads)
        .expect("the parameter has a gradient")
}
