//! The laws of the language-model stream, on corpora of any shape.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use ulmfit_data::{
    BpttBatches, DataError, Direction, EncodedCorpus, LmBatch, LmStream, LmStreamConfig,
    SequenceLength,
};

fn documents() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0..1000_u32, 0..40), 1..30)
}

fn sequence_length() -> impl Strategy<Value = SequenceLength> {
    prop_oneof![
        (1..20_usize).prop_map(SequenceLength::Fixed),
        (1..40_usize).prop_map(|base| SequenceLength::Jittered { base }),
    ]
}

fn config() -> impl Strategy<Value = LmStreamConfig> {
    (1..6_usize, sequence_length(), any::<bool>(), any::<u64>()).prop_map(
        |(batch_size, sequence_length, backward, seed)| LmStreamConfig {
            batch_size,
            sequence_length,
            direction: if backward {
                Direction::Backward
            } else {
                Direction::Forward
            },
            seed,
        },
    )
}

fn all(batches: BpttBatches) -> Vec<LmBatch> {
    batches.map(Result::unwrap).collect()
}

/// Each row of the epoch put together again, inputs and targets.
fn rows(batches: &[LmBatch], batch_size: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
    let mut rows = vec![(Vec::new(), Vec::new()); batch_size];
    for batch in batches {
        for (row, (inputs, targets)) in rows.iter_mut().enumerate() {
            let span = row * batch.seq_len..(row + 1) * batch.seq_len;
            inputs.extend_from_slice(&batch.inputs[span.clone()]);
            targets.extend_from_slice(&batch.targets[span]);
        }
    }
    rows
}

