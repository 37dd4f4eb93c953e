//! The pieces of a model and how they merge, looked through before they are used.
//!
//! What looks for pieces in a text goes through them byte by byte, one call deeper at each, and what
//! merges them takes it for granted that the result is a piece.

use serde_json::{Map, Value};

use super::invalid;
use crate::error::{DataError, brief};

/// Most bytes of a piece. The longest in use are runs of 128 spaces, at two bytes each.
const LONGEST: usize = 1024;

/// Most bytes of a piece of Unigram: at every character of a text, all pieces that begin there are
/// copied.
pub(super) const LONGEST_OF_UNIGRAM: usize = 256;

/// Checks the pieces of a Unigram model, which are a list of `[piece, score]`. What is not of that
/// shape is left to the parser.
pub(super) fn check_unigram(model: &Map<String, Value>) -> Result<(), DataError> {
    let pieces = model.get("vocab").and_then(Value::as_array);
    pieces
        .into_iter()
        .flatten()
        .filter_map(|piece| piece.get(0)?.as_str())
        .try_for_each(|piece| check_length(piece, LONGEST_OF_UNIGRAM))
}

/// Checks the pieces and the merges of a BPE model: `{piece: id}`, and a list of `[left, right]` or
/// of `"left right"`.
pub(super) fn check_bpe(model: &Map<String, Value>) -> Result<(), DataError> {
    let Some(pieces) = model.get("vocab").and_then(Value::as_object) else {
        return Err(invalid("its BPE model has no pieces"));
    };
    for piece in pieces.keys() {
        check_length(piece, LONGEST)?;
    }
    let text = |name| model.get(name).and_then(Value::as_str);
    // It marks pieces that are not at the beginning of a word, and goes where two become one.
    let prefix = text("continuing_subword_prefix").unwrap_or_default();
    // Both are put around every character of a text.
    for around in [prefix, text("end_of_word_suffix").unwrap_or_default()] {
        check_length(around, LONGEST_OF_UNIGRAM)?;
    }
    let merges = model.get("merges").and_then(Value::as_array);
    for merge in merges.into_iter().flatten() {
        let pair = match merge {
            Value::String(merge) if merge.starts_with("#version") => continue,
            Value::String(merge) => merge.split_once(' '),
            pair => pair
                .get(0)
                .and_then(Value::as_str)
                .zip(pair.get(1).and_then(Value::as_str)),
        };
        let merges_to_a_piece = pair.is_some_and(|(left, right)| {
            let whole = right.strip_prefix(prefix).map(|end| left.to_owned() + end);
            [Some(left), Some(right), whole.as_deref()]
                .into_iter()
                .all(|piece| piece.is_some_and(|piece| pieces.contains_key(piece)))
        });
        if !merges_to_a_piece {
            let merge = brief(&merge.to_string());
            return Err(invalid(format!("its merge {merge} is not one of pieces")));
        }
    }
    Ok(())
}

pub(super) fn check_length(piece: &str, longest: usize) -> Result<(), DataError> {
    if piece.len() <= longest {
        return Ok(());
    }
    Err(invalid(format!(
        "a piece has {} bytes, and {longest} are the most",
        piece.len()
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(checked: Result<(), DataError>) -> Option<String> {
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn merges_are_of_pieces_and_give_pieces() {
        let check = |prefix: Option<&str>, merge: Value| {
            let model = json!({
                "vocab": {"a": 0, "b": 1, "ab": 2, "##b": 3},
                "continuing_subword_prefix": prefix,
                "merges": [merge],
            });
            reason(check_bpe(model.as_object().unwrap()))
        };
        assert_eq!(check(None, json!(["a", "b"])), None);
        assert_eq!(check(None, json!("a b")), None);
        assert_eq!(check(Some("##"), json!("a ##b")), None);
        for (prefix, merge) in [
            (None, json!(["b", "a"])),
            (None, json!(["a", "c"])),
            (None, json!("a")),
            (None, json!(7)),
            (Some("##"), json!("a b")),
        ] {
            assert_eq!(
                check(prefix, merge.clone()),
                Some(format!(
                    "not a tokenizer: its merge {merge} is not one of pieces"
                ))
            );
        }
    }

    #[test]
    fn a_piece_that_no_word_has_is_refused() {
        let check = |length| {
            let model = json!({"vocab": [["<unk>", 0.0], ["a".repeat(length), -1.0]]});
            reason(check_unigram(model.as_object().unwrap()))
        };
        assert_eq!(check(256), None);
        assert_eq!(
            check(257),
            Some("not a tokenizer: a piece has 257 bytes, and 256 are the most".to_owned())
        );
    }
}
