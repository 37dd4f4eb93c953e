//! Encoded corpora on disk: tokenized once, read at any place without being loaded.
//!
//! A corpus is a folder:
//!
//! ```text
//! corpus.json    what it is: sizes, checksums, the tokenizer, the labels' names, the sources' digest
//! tokens.jsonl   ["token", count] a line: a token's line, from 0, is its id; xxunk is the first,
//!                the others follow by falling frequency, ties in the order of first occurrence
//! ids.bin        the token ids of all documents: u16 when there are at most 65,536 tokens, else u32
//! ends.bin       u64 a document: where it ends in ids.bin, in tokens
//! labels.bin     u32 a document: the label's place among the names, 4294967295 for none
//! ```
//!
//! Numbers are little-endian. [`encode_corpus`] writes it in one pass over the texts, aside in a
//! folder `NAME.partial` from which a killed run goes on, and renames it when it is whole;
//! [`TokenizedCorpus::open`](crate::TokenizedCorpus::open) reads it.

mod checkpoint;
mod encoder;
mod finish;
mod label_table;
mod layout;
mod open;
mod positioned;
mod sources;
mod token_table;

use std::path::Path;

pub use encoder::{EncodeOptions, EncodeOutcome, EncodeProgress, encode_corpus};
pub use finish::remove_encoded_corpus;
pub(crate) use open::open;
pub use sources::CorpusSource;

/// Whether a path looks like an encoded corpus, whole or not: a folder with a `corpus.json`.
pub fn is_encoded_corpus(path: impl AsRef<Path>) -> bool {
    path.as_ref().join(layout::CORPUS).is_file()
}
