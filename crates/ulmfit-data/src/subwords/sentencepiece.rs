//! SentencePiece models, such as those of fastai's `SentencePieceTokenizer`.
//!
//! The file is a protocol buffer (`sentencepiece_model.proto`), of which a few fields matter: the
//! pieces with their scores, the kind of model, and how a text is normalized. They become the parts
//! of a `tokenizer.json` that cut alike.

mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Subwords, charsmap, invalid, pieces};
use crate::error::DataError;
use wire::{Field, fields};

/// No model has more pieces.
const MOST_PIECES: usize = 1 << 20;

/// No model of so many pieces has more ways to merge two of them: there are about four a piece.
const MOST_MERGES: usize = 1 << 21;

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the file's own")]
struct Model {
    pieces: Vec<Piece>,
    /// 1 is Unigram, 2 is BPE.
    kind: u64,
    byte_fallback: bool,
    charsmap: Vec<u8>,
    add_dummy_prefix: bool,
    remove_extra_whitespaces: bool,
    escape_whitespaces: bool,
}

#[derive(Default)]
struct Piece {
    text: String,
    score: f32,
    kind: u64,
}

impl Piece {
    const NORMAL: u64 = 1;
    const UNKNOWN: u64 = 2;
    const USER_DEFINED: u64 = 4;
}

/// A tokenizer from the bytes of a SentencePiece model.
///
/// # Errors
///
/// [`DataError::InvalidTokenizer`] when they are none, or one of words or characters.
pub fn read(bytes: &[u8]) -> Result<Subwords, DataError> {
    let model = parse(bytes)?;
    if !model.charsmap.is_empty() {
        charsmap::check(&model.charsmap)?;
    }
    let unknown = model
        .pieces
        .iter()
        .position(|piece| piece.kind == Piece::UNKNOWN)
        .ok_or_else(|| invalid("it has no unknown piece"))?;
    let pieces_model = match model.kind {
        1 => unigram(&model, unknown),
        2 => bpe(&model, unknown)?,
        _ => {
            return Err(invalid(
                "it is a SentencePiece model of words or characters",
            ));
        }
    };
    let file = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": normalizer(&model),
        "pre_tokenizer": pre_tokenizer(&model),
        "post_processor": null,
        "decoder": metaspace(&model),
        "model": pieces_model,
    });
    Subwords::from_json(&file.to_string())
}

