//! Language-model batches over two million tokens, in memory and on disk: an epoch, one batch of
//! 64 rows of 70, and the way to the middle of an epoch.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ulmfit_data::{
    CorpusOptions, CorpusSource, Direction, EncodeOptions, LmStream, LmStreamConfig,
    SequenceLength, TokenIds, TokenizedCorpus, Tokenizer, encode_corpus,
};

/// Documents of 20 to 519 words, as lines.
fn texts(n_words: usize) -> String {
    let mut text = String::new();
    let (mut words, mut document) = (0, 0_u32);
    while words < n_words {
        let length = 20 + document.wrapping_mul(2_654_435_761) % 500;
        for i in 0..length {
            write!(text, "w{} ", (document + i) % 60_000).expect("memory");
        }
        text.push('\n');
        words += length as usize;
        document += 1;
    }
    text
}

fn lm_stream(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("texts.txt");
    std::fs::write(&path, texts(2_000_000)).expect("a file");
    let source = CorpusSource {
        path,
        options: CorpusOptions::default(),
    };
    let place = folder.path().join("corpus");
    encode_corpus(
        &[source],
        &Tokenizer::default(),
        &place,
        &EncodeOptions::default(),
        &mut |_| {},
    )
    .expect("a corpus");
    let on_disk = Arc::clone(TokenizedCorpus::open(&place).expect("a corpus").places());
    let in_memory: Arc<dyn TokenIds> = on_disk.load().expect("a readable corpus").into();
    for (place, corpus) in [("memory", in_memory), ("disk", on_disk)] {
        for direction in Direction::ALL {
            let config = LmStreamConfig {
                batch_size: 64,
                sequence_length: SequenceLength::Fixed(70),
                direction,
                seed: 1,
            };
            let stream = LmStream::new(Arc::clone(&corpus), config).expect("a large corpus");
            let mut group = criterion.benchmark_group("lm_stream");
            group.throughput(Throughput::Elements(corpus.n_tokens() as u64));
            group.bench_function(format!("epoch, {direction}, {place}"), |bencher| {
                bencher.iter(|| {
                    stream
                        .epoch(1)
                        .map(|batch| batch.expect("a readable corpus").inputs.len())
                        .sum::<usize>()
                });
            });
            group.finish();
            let name = format!("lm_stream/batch of 64×70, {direction}, {place}");
            criterion.bench_function(&name, |bencher| {
                let mut batches = stream.epoch(1).cycle();
                bencher.iter(|| black_box(batches.next()));
            });
            let name = format!("lm_stream/resume halfway, {direction}, {place}");
            criterion.bench_function(&name, |bencher| {
                bencher.iter(|| {
                    let mut batches = stream.epoch(1);
                    batches.skip_batches(batches.n_batches() / 2);
                    batches.next()
                });
            });
        }
    }
}

criterion_group!(benches, lm_stream);
criterion_main!(benches);
