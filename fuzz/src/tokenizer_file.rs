//! A `tokenizer.json` from scratch.

use serde_json::Value;

use crate::Short;

/// What a `tokenizer.json` is made of.
#[derive(arbitrary::Arbitrary, Debug)]
pub struct Small {
    unigram: bool,
    pieces: Vec<(Short, f32)>,
    merges: Vec<(u8, u8)>,
    unknown: u8,
    prefix: Option<Short>,
    suffix: Option<Short>,
    flags: [bool; 3],
    added: Vec<(Short, u8)>,
    normalizers: Vec<(u8, Short, Short)>,
    pre_tokenizers: Vec<(u8, Short, u8)>,
}

/// Names of parts, of which not all are read.
pub(crate) const PARTS: [&str; 28] = [
    "BertNormalizer",
    "BertPreTokenizer",
    "ByteLevel",
    "CharDelimiterSplit",
    "Delimiter",
    "Digits",
    "Lowercase",
    "Metaspace",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Precompiled",
    "Prepend",
    "Punctuation",
    "Replace",
    "Split",
    "Strip",
    "StripAccents",
    "UnicodeScripts",
    "Whitespace",
    "WhitespaceSplit",
    "FixedLength",
    "Bert",
    "BPE",
    "Unigram",
    "Sequence",
];

/// Patterns that a file may hold, cheap ones and others.
const PATTERNS: [&str; 12] = [
    r"\s+",
    "",
    r"\b",
    r"(a|a)*b",
    r"(?=a)",
    r"(?:(?=a)a|a)*b",
    r"\p{L}+|\p{N}{1,3}",
    r"(?!\S)",
    r".{0,99}",
    r"(?i:'s|'t)",
    r"\G",
    r"(\w)\1+",
];

impl Small {
    /// The file.
    pub fn json(&self) -> Value {
        let behaviors = [
            "Removed",
            "Isolated",
            "MergedWithPrevious",
            "MergedWithNext",
            "Contiguous",
        ];
        let pattern = |kind: u8, text: &Short| {
            if kind & 1 == 0 {
                serde_json::json!({"String": text.0})
            } else {
                serde_json::json!({"Regex": PATTERNS[usize::from(kind >> 1) % PATTERNS.len()]})
            }
        };
        let first = |text: &Short| text.0.chars().next().unwrap_or('▁');
        let normalizers: Vec<Value> = self.normalizers.iter().take(6).map(|(kind, a, b)| serde_json::json!({
            "type": PARTS[usize::from(*kind) % PARTS.len()],
            "pattern": pattern(*kind, a), "content": b.0, "prepend": b.0,
            "strip_left": true, "strip_right": kind & 2 == 0,
            "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true,
        })).collect();
        let pre_tokenizers: Vec<Value> = self.pre_tokenizers.iter().take(6).map(|(kind, a, b)| serde_json::json!({
            "type": PARTS[usize::from(*kind) % PARTS.len()],
            "pattern": pattern(*b, a), "behavior": behaviors[usize::from(*b >> 1) % behaviors.len()], "invert": b & 64 != 0,
            "delimiter": first(a), "replacement": first(a), "prepend_scheme": "first", "split": b & 1 == 0,
            "add_prefix_space": true, "trim_offsets": true, "use_regex": b & 2 == 0, "individual_digits": true,
        })).collect();
        let added: Vec<Value> = self.added.iter().take(8).enumerate().map(|(at, (text, flags))| serde_json::json!({
            "id": at + self.pieces.len(), "content": text.0,
            "single_word": flags & 1 != 0, "lstrip": flags & 2 != 0, "rstrip": flags & 4 != 0,
            "normalized": flags & 8 != 0, "special": flags & 16 != 0,
        })).collect();
        let piece = |at: u8| {
            self.pieces
                .get(usize::from(at) % self.pieces.len().max(1))
                .map(|(text, _)| text.0.clone())
        };
        let model = if self.unigram {
            let pieces: Vec<(&str, f32)> = self
                .pieces
                .iter()
                .map(|(text, score)| (text.0.as_str(), *score))
                .collect();
            serde_json::json!({"type": "Unigram", "unk_id": self.unknown, "vocab": pieces, "byte_fallback": self.flags[0]})
        } else {
            let vocab: serde_json::Map<String, Value> = self
                .pieces
                .iter()
                .enumerate()
                .map(|(at, (text, _))| (text.0.clone(), at.into()))
                .collect();
            let merges: Vec<_> = self
                .merges
                .iter()
                .map(|(a, b)| [piece(*a), piece(*b)])
                .collect();
            serde_json::json!({
                "type": "BPE", "vocab": vocab, "merges": merges, "unk_token": piece(self.unknown),
                "continuing_subword_prefix": self.prefix.as_ref().map(|text| &text.0),
                "end_of_word_suffix": self.suffix.as_ref().map(|text| &text.0),
                "fuse_unk": self.flags[1], "byte_fallback": self.flags[0], "ignore_merges": self.flags[2],
            })
        };
        serde_json::json!({
            "version": "1.0", "added_tokens": added, "model": model,
            "normalizer": {"type": "Sequence", "normalizers": normalizers},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": pre_tokenizers},
        })
    }
}
