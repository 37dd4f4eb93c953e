//! Gradients against central finite differences in float64, on tiny models.
//!
//! The device's default is float64 for this whole process, so everything runs in it.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, FloatDType, Gradients, Int, IntDType, Tensor};
use ulmfit_model::{
    AwdLstmConfig, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig, NamedTensor,
    TextClassifierConfig, load_weights, named_weights,
};

/// The wider of two steps, the other being half of it. Weights are read back in float32, to whose
/// rounding a step this wide is large.
const STEP: f32 = 1.0 / 1024.0;

fn device() -> Device {
    let mut device = Device::flex();
    // Fails when the other test was first, which configured the same.
    let _ = device.configure((FloatDType::F64, IntDType::I64));
    device.autodiff()
}

fn encoder() -> AwdLstmConfig {
    AwdLstmConfig::new(11)
        .with_d_embedding(3)
        .with_d_hidden(4)
        .with_n_layers(2)
}

#[test]
fn language_model_gradients() {
    let device = device();
    let model = LanguageModelConfig::new(encoder()).init(&mut InitRng::new(1), &device);
    let tokens = Tensor::<2, Int>::from_data([[2, 7, 3, 9], [5, 5, 1, 10]], &device);
    let targets = Tensor::<2, Int>::from_data([[7, 3, 9, 0], [5, 1, 10, 4]], &device);
    check(&model, |model| {
        let state = AwdLstmState::zeros(&model.encoder, 2, &device);
        model
            .loss(tokens.clone(), targets.clone(), state, None)
            .total()
    });
}

#[test]
fn classifier_gradients() {
    let device = device();
    // Whole documents in one chunk: between chunks the state is detached on purpose.
    let config = TextClassifierConfig::new(encoder(), 3)
        .with_d_head(4)
        .with_head_dropout(0.0);
    let model = config.init(&mut InitRng::new(2), &device);
    let documents: [&[u32]; 4] = [&[2, 7, 3, 9], &[5], &[1, 10, 4], &[8, 6, 6, 2, 3, 3]];
    let labels = Tensor::<2, Int>::from_data([[0], [2], [1], [0]], &device);
    check(&model, |model| {
        let logits = model
            .forward_train(&documents, &mut DropoutRng::new(0, 0))
            .logits;
        log_softmax(logits, 1)
            .gather(1, labels.clone())
            .mean()
            .neg()
    });
}

/// Compares the gradient of every weight that is trained with its difference quotient.
fn check<M: Module>(model: &M, loss: impl Fn(&M) -> Tensor<1>) {
    let gradients = gradients(model, loss(model).backward());
    let weights = named_weights(model);
    let mut checked = 0;
    for (index, gradient) in gradients.into_iter().enumerate() {
        let Some(gradient) = gradient else { continue };
        for (element, &analytic) in gradient.iter().enumerate() {
            let moved = |by: f32| {
                let mut weights: Vec<NamedTensor> = weights.clone();
                weights[index].values[element] += by;
                let actual = f64::from(weights[index].values[element]);
                let model = load_weights(model.clone(), weights).expect("its own weights");
                (actual, loss(&model).into_scalar::<f64>())
            };
            let quotient = |step: f32| {
                let ((low, before), (high, after)) = (moved(-step), moved(step));
                (after - before) / (high - low)
            };
            // Richardson's extrapolation: the error goes with the fourth power of the step.
            let numeric = (4.0 * quotient(STEP / 2.0) - quotient(STEP)) / 3.0;
            assert!(
                (analytic - numeric).abs() <= 1e-6 * analytic.abs().max(1.0),
                "{}[{element}]: {analytic}, by differences {numeric}",
                weights[index].name
            );
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} elements had a gradient");
}

/// The gradients in the order of [`named_weights`]; `None` for what is not trained.
fn gradients<M: Module>(model: &M, gradients: Gradients) -> Vec<Option<Vec<f64>>> {
    struct Collector(GradientsParams, Vec<Option<Vec<f64>>>);

    impl burn::module::ModuleVisitor for Collector {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
            let gradient = self.0.remove::<D>(param.id);
            self.1.push(gradient.map(|gradient| {
                gradient
                    .into_data()
                    .try_to_vec::<f64>()
                    .expect("everything is in float64")
            }));
        }
    }

    let mut collector = Collector(GradientsParams::from_grads(gradients, model), Vec::new());
    model.visit(&mut collector);
    collector.1
}
