//! A training loop of one's own, over ulmfit-model and ulmfit-optim alone: set the rates, forward, loss,
//! backward, clip, step.
//!
//! ```sh
//! cargo run --release -p ulmfit-train --features flex --example custom_training_loop
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ulmfit_model::{AwdLstmConfig, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig};
use ulmfit_optim::{
    AdamConfig, DiscriminativeLr, LayerGroups, OptimizerConfig, ScheduleConfig,
    SlantedTriangularLrConfig, StepRates, clip_global_norm,
};

const VOCAB_SIZE: usize = 40;
const BATCH_SIZE: usize = 8;
const SEQ_LEN: usize = 20;
const N_STEPS: usize = 40;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();
    let encoder = AwdLstmConfig::new(VOCAB_SIZE)
        .with_d_embedding(32)
        .with_d_hidden(64)
        .with_n_layers(2);
    let mut model = LanguageModelConfig::new(encoder).init(&mut InitRng::new(1), &device);

    let groups = LayerGroups::new(&model, model.layer_groups())?;
    let multipliers = DiscriminativeLr::Factor(2.6).multipliers(groups.len())?;
    let mut optimizer = OptimizerConfig::from(AdamConfig::default()).init()?;
    let schedule = SlantedTriangularLrConfig {
        lr_max: 0.03,
        cut_frac: 0.1,
        ratio: 32.0,
    };
    let schedule = ScheduleConfig::SlantedTriangular(schedule).init(N_STEPS)?;

    let mut state = AwdLstmState::zeros(&model.encoder, BATCH_SIZE, &device);
    for step in 0..N_STEPS {
        let rates = StepRates::at(&groups, &multipliers, &schedule, step)?;
        let inputs = tokens(step * SEQ_LEN, &device);
        let targets = tokens(step * SEQ_LEN + 1, &device);
        let mut dropout = DropoutRng::new(1, step as u64);
        let loss = model.loss(inputs, targets, state, Some(&mut dropout));
        let gradients = GradientsParams::from_grads(loss.total().backward(), &model);
        let (gradients, _norm) = clip_global_norm(&model, gradients, 0.25);
        model = optimizer.step(model, gradients, &rates);
        if (step + 1) % 10 == 0 {
            let cross_entropy: f32 = loss.cross_entropy.into_scalar();
            println!("step {}: loss {cross_entropy:.3}", step + 1);
        }
        state = loss.state;
    }
    Ok(())
}

/// Rows that count, each from its own number: `[batch, seq]`.
fn tokens(start: usize, device: &Device) -> Tensor<2, Int> {
    let rows = (0..BATCH_SIZE).flat_map(|row| (0..SEQ_LEN).map(move |t| 5 * row + t));
    let ids = rows.map(|place| ((start + place) % VOCAB_SIZE) as i64);
    let ids = TensorData::new(ids.collect::<Vec<_>>(), [BATCH_SIZE, SEQ_LEN]);
    Tensor::from_data(ids, device)
}
