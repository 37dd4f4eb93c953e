//! Subwords: words are cut in pieces of which there are only so many, so that no word is unknown.
//!
//! The model of pieces is Hugging Face's `tokenizers`: Unigram (Kudo 2018, arXiv 1804.10959), which is
//! what fastai's `SubwordTokenizer` trains, or BPE (Sennrich et al. 2016, arXiv 1508.07909). It is
//! trained on the user's text ([`training`]), read from a `tokenizer.json` made elsewhere, or from a
//! SentencePiece `.model` ([`sentencepiece`]), and it is written as a `tokenizer.json`.
//!
//! The text rules come first, as they do before words. fastai's special tokens are never cut: they
//! are what the tokenizer calls added tokens, and in one trained here their ids are 0 to 8.

mod charsmap;
mod checked;
mod growth;
mod pieces;
pub mod sentencepiece;
pub mod training;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokenizers::{AddedToken, Tokenizer as HfTokenizer};

use crate::error::{DataError, brief};
use crate::special;
use crate::vocab::Vocab;

/// The largest `tokenizer.json` or `.model` that is read, in bytes. Those of a quarter of a million
/// pieces have a fifth of it.
pub const LARGEST_FILE: u64 = 64 << 20;

/// Which model of pieces a subword tokenizer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubwordKind {
    /// Each piece has a probability, and a word is cut where the product is largest.
    Unigram,
    /// Pairs of pieces are merged in the order in which training found them.
    Bpe,
}

/// A model of pieces, with all that it takes to cut a text in them.
///
/// Cheap to clone. Serialized as the text of its `tokenizer.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subwords {
    shared: Arc<Shared>,
}

struct Shared {
    tokenizer: HfTokenizer,
    kind: SubwordKind,
    /// The pieces by their ids; empty where an id is not used.
    pieces: Vec<String>,
    /// The piece that stands for what cannot be cut.
    unknown: Option<u32>,
    /// The whole as `tokenizer.json`.
    json: String,
}

impl Subwords {
    /// Reads a `tokenizer.json`, or a SentencePiece model where the name ends in `.model`.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the file cannot be read, [`DataError::TokenizerFile`] when it is not
    /// a tokenizer, is larger than [`LARGEST_FILE`], or has a part that is not supported.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let refuse = |error: DataError| match error {
            DataError::InvalidTokenizer { reason } => DataError::TokenizerFile {
                path: path.to_owned(),
                reason,
            },
            error => error,
        };
        let bytes = read_file(path)?;
        if path.extension().is_some_and(|end| end == "model") {
            return sentencepiece::read(&bytes).map_err(refuse);
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| invalid("it is neither UTF-8 nor a file that ends in .model"))
            .map_err(refuse)?;
        Self::from_json(&text).map_err(refuse)
    }

    /// A tokenizer from the text of a `tokenizer.json`.
    ///
    /// Only the cutting is taken over: padding, truncation, templates and random merges are left
    /// out. fastai's special tokens are added where it does not have them.
    ///
    /// # Errors
    ///
    /// [`DataError::InvalidTokenizer`] when it does not parse or has a part that is not supported.
    pub fn from_json(json: &str) -> Result<Self, DataError> {
        if json.len() as u64 > LARGEST_FILE {
            return Err(invalid(format!("it has more than {LARGEST_FILE} bytes")));
        }
        let checked::Checked {
            json,
            kind,
            unknown,
        } = checked::check(json)?;
        let tokenizer = json
            .parse::<HfTokenizer>()
            .map_err(|error| invalid(brief(&error.to_string())))?;
        Self::new(tokenizer, kind, unknown)
    }

    /// The tokenizer with the special tokens; `unknown` is the unknown piece's id.
    fn new(
        mut tokenizer: HfTokenizer,
        kind: SubwordKind,
        unknown: Option<u32>,
    ) -> Result<Self, DataError> {
        let failed = |error: tokenizers::Error| invalid(brief(&error.to_string()));
        let behind_mark = |token: &str| format!("▁{token}");
        // Models of fastai's have the special tokens as pieces behind the mark of a space.
        let missing: Vec<AddedToken> = special::ALL
            .iter()
            .filter(|token| tokenizer.token_to_id(&behind_mark(token)).is_none())
            .map(|token| special_token(token))
            .collect();
        tokenizer.add_special_tokens(missing).map_err(failed)?;
        check_added(&tokenizer)?;
        let pieces = by_id(&tokenizer)?;
        let json = tokenizer.to_string(false).map_err(failed)?;
        Ok(Self {
            shared: Arc::new(Shared {
                tokenizer,
                kind,
                pieces,
                unknown,
                json,
            }),
        })
    }

    /// The model of pieces.
    pub fn kind(&self) -> SubwordKind {
        self.shared.kind
    }

    /// How many pieces there are.
    pub fn n_pieces(&self) -> usize {
        let pieces = self.shared.pieces.iter();
        pieces.filter(|piece| !piece.is_empty()).count()
    }

    /// The text of the tokenizer's `tokenizer.json`.
    pub fn to_json(&self) -> &str {
        &self.shared.json
    }

    /// The pieces of a text that the rules have prepared. `▁` stands for the space in front of a
    /// word. What cannot be cut in pieces is `xxunk`.
    pub fn split(&self, text: &str) -> Vec<String> {
        let Shared {
            tokenizer,
            pieces,
            unknown,
            ..
        } = &*self.shared;
        let Ok(encoding) = tokenizer.encode_fast(text, false) else {
            // A tokenizer made elsewhere may fail on a text, such as for want of an unknown piece.
            return vec![special::UNK.to_owned()];
        };
        let known = |id: &u32| Some(*id) != *unknown;
        let ids = encoding.get_ids();
        if ids.is_empty() && !text.is_empty() {
            // One that leaves out what it has no pieces for.
            return vec![special::UNK.to_owned()];
        }
        ids.iter()
            .map(|id| pieces.get(*id as usize).filter(|_| known(id)))
            .map(|piece| piece.map_or(special::UNK, String::as_str).to_owned())
            .collect()
    }

    /// All tokens of the tokenizer as a vocabulary: fastai's special tokens, then the pieces in the
    /// order of their ids, then fillers up to a multiple (see
    /// [`VocabConfig::pad_to_multiple`](crate::VocabConfig)). Of a tokenizer trained here, ids are
    /// the tokenizer's own.
    ///
    /// # Errors
    ///
    /// [`DataError::InvalidVocab`] when two ids have the same piece.
    pub fn vocab(&self, pad_to_multiple: usize) -> Result<Vocab, DataError> {
        let pieces = self.shared.pieces.iter().filter(|piece| {
            let piece = piece.as_str();
            !piece.is_empty() && piece != special::FILLER && !special::ALL.contains(&piece)
        });
        let special = special::ALL.iter().map(ToString::to_string);
        Vocab::filled(special.chain(pieces.cloned()).collect(), pad_to_multiple)
    }
}

