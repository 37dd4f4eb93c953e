//! What the parts of a tokenizer may make of a text: a few bytes of JSON can ask for a replacement of
//! a megabyte for every letter, or for a pattern that takes up all memory when it is compiled.

use serde_json::{Map, Value};

use super::invalid;
use crate::error::DataError;

/// A text may become as many times longer. Real files have two or three replacements by a character
/// or two.
const MOST: usize = 1 << 12;

/// What a table of replacements may make of a character, in bytes: the longest of Unicode's own
/// compatibility forms has 33.
pub(super) const MOST_OF_TABLE: usize = 64;

/// All counts in a pattern multiplied, as in `(?:a{10}){10}`. Patterns in use count to three.
const MOST_REPETITIONS: usize = 1000;

/// How many times longer the parts that were looked at can make a text.
pub(super) struct Growth(usize);

impl Growth {
    pub(super) const fn new() -> Self {
        Self(1)
    }

    /// Takes account of a part by its fields.
    pub(super) fn add(&mut self, fields: &Map<String, Value>) -> Result<(), DataError> {
        let length = |name| fields.get(name).and_then(Value::as_str).map(str::len);
        let pattern = fields.get("pattern");
        if let Some(pattern) = pattern.and_then(|pattern| pattern.get("Regex")?.as_str())
            && repetitions(pattern) > MOST_REPETITIONS
        {
            return Err(invalid("one of its patterns repeats too much"));
        }
        let table = fields
            .contains_key("precompiled_charsmap")
            .then_some(MOST_OF_TABLE);
        let text = pattern.and_then(|pattern| pattern.get("String")?.as_str());
        let content = length("content").map(|content| match text.map_or(0, str::len) {
            // What matches may be empty, and is found between any two characters.
            0 => content + 1,
            replaced => content.div_ceil(replaced),
        });
        let prepended = length("prepend").map(|length| length + 1);
        for times in [content, prepended, table].into_iter().flatten() {
            self.0 = self.0.saturating_mul(times.max(1));
        }
        if self.0 > MOST {
            return Err(invalid("its normalizers make too much of a text"));
        }
        Ok(())
    }
}

/// The counts in a pattern, multiplied: its compiled form is no more times larger than it is.
fn repetitions(pattern: &str) -> usize {
    let mut product = 1_usize;
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '\\']) {
        let escaped = rest[at..].starts_with('\\');
        rest = &rest[at + 1..];
        if escaped {
            let mut characters = rest.chars();
            characters.next();
            rest = characters.as_str();
            continue;
        }
        let end = rest.find('}').unwrap_or(rest.len());
        let counts = rest[..end].split(',').map(str::trim);
        // What is too large for a number is no count that a pattern may have.
        let largest = counts
            .filter(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
            .map(|count| count.parse().unwrap_or(usize::MAX))
            .max();
        product = product.saturating_mul(largest.unwrap_or(1).max(1));
    }
    product
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_multiply_and_escaped_braces_do_not_count() {
        for (pattern, expected) in [
            (r"\s+", 1),
            (r"\p{N}{1,3}", 3),
            (r"(?:(?:a{10}){10}){ 7 ,}", 700),
            (r"\{5\}", 1),
            (r"a{,9}b{", 9),
            ("a{99999999999999999999}{3}", usize::MAX),
        ] {
            assert_eq!(repetitions(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn replacements_of_replacements_multiply() {
        let mut growth = Growth::new();
        let part = json!({"pattern": {"String": "a"}, "content": "aaaaaaaa"});
        let mut added = 0;
        while growth.add(part.as_object().unwrap()).is_ok() {
            added += 1;
        }
        assert_eq!(added, 4, "8 to the 4th is 4096");
    }
}
