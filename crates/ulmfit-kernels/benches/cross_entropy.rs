//! The decoder with its loss and gradients, fused and in burn operations.

use std::hint::black_box;

use burn::tensor::{Device, Distribution, Int, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ulmfit_kernels::{CrossEntropyOptions, linear_cross_entropy, use_portable_kernels};

fn cross_entropy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cross_entropy");
    group.sample_size(10);
    for (vocab_size, d, tokens) in [(10_000, 200, 1120), (30_000, 400, 4480)] {
        // 2 x multiply-adds: the scores, and the gradients of hidden states and weights.
        let flop = 2 * vocab_size * d * tokens;
        for (name, portable) in [("fused", false), ("portable", true)] {
            if portable && vocab_size > 10_000 {
                continue; // half a gigabyte a tensor
            }
            use_portable_kernels(portable);
            let name = format!("{name}/{vocab_size}x{d}x{tokens}");

            group.throughput(Throughput::Elements(flop as u64));
            let run = loss([vocab_size, d, tokens], &Device::flex());
            group.bench_function(format!("loss/{name}"), |bencher| {
                bencher.iter(|| black_box(run().into_data()));
            });

            group.throughput(Throughput::Elements(3 * flop as u64));
            let run = loss([vocab_size, d, tokens], &Device::flex().autodiff());
            group.bench_function(format!("gradients/{name}"), |bencher| {
                bencher.iter(|| black_box(run().backward()));
            });
        }
    }
    use_portable_kernels(false);
    group.finish();
}

fn loss([vocab_size, d, tokens]: [usize; 3], device: &Device) -> impl Fn() -> Tensor<1> + use<> {
    let hidden = random([tokens, d], device);
    let weight = random([vocab_size, d], device);
    let bias = random([vocab_size], device);
    let targets = Tensor::<1, Int>::arange(0..tokens as i64, device) % vocab_size as i64;
    move || {
        linear_cross_entropy(
            hidden.clone(),
            weight.clone(),
            bias.clone(),
            targets.clone(),
            CrossEntropyOptions::default(),
        )
    }
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let tensor = Tensor::random(shape, Distribution::Uniform(-0.1, 0.1), device);
    tensor.set_require_grad(device.is_autodiff())
}

criterion_group!(benches, cross_entropy);
criterion_main!(benches);
