//! The embeddings of a batch with word dropout, and their gradient, fused and in burn operations.

use std::hint::black_box;

use burn::tensor::{Device, Distribution, Int, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use ulmfit_kernels::{embedding, use_portable_kernels};

fn embeddings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("embedding");
    group.sample_size(20);
    for (vocab_size, d, tokens) in [(10_000_i64, 200, 1120), (30_000, 400, 4480)] {
        for (name, portable) in [("fused", false), ("portable", true)] {
            use_portable_kernels(portable);
            let device = Device::flex().autodiff();
            let weight: Tensor<2> =
                Tensor::random([vocab_size as usize, d], Distribution::Default, &device)
                    .require_grad();
            let ids = Tensor::<1, Int>::arange(0..tokens, &device) * 7919 % vocab_size;
            let mask = Tensor::<1>::ones([vocab_size as usize], &device);
            let run = || embedding(weight.clone(), ids.clone(), Some(mask.clone()));
            let name = format!("{name}/{vocab_size}x{d}x{tokens}");
            group.bench_function(format!("forward/{name}"), |bencher| {
                bencher.iter(|| black_box(run()));
            });
            group.bench_function(format!("forward_backward/{name}"), |bencher| {
                bencher.iter(|| black_box(run().sum().backward()));
            });
        }
    }
    use_portable_kernels(false);
    group.finish();
}

criterion_group!(benches, embeddings);
criterion_main!(benches);
