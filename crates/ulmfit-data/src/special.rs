//! fastai v2's special tokens, in id order (`fastai/text/core.py`).
//!
//! fastai v1 orders ids 5 to 8 otherwise, which is why vocabularies are matched by string, never by
//! id.

/// Stands for every word that is not in the vocabulary.
pub const UNK: &str = "xxunk";
/// Padding: never part of a text.
pub const PAD: &str = "xxpad";
/// Beginning of a document.
pub const BOS: &str = "xxbos";
/// End of a document. In the vocabulary for fastai's sake; the rules do not add it.
pub const EOS: &str = "xxeos";
/// Beginning of a field, followed by the field's number, when a document has several.
pub const FLD: &str = "xxfld";
/// Repeated character, followed by the count and the character.
pub const REP: &str = "xxrep";
/// Repeated word, followed by the count and the word.
pub const WREP: &str = "xxwrep";
/// The next word was written in capitals.
pub const UP: &str = "xxup";
/// The next word began with a capital.
pub const MAJ: &str = "xxmaj";

/// The nine special tokens; a token's place here is its id in every vocabulary that is built here.
pub const ALL: [&str; 9] = [UNK, PAD, BOS, EOS, FLD, REP, WREP, UP, MAJ];

/// Id of [`UNK`].
pub const UNK_ID: u32 = 0;
/// Id of [`PAD`].
pub const PAD_ID: u32 = 1;
/// Id of [`BOS`].
pub const BOS_ID: u32 = 2;

/// Fills a vocabulary up to a multiple of 8; stands for no word.
pub const FILLER: &str = "xxfake";
