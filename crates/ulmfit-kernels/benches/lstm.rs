//! One LSTM layer over a chunk, forward alone and with its backward pass.

use std::hint::black_box;

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ulmfit_kernels::{LstmWeights, lstm};

const SEQ_LEN: usize = 70;
const BATCH_SIZE: usize = 64;

fn layer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lstm");
    group.sample_size(10);
    for (d_input, d_hidden) in [(200, 512), (512, 512)] {
        // 2 x multiply-adds of both products, forward.
        let flop = 2 * SEQ_LEN * BATCH_SIZE * 4 * d_hidden * (d_input + d_hidden);
        let name = format!("{d_input}x{d_hidden}");

        group.throughput(Throughput::Elements(flop as u64));
        let run = forward(d_input, d_hidden, &Device::flex());
        group.bench_function(format!("forward/{name}"), |bencher| {
            bencher.iter(|| black_box(run().into_data()));
        });

        // The backward pass has each product twice: for the input and for the weights.
        group.throughput(Throughput::Elements(3 * flop as u64));
        let run = forward(d_input, d_hidden, &Device::flex().autodiff());
        group.bench_function(format!("forward_backward/{name}"), |bencher| {
            bencher.iter(|| black_box(run().sum().backward()));
        });
    }
    group.finish();
}

fn forward(d_input: usize, d_hidden: usize, device: &Device) -> impl Fn() -> Tensor<3> + use<> {
    let input = random([SEQ_LEN, BATCH_SIZE, d_input], device);
    let state = Tensor::<2>::zeros([BATCH_SIZE, d_hidden], device);
    let weights = LstmWeights {
        ih: random([4 * d_hidden, d_input], device),
        hh: random([4 * d_hidden, d_hidden], device),
        hh_mask: None,
        bias: random([4 * d_hidden], device),
    };
    move || lstm(input.clone(), state.clone(), state.clone(), weights.clone()).output
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let tensor = Tensor::random(shape, Distribution::Uniform(-0.04, 0.04), device);
    tensor.set_require_grad(device.is_autodiff())
}

criterion_group!(benches, layer);
criterion_main!(benches);
