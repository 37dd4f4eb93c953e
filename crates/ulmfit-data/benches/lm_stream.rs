//! An epoch of language-model batches over two million tokens, and the way to its middle.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ulmfit_data::{Direction, EncodedCorpus, LmStream, LmStreamConfig, SequenceLength};

/// Documents of 20 to 519 tokens.
fn corpus(n_tokens: usize) -> Arc<EncodedCorpus> {
    let mut corpus = EncodedCorpus::new();
    let mut document: u32 = 0;
    while corpus.n_tokens() < n_tokens {
        let length = 20 + document.wrapping_mul(2_654_435_761) % 500;
        let ids: Vec<u32> = (0..length).map(|i| (document + i) % 60_000).collect();
        corpus.push(&ids);
        document += 1;
    }
    Arc::new(corpus)
}

fn lm_stream(criterion: &mut Criterion) {
    let corpus = corpus(2_000_000);
    for direction in Direction::ALL {
        let config = LmStreamConfig {
            batch_size: 64,
            sequence_length: SequenceLength::Jittered { base: 70 },
            direction,
            seed: 1,
        };
        let stream = LmStream::new(Arc::clone(&corpus), config).expect("a large corpus");
        let mut group = criterion.benchmark_group("lm_stream");
        group.throughput(Throughput::Elements(corpus.n_tokens() as u64));
        group.bench_function(format!("epoch, {direction}"), |bencher| {
            bencher.iter(|| {
                stream
                    .epoch(1)
                    .map(|batch| batch.inputs.len())
                    .sum::<usize>()
            });
        });
        group.finish();
        criterion.bench_function(
            &format!("lm_stream/resume halfway, {direction}"),
            |bencher| {
                bencher.iter(|| {
                    let mut batches = stream.epoch(1);
                    batches.skip_batches(batches.n_batches() / 2);
                    batches.next()
                });
            },
        );
    }
}

criterion_group!(benches, lm_stream);
criterion_main!(benches);