fn parse(bytes: &[u8]) -> Result<Model, DataError> {
    let mut model = Model {
        kind: 1,
        add_dummy_prefix: true,
        remove_extra_whitespaces: true,
        escape_whitespaces: true,
        ..Model::default()
    };
    let damaged = || invalid("it is not a SentencePiece model, or damaged");
    for field in fields(bytes) {
        match field.ok_or_else(damaged)? {
            (1, Field::Bytes(piece)) => {
                if model.pieces.len() == MOST_PIECES {
                    return Err(invalid(format!("it has more than {MOST_PIECES} pieces")));
                }
                let piece = parse_piece(piece).ok_or_else(damaged)?;
                // Merges are looked for at every place in a piece.
                pieces::check_length(&piece.text, pieces::LONGEST_OF_UNIGRAM)?;
                model.pieces.push(piece);
            }
            // The trainer's settings.
            (2, Field::Bytes(settings)) => {
                for field in fields(settings) {
                    match field.ok_or_else(damaged)? {
                        (3, Field::Number(kind)) => model.kind = kind,
                        (35, Field::Number(flag)) => model.byte_fallback = flag != 0,
                        _ => {}
                    }
                }
            }
            // The normalizer's settings.
            (3, Field::Bytes(settings)) => {
                for field in fields(settings) {
                    match field.ok_or_else(damaged)? {
                        (2, Field::Bytes(table)) => model.charsmap = table.to_vec(),
                        (3, Field::Number(flag)) => model.add_dummy_prefix = flag != 0,
                        (4, Field::Number(flag)) => model.remove_extra_whitespaces = flag != 0,
                        (5, Field::Number(flag)) => model.escape_whitespaces = flag != 0,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if model.pieces.is_empty() {
        return Err(damaged());
    }
    Ok(model)
}

fn parse_piece(bytes: &[u8]) -> Option<Piece> {
    let mut piece = Piece {
        kind: Piece::NORMAL,
        ..Piece::default()
    };
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(text)) => std::str::from_utf8(text).ok()?.clone_into(&mut piece.text),
            (2, Field::Fixed32(score)) => piece.score = f32::from_bits(score),
            (3, Field::Number(kind)) => piece.kind = kind,
            _ => {}
        }
    }
    piece.score.is_finite().then_some(piece)
}

/// Scores as they are, but for pieces that stand for no text, such as `<s>`: they get the worst, since
/// they have to keep their places. A text that spells one is cut in it all the same, which is not so
/// in SentencePiece.
fn unigram(model: &Model, unknown: usize) -> Value {
    let worst = model
        .pieces
        .iter()
        .map(|piece| piece.score)
        .fold(0.0, f32::min);
    let pieces: Vec<Value> = model
        .pieces
        .iter()
        .map(|piece| match piece.kind {
            Piece::NORMAL | Piece::USER_DEFINED => json!([piece.text, f64::from(piece.score)]),
            _ => json!([piece.text, f64::from(worst)]),
        })
        .collect();
    json!({
        "type": "Unigram",
        "unk_id": unknown,
        "vocab": pieces,
        "byte_fallback": model.byte_fallback,
    })
}

/// SentencePiece merges the pair whose piece has the best score; here merges are a list. A piece may
/// come of several pairs.
fn bpe(model: &Model, unknown: usize) -> Result<Value, DataError> {
    let pieces: std::collections::HashMap<&str, usize> = model
        .pieces
        .iter()
        .enumerate()
        .map(|(id, piece)| (piece.text.as_str(), id))
        .collect();
    let mut merges = Vec::new();
    for piece in &model.pieces {
        if piece.kind != Piece::NORMAL {
            continue;
        }
        if merges.len() > MOST_MERGES {
            return Err(invalid(format!("it has more than {MOST_MERGES} merges")));
        }
        for (at, _) in piece.text.char_indices().skip(1) {
            let (left, right) = piece.text.split_at(at);
            if pieces.contains_key(left) && pieces.contains_key(right) {
                merges.push((piece.score, left, right));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0));
    let merges: Vec<Value> = merges
        .iter()
        .map(|(_, left, right)| json!([left, right]))
        .collect();
    Ok(json!({
        "type": "BPE",
        "dropout": null,
        "unk_token": model.pieces[unknown].text,
        "continuing_subword_prefix": null,
        "end_of_word_suffix": null,
        "fuse_unk": true,
        "byte_fallback": model.byte_fallback,
        // What the user defined does not come of merges.
        "ignore_merges": true,
        "vocab": pieces,
        "merges": merges,
    }))
}

fn normalizer(model: &Model) -> Value {
    let mut parts = Vec::new();
    if !model.charsmap.is_empty() {
        let table = STANDARD.encode(&model.charsmap);
        parts.push(json!({"type": "Precompiled", "precompiled_charsmap": table}));
    }
    if model.remove_extra_whitespaces {
        parts.push(json!({"type": "Strip", "strip_left": true, "strip_right": true}));
        parts.push(json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}));
    }
    json!({"type": "Sequence", "normalizers": parts})
}

fn pre_tokenizer(model: &Model) -> Value {
    let mut defined: Vec<&str> = model
        .pieces
        .iter()
        .filter(|piece| piece.kind == Piece::USER_DEFINED && !piece.text.is_empty())
        .map(|piece| piece.text.as_str())
        .collect();
    if defined.is_empty() {
        return metaspace(model);
    }
    // The first that fits is taken, so the longest comes first.
    defined.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let defined: Vec<String> = defined.iter().map(|text| escaped(text)).collect();
    json!({"type": "Sequence", "pretokenizers": [metaspace(model), {
        "type": "Split",
        "pattern": {"Regex": defined.join("|")},
        "behavior": "Isolated",
        "invert": false,
    }]})
}

fn metaspace(model: &Model) -> Value {
    let scheme = if model.add_dummy_prefix {
        "always"
    } else {
        "never"
    };
    let replacement = if model.escape_whitespaces { "▁" } else { " " };
    json!({
        "type": "Metaspace",
        "replacement": replacement,
        "prepend_scheme": scheme,
        "split": true,
    })
}

/// A text as a regular expression for just that text. Angle brackets stand for themselves, and behind a
/// backslash for the ends of a word.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let special = c.is_ascii_punctuation() && !matches!(c, '<' | '>');
            special.then_some('\\').into_iter().chain([c])
        })
        .collect()
}