fn counts(ids: impl IntoIterator<Item = u32>) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for id in ids {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// Failing cases are kept beside the test.
fn regressions() -> ProptestConfig {
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig::with_failure_persistence(beside)
}

proptest! {
    #![proptest_config(regressions())]

    /// Rows continue from batch to batch and into the next row, targets are the inputs shifted by
    /// one, and together they are the documents of the corpus, each whole and each once.
    #[test]
    fn an_epoch_is_the_corpus_in_another_order(
        documents in documents(),
        config in config(),
        epoch in 0..3_u64,
    ) {
        let corpus = EncodedCorpus::from_documents(&documents);
        let enough = corpus.n_tokens() > config.batch_size;
        let stream = match LmStream::new(corpus.clone(), config.clone()) {
            Ok(stream) => stream,
            Err(error) => {
                let too_few = matches!(error, DataError::TooFewTokens { .. });
                prop_assert!(too_few && !enough);
                return Ok(());
            }
        };
        prop_assert!(enough);
        let batches = stream.epoch(epoch);
        let n_batches = batches.n_batches();
        let batches = all(batches);
        prop_assert_eq!(batches.len(), n_batches);
        for batch in &batches {
            prop_assert!(batch.seq_len >= 1);
            prop_assert_eq!(batch.inputs.len(), config.batch_size * batch.seq_len);
            prop_assert_eq!(batch.targets.len(), batch.inputs.len());
        }

        let row_length = (corpus.n_tokens() - 1) / config.batch_size;
        let rows = rows(&batches, config.batch_size);
        let mut text = Vec::new();
        for (row, (inputs, targets)) in rows.iter().enumerate() {
            prop_assert_eq!(inputs.len(), row_length);
            prop_assert_eq!(&inputs[1..], &targets[..row_length - 1]);
            if let Some((next, _)) = rows.get(row + 1) {
                prop_assert_eq!(targets.last(), next.first());
            }
            text.extend_from_slice(inputs);
        }
        text.extend(rows[rows.len() - 1].1.last());

        // The text so rebuilt is a prefix of the shuffled corpus, short of fewer tokens than rows.
        prop_assert!(corpus.n_tokens() - text.len() < config.batch_size);
        let all = counts(documents.concat());
        for (id, count) in counts(text.iter().copied()) {
            prop_assert!(count <= all[&id]);
        }
        if config.batch_size == 1 {
            prop_assert_eq!(counts(text), all);
        }
    }

    /// In order, one row is the documents themselves, each reversed whole when reading backward.
    #[test]
    fn in_order_it_is_the_corpus(documents in documents(), config in config()) {
        let config = LmStreamConfig { batch_size: 1, ..config };
        let corpus = EncodedCorpus::from_documents(&documents);
        prop_assume!(corpus.n_tokens() > 1);
        let stream = LmStream::new(corpus, config.clone()).unwrap();
        let batches = all(stream.epoch_in_order());
        let (inputs, targets) = rows(&batches, 1).remove(0);
        let mut expected = documents.clone();
        if config.direction == Direction::Backward {
            for document in &mut expected {
                document.reverse();
            }
        }
        let expected = expected.concat();
        prop_assert_eq!(&inputs[..], &expected[..expected.len() - 1]);
        prop_assert_eq!(&targets[..], &expected[1..]);
        prop_assert!(batches.iter().all(|batch| (batch.learning_rate_scale - 1.0).abs() < 1e-12));
        let unshuffled = all(stream.clone().shuffled(false).epoch(7));
        prop_assert_eq!(rows(&unshuffled, 1).remove(0), (inputs, targets));
    }

    #[test]
    fn skipping_batches_is_iterating_over_them(
        documents in documents(),
        config in config(),
        skips in prop::collection::vec(0..5_usize, 1..4),
    ) {
        let corpus = EncodedCorpus::from_documents(&documents);
        prop_assume!(corpus.n_tokens() > config.batch_size);
        let stream = LmStream::new(corpus, config).unwrap();
        let mut skipped = stream.epoch(1);
        let mut iterated = stream.epoch(1);
        for n in skips {
            skipped.skip_batches(n);
            iterated.by_ref().take(n).for_each(drop);
            prop_assert_eq!(skipped.len(), iterated.len());
            prop_assert_eq!(skipped.n_batches(), stream.epoch(1).len());
            prop_assert_eq!(
                skipped.next().map(Result::unwrap),
                iterated.next().map(Result::unwrap)
            );
        }
        skipped.skip_batches(usize::MAX);
        prop_assert!(skipped.next().is_none());
    }
}

fn numbered(documents: u32) -> EncodedCorpus {
    EncodedCorpus::from_documents((0..documents).map(|i| vec![i; 10]))
}

fn plain() -> LmStreamConfig {
    LmStreamConfig {
        batch_size: 4,
        sequence_length: SequenceLength::Fixed(7),
        direction: Direction::Forward,
        seed: 1,
    }
}

#[test]
fn epochs_differ_and_repeat() {
    let stream = LmStream::new(numbered(50), plain()).unwrap();
    let epoch = |epoch| all(stream.epoch(epoch));
    assert_eq!(epoch(3), epoch(3));
    assert_ne!(epoch(3), epoch(4));
    let other = LmStream::new(numbered(50), LmStreamConfig { seed: 2, ..plain() }).unwrap();
    assert_ne!(epoch(3), all(other.epoch(3)));
}

#[test]
fn lengths_of_an_epoch_are_as_fastai_counts_them() {
    let stream = LmStream::new(numbered(50), plain()).unwrap();
    // (500 - 1) / 4 = 124 tokens a row, in 17 steps of 7 and one of 5.
    assert_eq!((stream.row_length(), stream.n_predictions()), (124, 496));
    let lengths: Vec<usize> = all(stream.epoch(0))
        .iter()
        .map(|batch| batch.seq_len)
        .collect();
    assert_eq!(lengths, [[7; 17].as_slice(), &[5]].concat());
}

#[test]
fn a_corpus_too_small_for_its_batch_says_what_would_do() {
    let corpus = EncodedCorpus::from_documents([[1, 2, 3]]);
    let error = |config| {
        LmStream::new(corpus.clone(), config)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(plain()),
        "3 tokens are too few for 4 rows, each of which needs two; use a batch size of at most 2, \
         or more text"
    );
    assert_eq!(
        error(LmStreamConfig {
            batch_size: 0,
            ..plain()
        }),
        "batch_size is 0, but it must be at least 1"
    );
    let jittered = SequenceLength::Jittered { base: 0 };
    assert_eq!(
        error(LmStreamConfig {
            sequence_length: jittered,
            ..plain()
        }),
        "sequence_length is 0, but it must be at least 1"
    );
    assert!(
        LmStream::new(
            corpus.clone(),
            LmStreamConfig {
                batch_size: 2,
                ..plain()
            }
        )
        .is_ok()
    );
}
