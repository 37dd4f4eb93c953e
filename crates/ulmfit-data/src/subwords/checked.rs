//! A `tokenizer.json` from anywhere, looked through before it is used.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::growth::Growth;
use super::{SubwordKind, charsmap, invalid, pieces};
use crate::error::{DataError, brief};

/// Parts that are known to cut a text without panics, whatever they are set to. A part that is not
/// among them is refused rather than tried.
const PARTS: [&str; 33] = [
    "AddedToken",
    "BertNormalizer",
    "BertPreTokenizer",
    "BPE",
    "BPEDecoder",
    "ByteFallback",
    "ByteLevel",
    "CharDelimiterSplit",
    "CTC",
    "Digits",
    "Fuse",
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
    "Sequence",
    "Split",
    "Strip",
    "StripAccents",
    "TemplateProcessing",
    "Unigram",
    "UnicodeScripts",
    "Whitespace",
    "WhitespaceSplit",
    "WordPiece",
    "WordLevel",
];

/// A file that can be used.
pub(super) struct Checked {
    /// The file without what has no place here.
    pub(super) json: String,
    pub(super) kind: SubwordKind,
    /// The unknown piece's id.
    pub(super) unknown: Option<u32>,
}

pub(super) fn check(json: &str) -> Result<Checked, DataError> {
    let mut file: Value =
        serde_json::from_str(json).map_err(|error| invalid(format!("it is not JSON ({error})")))?;
    if !file.is_object() {
        return Err(invalid("it has no \"model\""));
    }
    // They make a batch of what is cut, which is not wanted here.
    for part in ["padding", "truncation", "post_processor"] {
        file[part] = Value::Null;
    }
    let mut growth = Growth::new();
    for part in ["normalizer", "pre_tokenizer", "decoder"] {
        check_part(&file[part], &mut growth)?;
    }
    let model = file
        .get_mut("model")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| invalid("it has no \"model\""))?;
    let kind = match model.get("type").and_then(Value::as_str) {
        Some("Unigram") => SubwordKind::Unigram,
        Some("BPE") => SubwordKind::Bpe,
        // Files from before 2021 do not name it.
        None if model.contains_key("merges") => SubwordKind::Bpe,
        other => {
            return Err(invalid(format!(
                "its model is {}, and only Unigram and BPE are read",
                brief(other.unwrap_or("not named"))
            )));
        }
    };
    let unknown = match kind {
        SubwordKind::Unigram => {
            pieces::check_unigram(model)?;
            model.get("unk_id").and_then(Value::as_u64)
        }
        SubwordKind::Bpe => {
            pieces::check_bpe(model)?;
            model.insert("dropout".to_owned(), Value::Null);
            let unknown = model.get("unk_token").and_then(Value::as_str);
            unknown
                .and_then(|unknown| model.get("vocab")?.get(unknown))
                .and_then(Value::as_u64)
        }
    };
    if kind == SubwordKind::Unigram && unknown.is_none() {
        return Err(invalid("its Unigram model has no unknown piece"));
    }
    Ok(Checked {
        json: file.to_string(),
        kind,
        unknown: unknown.map(|id| id as u32),
    })
}

/// Checks a part and the parts inside it. JSON that was read has a bounded depth.
fn check_part(part: &Value, growth: &mut Growth) -> Result<(), DataError> {
    match part {
        Value::Object(fields) => {
            let name = fields.get("type").and_then(Value::as_str);
            if let Some(name) = name
                && !PARTS.contains(&name)
            {
                return Err(invalid(format!(
                    "it has the part {}, which is not supported",
                    brief(name)
                )));
            }
            growth.add(fields)?;
            // One that should have a table and does not is not read by what comes after.
            if name == Some("Precompiled") || fields.contains_key("precompiled_charsmap") {
                let table = fields.get("precompiled_charsmap").and_then(Value::as_str);
                let table = table.and_then(|table| STANDARD.decode(table).ok());
                charsmap::check(&table.unwrap_or_default())?;
            }
            let mut parts = fields.values();
            parts.try_for_each(|part| check_part(part, growth))
        }
        Value::Array(parts) => parts.iter().try_for_each(|part| check_part(part, growth)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        for (json, reason) in [
            (
                "{",
                "it is not JSON (EOF while parsing an object at line 1 column 1)",
            ),
            ("[]", "it has no \"model\""),
            ("{}", "it has no \"model\""),
            (
                r#"{"model":{"type":"WordPiece","vocab":{}}}"#,
                "its model is WordPiece, and only Unigram and BPE are read",
            ),
            (
                r#"{"model":{"type":"Unigram","unk_id":null,"vocab":[["a",0.0]]}}"#,
                "its Unigram model has no unknown piece",
            ),
            (
                r#"{"normalizer":{"type":"Sequence","normalizers":[{"type":"Own"}]},"model":{}}"#,
                "it has the part Own, which is not supported",
            ),
            (
                r#"{"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"},"model":{}}"#,
                "its table of replacements is damaged",
            ),
            (
                r#"{"normalizer":{"type":"Precompiled"},"model":{}}"#,
                "its table of replacements is damaged",
            ),
            (
                r#"{"normalizer":{"type":"Replace","pattern":{"Regex":"(?:a{99}){99}"},"content":""},"model":{}}"#,
                "one of its patterns repeats too much",
            ),
            (
                r#"{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"]]}}"#,
                "its merge [\"a\",\"b\"] is not one of pieces",
            ),
        ] {
            let error = check(json).err().unwrap().to_string();
            assert_eq!(error, format!("not a tokenizer: {reason}"), "{json}");
        }
    }
}
