//! SHA-256 digests of what goes into a run, so that a run is not resumed with something else.

use sha2::{Digest, Sha256};
use ulmfit_data::{DataError, TokenIds, Vocab};

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
    for token in vocab.strings() {
        digest.update((token.len() as u64).to_le_bytes());
        digest.update(token.as_bytes());
    }
    Ok(hexadecimal(digest.finalize().as_slice()))
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
