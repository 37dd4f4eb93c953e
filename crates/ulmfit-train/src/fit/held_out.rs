//! Which documents a fit is measured on.

use std::collections::{HashMap, HashSet};

use ulmfit_data::{Document, stratified_sample, stratified_split};

use crate::prepare::others;
use crate::truth::Truth;

/// Documents whose texts occur more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Duplicates {
    /// Beyond the first of each text.
    pub(super) repeated: usize,
    /// Of these, those with another label than the first has.
    pub(super) contradicting: usize,
}

/// Draws `fraction` of each class to be held out, or of all documents where they have no classes or
/// classes of a few documents each, of those whose text occurs once: what is measured on must not have
/// been trained on. What is measured must have been trained, too: a document with a label that no other
/// one to train on has is not held out.
pub(super) fn draw(
    documents: &[Document],
    truth: &Truth,
    fraction: f64,
    seed: u64,
) -> (Vec<usize>, Duplicates) {
    let mut first = HashMap::new();
    let mut occurs = vec![1_usize; documents.len()];
    let mut duplicates = Duplicates::default();
    for (index, document) in documents.iter().enumerate() {
        let place = *first.entry(words(document)).or_insert(index);
        if place != index {
            occurs[place] += 1;
            occurs[index] += 1;
            duplicates.repeated += 1;
            duplicates.contradicting += usize::from(!truth.agree(place, index));
        }
    }
    let single = (0..documents.len()).filter(|&i| occurs[i] == 1);
    let single: Vec<usize> = match truth {
        Truth::LabelSets(sets) => {
            let shared = shared_labels(sets);
            let is_shared = |&i: &usize| sets[i].iter().all(|label| shared.contains(label));
            single.filter(is_shared).collect()
        }
        Truth::Classes(_) | Truth::Numbers(_) => single.collect(),
    };
    let strata = truth.select(&single).strata();
    let (_, mut held_out) = stratified_split(&strata, fraction, seed);
    // A tenth of each of many small classes is none, and of all together it is some.
    let share = (single.len() as f64 * fraction).round() as usize;
    if 2 * held_out.len() <= share {
        held_out = stratified_sample(&strata, share, seed);
    }
    let mut held_out: Vec<usize> = held_out.into_iter().map(|place| single[place]).collect();
    match truth {
        Truth::LabelSets(sets) => give_back(&mut held_out, documents.len(), |i| &sets[i]),
        Truth::Classes(classes) => {
            give_back(&mut held_out, documents.len(), |i| {
                std::slice::from_ref(&classes[i])
            });
        }
        Truth::Numbers(_) => {}
    }
    (held_out, duplicates)
}

/// Holds out no document of which a label would be left without any of `count` to train on.
fn give_back<'a>(held_out: &mut Vec<usize>, count: usize, labels: impl Fn(usize) -> &'a [usize]) {
    let train = others(held_out, count);
    let mut trained: HashSet<usize> = train.iter().flat_map(|&i| labels(i)).copied().collect();
    held_out.retain(|&i| {
        let is_trained = labels(i).iter().all(|label| trained.contains(label));
        if !is_trained {
            trained.extend(labels(i));
        }
        is_trained
    });
}

/// The labels that more than one document has.
fn shared_labels(sets: &[Vec<usize>]) -> HashSet<usize> {
    let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
    for &label in sets.iter().flatten() {
        if !seen.insert(label) {
            shared.insert(label);
        }
    }
    shared
}

/// The texts of these documents, to look others up in by their [`words`].
pub(super) fn texts<'a>(documents: impl IntoIterator<Item = &'a Document>) -> HashSet<String> {
    documents.into_iter().map(words).collect()
}

/// A text as it counts here: spaces and capitals make no other text of it.
pub(super) fn words(document: &Document) -> String {
    let text = document.text().to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurs_twice_is_never_held_out() {
        let documents: Vec<Document> = (0..40)
            .map(|i| {
                Document::new(if i < 10 {
                    "The same".into()
                } else {
                    format!("text {i}")
                })
            })
            .collect();
        let classes: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let (held_out, duplicates) = draw(&documents, &Truth::Classes(classes), 0.5, 1);
        assert_eq!(held_out.len(), 16);
        assert!(held_out.iter().all(|&index| index >= 10));
        let expected = Duplicates {
            repeated: 9,
            contradicting: 5,
        };
        assert_eq!(duplicates, expected);
        assert!(texts(&documents).contains(&words(&Document::new(" the  SAME\n"))));
    }

    #[test]
    fn a_tenth_of_many_small_classes_is_held_out() {
        let documents: Vec<Document> = (0..41)
            .map(|i| Document::new(format!("text {i}")))
            .collect();
        // Ten classes of four, and one of one.
        let classes: Vec<usize> = (0..41).map(|i| i / 4).collect();
        for (fraction, count) in [(0.1, 4), (0.5, 20)] {
            let (held_out, _) = draw(&documents, &Truth::Classes(classes.clone()), fraction, 1);
            assert_eq!(held_out.len(), count);
            assert!(!held_out.contains(&40));
        }
        let twos = Truth::Classes((0..40).map(|i| i / 2).collect());
        let (held_out, _) = draw(&documents[..40], &twos, 0.2, 1);
        assert_eq!(held_out.len(), 8);
        let trained = twos.select(&others(&held_out, 40)).counts(20);
        assert!(trained.iter().all(|&count| count > 0));
    }

    #[test]
    fn the_only_document_of_a_label_is_trained_on() {
        let documents: Vec<Document> = (0..10)
            .map(|i| Document::new(format!("text {i}")))
            .collect();
        let mut sets: Vec<Vec<usize>> = (0..10).map(|i| vec![i % 2]).collect();
        sets[4].push(2);
        let held_out = |fraction| draw(&documents, &Truth::LabelSets(sets.clone()), fraction, 1).0;
        assert_eq!(held_out(0.2).len(), 2);
        assert!((7..=8).contains(&held_out(0.9).len()));
        assert!(!held_out(0.9).contains(&4));
    }

    #[test]
    fn some_document_of_each_label_is_trained_on() {
        let documents: Vec<Document> = (0..40)
            .map(|i| Document::new(format!("text {i}")))
            .collect();
        // One that all have, and one of twenty that two have each.
        let sets: Vec<Vec<usize>> = (0..40).map(|i| vec![0, 1 + i / 2]).collect();
        for seed in 0..10 {
            let truth = Truth::LabelSets(sets.clone());
            let (held_out, _) = draw(&documents, &truth, 0.5, seed);
            assert!((10..=20).contains(&held_out.len()), "{held_out:?}");
            let trained = truth.select(&others(&held_out, 40)).counts(21);
            assert!(trained.iter().all(|&count| count > 0), "{trained:?}");
        }
    }
}
