//! What the optimizer does to each parameter, against the portable body and against the memory: the
//! throughput is in bytes read and written, and `copy` shows how many of them the machine moves.

use std::hint::black_box;

use burn::tensor::{Device, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use ulmfit_kernels::{AdamFactors, AdamOutput, adam_update, sum_of_squares, use_portable_kernels};

/// The recurrent weights of the paper's middle layers.
const ELEMENTS: usize = 4 * 1152 * 1152;

const FACTORS: AdamFactors = AdamFactors {
    decay: 0.9999,
    momentum: 0.8,
    beta_2: 0.99,
    step_size: 1e-3,
    sqr_debias: 2.0,
    epsilon: 1e-7,
};

fn optim(criterion: &mut Criterion) {
    let device = Device::flex();
    let gradient = Tensor::<1>::ones([ELEMENTS], &device) * 1e-3;
    let scale = Tensor::<1>::ones([1], &device) * 0.5;
    let mut group = criterion.benchmark_group("optim");
    group.sample_size(10);
    for (name, portable) in [("fused", false), ("portable", true)] {
        use_portable_kernels(portable);

        // Four tensors read, three of them written.
        group.throughput(Throughput::Bytes(7 * 4 * ELEMENTS as u64));
        let mut state = Some(AdamOutput {
            value: Tensor::ones([ELEMENTS], &device),
            grad_avg: Tensor::zeros([ELEMENTS], &device),
            sqr_avg: Tensor::zeros([ELEMENTS], &device),
        });
        group.bench_function(format!("adam/{name}"), |bencher| {
            bencher.iter(|| {
                // Moved in and out, so that nothing else holds the tensors.
                let AdamOutput {
                    value,
                    grad_avg,
                    sqr_avg,
                } = state.take().expect("every step puts the state back");
                let (gradient, scale) = (gradient.clone(), Some(scale.clone()));
                state = Some(adam_update(
                    value, gradient, scale, grad_avg, sqr_avg, FACTORS,
                ));
            });
        });
    }
    use_portable_kernels(false);

    // The CPU has one body of it.
    group.throughput(Throughput::Bytes(4 * ELEMENTS as u64));
    group.bench_function("sum_of_squares", |bencher| {
        bencher.iter(|| black_box(sum_of_squares(gradient.clone()).into_scalar::<f32>()));
    });

    group.throughput(Throughput::Bytes(2 * 4 * ELEMENTS as u64));
    let (from, mut to) = (vec![1.0f32; ELEMENTS], vec![0.0f32; ELEMENTS]);
    group.bench_function("copy", |bencher| {
        bencher.iter(|| {
            let chunks = to.par_chunks_mut(1 << 16).zip(from.par_chunks(1 << 16));
            chunks.for_each(|(to, from)| to.copy_from_slice(from));
            black_box(&to);
        });
    });
    group.finish();
}

criterion_group!(benches, optim);
criterion_main!(benches);
