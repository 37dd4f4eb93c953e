//! One LSTM layer with packed weights over a chunk, as floats and in eight bits: a document alone,
//! which is bound by reading the recurrent weights, and a batch, which is bound by the products.

use std::hint::black_box;

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ulmfit_kernels::{LstmWeights, Precision, lstm_packed, pack_lstm};

const SEQ_LEN: usize = 70;
const D_INPUT: usize = 400;
const D_HIDDEN: usize = 1152;

fn layer(criterion: &mut Criterion) {
    let device = Device::flex();
    let mut group = criterion.benchmark_group("lstm_packed");
    group.sample_size(10);
    for precision in [Precision::Float32, Precision::Int8] {
        let weights = LstmWeights {
            ih: random([4 * D_HIDDEN, D_INPUT], &device),
            hh: random([4 * D_HIDDEN, D_HIDDEN], &device),
            hh_mask: None,
            bias: random([4 * D_HIDDEN], &device),
        };
        let packed = pack_lstm(weights, precision);
        for batch_size in [1, 64] {
            let input = random([SEQ_LEN, batch_size, D_INPUT], &device);
            let state = Tensor::<2>::zeros([batch_size, D_HIDDEN], &device);
            group.throughput(Throughput::Elements((SEQ_LEN * batch_size) as u64));
            group.bench_function(format!("{precision:?}/{batch_size}"), |bencher| {
                bencher.iter(|| {
                    let (hidden, cell) = (state.clone(), state.clone());
                    black_box(lstm_packed(input.clone(), hidden, cell, &packed))
                });
            });
        }
    }
    group.finish();
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-0.04, 0.04), device)
}

criterion_group!(benches, layer);
criterion_main!(benches);
