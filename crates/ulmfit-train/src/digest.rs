//! SHA-256 digests of what goes into a run, so that a run is not resumed with something else.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use ulmfit_data::{DataError, TokenIds, Vocab};
use ulmfit_model::named_weights;

use crate::model_file::TrainedLanguageModel;

/// The digest of a text, in hexadecimal.
pub(crate) fn of_text(text: &str) -> String {
    of_bytes(text.as_bytes())
}

/// The digest of bytes, in hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(Sha256::digest(bytes).as_slice())
}

/// The digest of an encoded corpus, its answers, as whole numbers, and its vocabulary, in hexadecimal.
pub(crate) fn of_data(
    corpus: &dyn TokenIds,
    answers: &[u64],
    vocab: &Vocab,
) -> Result<String, DataError> {
    let mut digest = Sha256::new();
    let mut bytes = Vec::new();
    corpus.for_each(|document| {
        digest.update((document.len() as u64).to_le_bytes());
        bytes.clear();
        bytes.extend(document.iter().flat_map(|id| id.to_le_bytes()));
        digest.update(&bytes);
    })?;
    for answer in answers {
        digest.update(answer.to_le_bytes());
    }
    add_vocab(&mut digest, vocab);
    Ok(hexadecimal(digest.finalize().as_slice()))
}

/// The digest of what a language model is trained on and validated on, and its vocabulary, in
/// hexadecimal.
pub(crate) fn of_corpora(
    corpora: &[Arc<dyn TokenIds>; 2],
    vocab: &Vocab,
) -> Result<String, DataError> {
    let [train, valid] = corpora;
    let [train, valid] = [
        of_data(&**train, &[], vocab)?,
        of_data(&**valid, &[], vocab)?,
    ];
    Ok(of_text(&format!("{train} {valid}")))
}

/// The digest of a language model: its weights, its vocabulary and what made it, in hexadecimal.
pub(crate) fn of_language_model(trained: &TrainedLanguageModel) -> String {
    let mut digest = Sha256::new();
    for tensor in named_weights(&trained.model) {
        add_text(&mut digest, &tensor.name);
        digest.update((tensor.shape.len() as u64).to_le_bytes());
        for size in tensor.shape {
            digest.update((size as u64).to_le_bytes());
        }
        let values = tensor.values.iter();
        let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
        digest.update(&bytes);
    }
    add_vocab(&mut digest, &trained.vocab);
    let provenance = serde_json::to_string(&trained.provenance);
    add_text(&mut digest, &provenance.expect("provenance serializes"));
    hexadecimal(digest.finalize().as_slice())
}

fn add_vocab(digest: &mut Sha256, vocab: &Vocab) {
    for token in vocab.strings() {
        add_text(digest, token);
    }
}

fn add_text(digest: &mut Sha256, text: &str) {
    digest.update((text.len() as u64).to_le_bytes());
    digest.update(text.as_bytes());
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
}
