//! Reading documents backward.

use ulmfit_data::{Direction, EncodedCorpus};

/// The corpus with every document's tokens in the order that `direction` reads them.
pub(crate) fn directed(corpus: EncodedCorpus, direction: Direction) -> EncodedCorpus {
    match direction {
        Direction::Forward => corpus,
        Direction::Backward => {
            let mut reversed = EncodedCorpus::new();
            for document in corpus.iter() {
                reversed.push(&document.iter().rev().copied().collect::<Vec<_>>());
            }
            reversed
        }
    }
}