/// No id of a piece is larger: four times the largest vocabulary in use.
const LARGEST_ID: usize = 1 << 20;

/// Checks that no added token is white space that takes the white space before it: where another one
/// took that already, it would begin behind its end.
fn check_added(tokenizer: &HfTokenizer) -> Result<(), DataError> {
    let added = tokenizer.get_added_vocabulary();
    for (id, token) in added.get_added_tokens_decoder() {
        // As it is looked for, which is behind the normalizer.
        let text = added.simple_id_to_token(*id).unwrap_or_default();
        if token.lstrip && text.trim().is_empty() {
            return Err(invalid(format!(
                "its added token {:?} is white space and takes white space",
                brief(&token.content)
            )));
        }
    }
    Ok(())
}

/// The pieces by their ids; empty where there is none.
fn by_id(tokenizer: &HfTokenizer) -> Result<Vec<String>, DataError> {
    let mut pieces: Vec<String> = Vec::new();
    // In order, so that of several mistakes the same one is told each time.
    let mut by_id: Vec<(String, u32)> = tokenizer.get_vocab(true).into_iter().collect();
    by_id.sort_unstable_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    for (piece, id) in by_id {
        let id = id as usize;
        // Ids without a piece are gaps; a file of a few bytes must not name a huge one.
        if id > LARGEST_ID {
            let piece = brief(&piece);
            return Err(invalid(format!("the piece \"{piece}\" has the id {id}")));
        }
        if id >= pieces.len() {
            pieces.resize(id + 1, String::new());
        }
        // Added tokens are numbered behind the number of pieces, and with gaps among these there may
        // be a piece. Then which of the two is meant is anyone's guess.
        if !pieces[id].is_empty() {
            let (one, other) = (brief(&pieces[id]), brief(&piece));
            return Err(invalid(format!(
                "the pieces \"{one}\" and \"{other}\" both have the id {id}"
            )));
        }
        pieces[id] = piece;
    }
    Ok(pieces)
}

/// A special token that takes the spaces around it, so that none is left between it and a word.
fn special_token(token: &str) -> AddedToken {
    AddedToken::from(token, true)
        .single_word(true)
        .lstrip(true)
        .rstrip(true)
}

/// A file's bytes, one more than [`LARGEST_FILE`] at most, which then is not a tokenizer.
fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    let failed = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(DataError::TokenizerFile {
            path: path.to_owned(),
            reason: format!("it has more than {LARGEST_FILE} bytes"),
        });
    }
    Ok(bytes)
}

fn invalid(reason: impl Into<String>) -> DataError {
    DataError::InvalidTokenizer {
        reason: reason.into(),
    }
}

impl PartialEq for Subwords {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared) || self.shared.json == other.shared.json
    }
}

impl Eq for Subwords {}

impl fmt::Debug for Subwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subwords")
            .field("kind", &self.shared.kind)
            .field("pieces", &self.shared.pieces.len())
            .finish_non_exhaustive()
    }
}

impl TryFrom<String> for Subwords {
    type Error = DataError;

    fn try_from(json: String) -> Result<Self, DataError> {
        Self::from_json(&json)
    }
}

impl From<Subwords> for String {
    fn from(subwords: Subwords) -> Self {
        subwords.shared.json.clone()
    }
}
