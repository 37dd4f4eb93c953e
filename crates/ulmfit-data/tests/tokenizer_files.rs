//! Tokenizer files that are not what they should be, by accident or on purpose: each is refused with
//! the reason, before it panics, fills the memory, or cuts one text in two ways.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use ulmfit_data::Subwords;
use ulmfit_data::subwords::sentencepiece;

/// A small Unigram tokenizer with these fields in place of its own.
fn unigram(fields: &Value) -> Value {
    let mut file = json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "model": {
            "type": "Unigram",
            "unk_id": 0,
            "vocab": [["<unk>", 0.0], ["▁", -1.0], ["a", -2.0], ["▁a", -2.5]],
        },
    });
    for (name, field) in fields.as_object().unwrap() {
        file[name] = field.clone();
    }
    file
}

fn bpe(vocab: &Value, merges: &Value) -> Value {
    json!({"version": "1.0", "model": {"type": "BPE", "vocab": vocab, "merges": merges}})
}

fn reason(file: &Value) -> String {
    let error = Subwords::from_json(&file.to_string()).unwrap_err();
    let message = error.to_string();
    assert!(message.len() < 1000, "a message is a sentence");
    message
        .strip_prefix("not a tokenizer: ")
        .unwrap()
        .to_owned()
}

fn added(tokens: &[(&str, bool, bool)]) -> Value {
    let tokens = tokens
        .iter()
        .enumerate()
        .map(|(i, (content, left, right))| {
            json!({
                "id": 4 + i, "content": content, "single_word": false, "lstrip": left,
                "rstrip": right, "normalized": false, "special": false,
            })
        });
    tokens.collect()
}

#[test]
fn a_merge_that_gives_no_piece_is_refused() {
    let vocab = json!({"a": 0, "b": 1});
    assert_eq!(
        reason(&bpe(&vocab, &json!([["a", "b"]]))),
        "its merge [\"a\",\"b\"] is not one of pieces"
    );
    // What is taken off the second piece is longer than it.
    let mut file = bpe(&json!({"a": 0, "b": 1, "ab": 2}), &json!(["a b"]));
    file["model"]["continuing_subword_prefix"] = json!("####");
    assert_eq!(reason(&file), "its merge \"a b\" is not one of pieces");
}

#[test]
fn a_table_of_replacements_that_is_not_there_is_refused() {
    let file = unigram(&json!({"normalizer": {"type": "Precompiled"}}));
    assert_eq!(reason(&file), "its table of replacements is damaged");
}

#[test]
fn added_white_space_that_takes_white_space_is_refused() {
    // The first takes the spaces in which the second is found.
    let file = unigram(&json!({"added_tokens": added(&[("a", false, true), (" ", true, false)])}));
    assert_eq!(
        reason(&file),
        "its added token \" \" is white space and takes white space"
    );
    let file = unigram(&json!({"added_tokens": added(&[("a", false, true), (" ", false, false)])}));
    let tokens = Subwords::from_json(&file.to_string())
        .unwrap()
        .split("a   a");
    assert_eq!(tokens.first().unwrap(), "a");
}

#[test]
fn a_piece_as_long_as_a_text_is_refused() {
    let long = "a".repeat(1 << 20);
    let file = unigram(&json!({
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], [long, -1.0]]},
    }));
    assert_eq!(
        reason(&file),
        "a piece has 1048576 bytes, and 256 are the most"
    );
    let file = bpe(&json!({ long: 0 }), &json!([]));
    assert_eq!(
        reason(&file),
        "a piece has 1048576 bytes, and 1024 are the most"
    );
}

#[test]
fn two_pieces_of_one_id_are_refused() {
    assert_eq!(
        reason(&bpe(&json!({"a": 3, "b": 3}), &json!([]))),
        "the pieces \"a\" and \"b\" both have the id 3"
    );
    // The special tokens come behind as many ids as there are pieces, and one of these is further.
    assert_eq!(
        reason(&bpe(&json!({"a": 0, "b": 5}), &json!([]))),
        "the pieces \"b\" and \"xxeos\" both have the id 5"
    );
}

#[test]
fn what_makes_gigabytes_of_a_text_is_refused() {
    let double =
        |from: &str| json!({"type": "Replace", "pattern": {"String": from}, "content": "aa"});
    let twice: Vec<Value> = std::iter::repeat_n(double("a"), 40).collect();
    let normalizer = json!({"type": "Sequence", "normalizers": twice});
    assert_eq!(
        reason(&unigram(&json!({ "normalizer": normalizer }))),
        "its normalizers make too much of a text"
    );
    let pattern = json!({"Regex": "(?:(?:(?=a)){1000}){1000}"});
    let split =
        json!({"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": false});
    assert_eq!(
        reason(&unigram(&json!({ "pre_tokenizer": split }))),
        "one of its patterns repeats too much"
    );
}

#[test]
fn a_sentencepiece_model_of_one_long_piece_is_refused() {
    let text = "ab".repeat(1 << 19);
    let piece = |text: &str, kind: u8| {
        let mut piece = vec![0x0a];
        piece.extend(varint(text.len()));
        piece.extend(text.as_bytes());
        piece.extend([0x18, kind]);
        let mut field = vec![0x0a];
        field.extend(varint(piece.len()));
        field.extend(piece);
        field
    };
    // The trainer's settings say that it is BPE.
    let model = [piece("<unk>", 2), piece(&text, 1), vec![0x12, 2, 0x18, 2]].concat();
    let error = sentencepiece::read(&model).unwrap_err().to_string();
    assert_eq!(
        error,
        "not a tokenizer: a piece has 1048576 bytes, and 256 are the most"
    );
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn a_text_without_any_piece_is_unknown() {
    // Without an unknown piece this one leaves out what it has no pieces for.
    let file = bpe(&json!({"a": 0, "▁xxbos": 1}), &json!([]));
    let subwords = Subwords::from_json(&file.to_string()).unwrap();
    assert_eq!(subwords.split("a"), ["a"]);
    assert_eq!(subwords.split("xyz"), ["xxunk"]);
    assert_eq!(subwords.split(""), [""; 0]);
}
