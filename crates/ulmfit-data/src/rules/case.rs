//! Capitals become marks, so that a word has one embedding however it is written.

use std::borrow::Cow;

use super::{first, is_space, unchanged};
use crate::special;

/// Marks words in capitals: `NASA's` stays, `NASA` becomes `xxup nasa`, `I` becomes `i`.
///
/// fastai: `(\s|^)([A-Z]+[^a-z\s]*)(?=(\s|$))`, so a word is what stands between white space, and
/// only ASCII counts: it begins with a capital and holds no small letter.
pub fn replace_all_caps(text: &str) -> Cow<'_, str> {
    replace_words(text, special::UP, |word| {
        !word.bytes().any(|b| b.is_ascii_lowercase())
    })
}

/// Marks words that begin with their only capital: `The` becomes `xxmaj the`.
///
/// fastai: `(\s|^)([A-Z][^A-Z\s]*)(?=(\s|$))`. As it runs before tokenization, `"The` with its
/// quotation mark does not count.
pub fn replace_maj(text: &str) -> Cow<'_, str> {
    replace_words(text, special::MAJ, |word| {
        !word.bytes().skip(1).any(|b| b.is_ascii_uppercase())
    })
}

/// Lowercases, strips and puts `xxbos ` in front.
pub fn lowercase(text: &str) -> String {
    let lower = text.to_lowercase();
    format!("{} {}", special::BOS, lower.trim_matches(is_space))
}

/// Lowercases the words that begin with an ASCII capital and satisfy `wanted`, and puts a mark in
/// front of those of more than one character.
fn replace_words<'t>(text: &'t str, mark: &str, wanted: impl Fn(&str) -> bool) -> Cow<'t, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = rest.find(is_space).unwrap_or(rest.len());
        let word = &rest[..length];
        if word.starts_with(|c: char| c.is_ascii_uppercase()) && wanted(word) {
            out.push_str(&text[copied..at]);
            // The first character is one byte, so more bytes are more characters.
            if word.len() > 1 {
                out.push_str(mark);
                out.push(' ');
            }
            out.push_str(&word.to_lowercase());
            copied = at + length;
        }
        at += length + first(&rest[length..]).map_or(0, char::len_utf8);
    }
    if copied == 0 {
        return unchanged(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals() {
        for (text, expected) in [
            ("NASA", "xxup nasa"),
            ("NASA's NASA'S", "NASA's xxup nasa's"),
            ("I A\tB", "i a\tb"),
            ("PG-13 U.S.A. (NBC)", "xxup pg-13 xxup u.s.a. (NBC)"),
            ("ÜBER AÉ Aé", "ÜBER xxup aé xxup aé"),
            ("AS\u{1c}IS\n", "xxup as\u{1c}xxup is\n"),
            ("", ""),
            ("1A", "1A"),
        ] {
            assert_eq!(replace_all_caps(text), expected, "{text:?}");
        }
    }

    #[test]
    fn first_capitals() {
        for (text, expected) in [
            ("The end", "xxmaj the end"),
            ("\"The", "\"The"),
            ("A iPhone McDonald O'Neill", "a iPhone McDonald O'Neill"),
            ("Jean-luc Jean-Luc", "xxmaj jean-luc Jean-Luc"),
            ("Été Ete", "Été xxmaj ete"),
        ] {
            assert_eq!(replace_maj(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lowercases_and_strips() {
        assert_eq!(lowercase("  \n Hi THERE \u{a0}"), "xxbos hi there");
        assert_eq!(lowercase("İΣΑΣ"), "xxbos i\u{307}σας");
        assert_eq!(lowercase(""), "xxbos ");
    }
}
