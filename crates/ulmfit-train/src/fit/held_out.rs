//! Which documents a fit is measured on.

use std::collections::HashMap;

use ulmfit_data::{Document, stratified_split};

/// Documents whose texts occur more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Duplicates {
    /// Beyond the first of each text.
    pub(super) repeated: usize,
    /// Of these, those with another label than the first has.
    pub(super) contradicting: usize,
}

/// Draws `fraction` of each class to be held out, of the documents whose text occurs once: what is
/// measured on must not have been trained on.
pub(super) fn draw(
    documents: &[Document],
    classes: &[usize],
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
            duplicates.contradicting += usize::from(classes[place] != classes[index]);
        }
    }
    let single: Vec<usize> = (0..documents.len()).filter(|&i| occurs[i] == 1).collect();
    let labels: Vec<usize> = single.iter().map(|&index| classes[index]).collect();
    let (_, held_out) = stratified_split(&labels, fraction, seed);
    let held_out = held_out.into_iter().map(|place| single[place]).collect();
    (held_out, duplicates)
}

/// The documents of `others` whose text is among `documents`.
pub(super) fn known(others: &[Document], documents: &[Document]) -> usize {
    let texts: std::collections::HashSet<String> = documents.iter().map(words).collect();
    others
        .iter()
        .filter(|document| texts.contains(&words(document)))
        .count()
}

/// A text as it counts here: spaces and capitals make no other text of it.
fn words(document: &Document) -> String {
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
        let (held_out, duplicates) = draw(&documents, &classes, 0.5, 1);
        assert_eq!(held_out.len(), 16);
        assert!(held_out.iter().all(|&index| index >= 10));
        let expected = Duplicates {
            repeated: 9,
            contradicting: 5,
        };
        assert_eq!(duplicates, expected);
        assert_eq!(known(&[Document::new(" the  SAME\n")], &documents), 1);
    }
}
