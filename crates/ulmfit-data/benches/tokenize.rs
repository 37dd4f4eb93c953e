//! Tokenizing and encoding the bundled reviews, on one core and on all, with every tokenizer.

use std::hint::black_box;
use std::io::Read;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::MultiGzDecoder;
use ulmfit_data::{
    Document, Splitter, TokenizedCorpus, Tokenizer, TokenizerConfig, TokenizerTrainer, VocabConfig,
    encode, rules, word,
};

/// The texts of the token fixture: 100 reviews and the edge cases.
fn reviews() -> Vec<String> {
    let packed = include_bytes!("../tests/fixtures/fastai_tokens.jsonl.gz");
    let mut lines = String::new();
    MultiGzDecoder::new(packed.as_slice())
        .read_to_string(&mut lines)
        .expect("a whole fixture");
    lines
        .lines()
        .map(|line| {
            let case: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
            case["text"].as_str().expect("a text").to_owned()
        })
        .collect()
}

fn tokenize(criterion: &mut Criterion) {
    let texts = reviews();
    let bytes = texts.iter().map(String::len).sum::<usize>() as u64;
    let tokenizer = Tokenizer::default();
    let mut group = criterion.benchmark_group("tokenize");
    group.throughput(Throughput::Bytes(bytes));

    group.bench_function("rules", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|text| rules::apply(black_box(text)).len())
                .sum::<usize>()
        });
    });
    let ruled: Vec<String> = texts.iter().map(|text| rules::apply(text)).collect();
    group.bench_function("words", |bencher| {
        bencher.iter(|| {
            ruled
                .iter()
                .map(|text| word::split(black_box(text)).len())
                .sum::<usize>()
        });
    });
    group.bench_function("one core", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|text| tokenizer.tokenize(black_box(text)).len())
                .sum::<usize>()
        });
    });
    group.bench_function("all cores", |bencher| {
        bencher.iter(|| tokenizer.tokenize_all(black_box(&texts)));
    });

    let documents: Vec<Document> = texts.iter().map(Document::new).collect();
    let everything: Vec<usize> = (0..documents.len()).collect();
    let vocab = TokenizedCorpus::from_documents(&tokenizer, &documents)
        .vocab(&everything, &VocabConfig::default())
        .expect("a corpus in memory");
    group.bench_function("encode, all cores", |bencher| {
        bencher.iter(|| encode(&tokenizer, &vocab, black_box(&texts)));
    });
    group.finish();
}

/// Each tokenizer with fastai's rules on one core, in tokens a second: its own, of which subwords have
/// more than words.
fn tokenizers(criterion: &mut Criterion) {
    let texts = reviews();
    let documents: Vec<Document> = texts.iter().map(Document::new).collect();
    let mut group = criterion.benchmark_group("tokenizers");
    for (name, splitter) in [
        ("word", Splitter::Word),
        ("unicode-words", Splitter::UnicodeWords),
        ("unigram", Splitter::Unigram),
        ("bpe", Splitter::Bpe),
    ] {
        let config = TokenizerConfig {
            splitter,
            ..TokenizerConfig::default()
        };
        let mut trainer = TokenizerTrainer::new(config).expect("a trainer");
        trainer.extend(&documents);
        let vocab = VocabConfig {
            max_size: 4000,
            ..VocabConfig::default()
        };
        let tokenizer = trainer.finish(&vocab).expect("pieces of words");
        let all = |texts: &[String]| -> usize {
            let tokens = texts.iter().map(|text| tokenizer.tokenize(text).len());
            tokens.sum()
        };
        group.throughput(Throughput::Elements(all(&texts) as u64));
        group.bench_function(name, |bencher| bencher.iter(|| all(black_box(&texts))));
    }
    group.finish();
}

criterion_group!(benches, tokenize, tokenizers);
criterion_main!(benches);
