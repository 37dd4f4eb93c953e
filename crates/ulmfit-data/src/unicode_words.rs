//! Words by Unicode's rules for word boundaries (UAX #29), for languages that separate words by spaces
//! or punctuation.
//!
//! Nothing in it is English: `l'homme` and `don't` are one word, `3.14` is one, and every other mark is
//! a token. Chinese characters and kana come one by one, and Thai as whole phrases; for text without
//! spaces, subwords ([`crate::subwords`]) are the better way.

use unicode_segmentation::UnicodeSegmentation;

use crate::rules::is_space;

/// The tokens of a text, in order. White space is none, but a run of it that holds a line end is one,
/// as the line ends.
pub fn split(text: &str) -> Vec<&str> {
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let mut rest = text;
    while !rest.is_empty() {
        let space = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
        let (first, last) = (rest[..space].find('\n'), rest[..space].rfind('\n'));
        if let (Some(first), Some(last)) = (first, last) {
            tokens.push(&rest[first..=last]);
        }
        rest = &rest[space..];
        let chunk = rest.find(is_space).unwrap_or(rest.len());
        tokens.extend(rest[..chunk].split_word_bounds());
        rest = &rest[chunk..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_boundaries_of_words() {
        for (text, expected) in [
            ("", ""),
            ("  ", ""),
            ("Der Mann, 3,5 Jahre.", "Der|Mann|,|3,5|Jahre|."),
            ("l'homme don’t o_o", "l'homme|don’t|o_o"),
            ("xxbos a \n \n b\t c", "xxbos|a|\n \n|b|c"),
            ("(привет)… мир!", "(|привет|)|…|мир|!"),
            ("日本語 カタカナ", "日|本|語|カタカナ"),
            ("👩‍👩‍👧a🇩🇪", "👩‍👩‍👧|a|🇩🇪"),
            ("e\u{301}te\u{301} שלום", "e\u{301}te\u{301}|שלום"),
        ] {
            assert_eq!(split(text).join("|"), expected, "{text:?}");
        }
    }
}
