//! A whole training step of a language model: forward, backward, clipping and the update.

use std::hint::black_box;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ulmfit_data::rng;
use ulmfit_model::{
    AwdLstmConfig, AwdLstmDropout, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig,
};
use ulmfit_optim::{AdamConfig, StepRates, clip_global_norm};

const VOCAB_SIZE: usize = 10_000;
const BATCH_SIZE: usize = 16;
const SEQ_LEN: usize = 70;

fn training_step(criterion: &mut Criterion) {
    // As the binary does.
    ulmfit_kernels::keep_freed_memory();
    let device = Device::flex().autodiff();
    let encoder = AwdLstmConfig::new(VOCAB_SIZE)
        .with_d_embedding(200)
        .with_d_hidden(512)
        .with_dropout(AwdLstmDropout::LANGUAGE_MODEL);
    let config = LanguageModelConfig::new(encoder);
    let mut model = Some(config.init(&mut InitRng::new(0), &device));
    let mut optimizer = AdamConfig::default()
        .init()
        .expect("the defaults are valid");
    let tokens = random_tokens(&device);

    let mut group = criterion.benchmark_group("training_step");
    group.sample_size(10);
    group.throughput(Throughput::Elements((BATCH_SIZE * SEQ_LEN) as u64));
    let mut step = 0;
    group.bench_function("10000x200x512x3", |bencher| {
        bencher.iter(|| {
            let current = model.take().expect("every step puts the model back");
            let state = AwdLstmState::zeros(&current.encoder, BATCH_SIZE, &device);
            let mut dropout = DropoutRng::new(0, step);
            let loss = current.loss(tokens.clone(), tokens.clone(), state, Some(&mut dropout));
            let gradients = GradientsParams::from_grads(loss.total().backward(), &current);
            let (gradients, norm) = clip_global_norm(&current, gradients, 0.25);
            model = Some(optimizer.step(current, gradients, &StepRates::uniform(1e-3)));
            step += 1;
            black_box(norm.into_data())
        });
    });
    group.finish();
}

fn random_tokens(device: &Device) -> Tensor<2, Int> {
    let mut draws = rng::stream(0, "training step bench", 0);
    let ids = (0..BATCH_SIZE * SEQ_LEN).map(|_| rng::below(&mut draws, VOCAB_SIZE) as i64);
    let ids = TensorData::new(ids.collect::<Vec<_>>(), [BATCH_SIZE, SEQ_LEN]);
    Tensor::from_data(ids, device)
}

criterion_group!(benches, training_step);
criterion_main!(benches);
