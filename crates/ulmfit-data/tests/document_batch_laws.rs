//! The laws of the classifier's batches, on documents of any lengths.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use ulmfit_data::DocumentBatches;
use ulmfit_data::document_batches::{DocumentBatch, restore_order};

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..500_usize, 0..400)
}

fn check(batches: &[DocumentBatch], lengths: &[usize], batch_size: usize) {
    let mut indices: Vec<usize> = batches
        .iter()
        .flat_map(|batch| batch.indices.clone())
        .collect();
    indices.sort_unstable();
    assert!(
        indices.into_iter().eq(0..lengths.len()),
        "every document exactly once"
    );
    for batch in batches {
        assert!((1..=batch_size).contains(&batch.indices.len()));
        assert!(
            batch
                .indices
                .is_sorted_by(|&a, &b| lengths[a] >= lengths[b]),
            "longest first"
        );
    }
    let full = batches
        .iter()
        .filter(|batch| batch.indices.len() == batch_size)
        .count();
    assert_eq!(
        full,
        lengths.len() / batch_size,
        "at most one batch is not full"
    );
}

/// Failing cases are kept beside the test.
fn regressions() -> ProptestConfig {
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig::with_failure_persistence(beside)
}

proptest! {
    #![proptest_config(regressions())]

    #[test]
    fn every_document_is_in_one_batch(
        lengths in lengths(),
        batch_size in 1..9_usize,
        seed: u64,
        epoch in 0..3_u64,
    ) {
        let batches = DocumentBatches::new(lengths.clone(), batch_size).unwrap();
        let training = batches.training(seed, epoch);
        check(&training, &lengths, batch_size);
        prop_assert_eq!(training.len(), batches.n_batches());
        if let Some(first) = training.first() {
            prop_assert_eq!(lengths[first.indices[0]], *lengths.iter().max().unwrap());
        }
        prop_assert_eq!(&training, &batches.training(seed, epoch));

        let evaluation = batches.evaluation();
        check(&evaluation, &lengths, batch_size);
        let order: Vec<usize> = evaluation.into_iter().flat_map(|batch| batch.indices).collect();
        prop_assert!(order.is_sorted_by(|&a, &b| lengths[a] >= lengths[b]));
    }

    #[test]
    fn results_go_back_where_they_came_from(
        lengths in lengths(),
        batch_size in 1..9_usize,
        seed: u64,
    ) {
        let batches = DocumentBatches::new(lengths.clone(), batch_size).unwrap();
        for batches in [batches.evaluation(), batches.training(seed, 0)] {
            // A "prediction" that tells which document it is about.
            let predictions = batches.iter().flat_map(|batch| batch.indices.clone());
            prop_assert!(restore_order(&batches, predictions).unwrap().into_iter()
                .eq(0..lengths.len()));
        }
    }
}

#[test]
fn epochs_are_shuffled_anew() {
    let batches = DocumentBatches::new((0..200).collect(), 4).unwrap();
    assert_ne!(batches.training(1, 0), batches.training(1, 1));
    assert_ne!(batches.training(1, 0), batches.training(2, 0));
}
