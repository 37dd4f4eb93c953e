//! fastai 1.0's text rules (`fastai/text/transform.py`, 1.0.61), for checkpoints made with it.
//!
//! Before the tokenizer, in this order: `fix_html`, `replace_rep`, `replace_wrep`,
//! `spec_add_spaces`, `rm_useless_spaces`. Capitals come after it, token by token: `replace_all_caps`,
//! then `deal_caps`. Runs count from four on, and nothing is stripped.

use super::{first, html, is_word, repeats, rm_useless_spaces};
use crate::special;

/// Fewest repetitions that are replaced.
const FEWEST: usize = 4;

/// All rules that come before the tokenizer, and `xxbos ` before them, as fastai joins texts.
pub fn apply(text: &str) -> String {
    let text = format!("{} {text}", special::BOS);
    let text = html::fix_html_v1(&text);
    let text = repeats::replace_characters(&text, FEWEST);
    let text = replace_wrep(&text);
    let text = spec_add_spaces(&text);
    rm_useless_spaces(&text).into_owned()
}

/// Capitals of tokens become marks: `NASA` becomes `xxup`, `nasa`, and `The` becomes `xxmaj`, `the`.
/// Others are lowercased.
pub fn mark_capitals(tokens: Vec<&str>) -> Vec<String> {
    let mut marked = Vec::with_capacity(tokens.len() + tokens.len() / 8);
    for token in tokens {
        let mut rest = token.chars();
        let capital = rest.next().is_some_and(char::is_uppercase);
        let rest = rest.as_str();
        if is_upper(token) && !(capital && rest.is_empty()) {
            marked.push(special::UP.to_owned());
        } else if capital && is_lower(rest) {
            marked.push(special::MAJ.to_owned());
        }
        marked.push(token.to_lowercase());
    }
    marked
}

/// Python's `str.isupper`, which asks for one letter with case at least.
fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}

/// Python's `str.islower`.
fn is_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)
}

/// Puts spaces around `/`, `#` and line ends.
fn spec_add_spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if matches!(c, '/' | '#' | '\n') {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// Writes a word that comes four or more times with the same punctuation or space behind it,
/// `no, no, no, no, `, as ` xxwrep 4 no,  `.
///
/// fastai: `(\b\w+\W+)(\1{3,})`. The count is one more than the pieces between white space in the
/// repetitions, so a word that is repeated without spaces counts as 2: fastai's way.
fn replace_wrep(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = first(&text[at..]) {
        // Always at the start of a word or between words.
        if !is_word(c) {
            out.push(c);
            at += c.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let behind = rest[word..].find(is_word).unwrap_or(rest.len() - word);
        let unit = &rest[..word + behind];
        let mut count = 1;
        if behind > 0 {
            while rest[count * unit.len()..].starts_with(unit) {
                count += 1;
            }
        }
        if count < FEWEST {
            out.push_str(unit);
            at += unit.len();
            continue;
        }
        let copies = &rest[unit.len()..count * unit.len()];
        let pieces = copies
            .split(super::is_space)
            .filter(|piece| !piece.is_empty());
        repeats::mark(&mut out, special::WREP, pieces.count() + 1, unit);
        out.push(' ');
        at += count * unit.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_tokenizer() {
        for (text, expected) in [
            ("", "xxbos "),
            ("aaa!!!! NO", "xxbos aaa xxrep 4 ! NO"),
            ("no no no no way", "xxbos xxwrep 4 no way"),
            ("no no no no", "xxbos no no no no"),
            ("a,a,a,a,b", "xxbos xxwrep 2 a, b"),
            ("so... a/b\n\nc\\d", "xxbos so... a / b \n \n c \\ d"),
            ("1 @,@ 000 a&amp;b", "xxbos 1,000 a&&b"),
        ] {
            assert_eq!(apply(text), expected, "{text:?}");
        }
    }

    #[test]
    fn behind_the_tokenizer() {
        let tokens = vec![
            "The", "NASA", "I", "McDonald", "U.S.", "Été", "A1", "'S", "5", "",
        ];
        assert_eq!(
            mark_capitals(tokens).join("|"),
            "xxmaj|the|xxup|nasa|i|mcdonald|xxup|u.s.|xxmaj|été|xxup|a1|xxup|'s|5|"
        );
    }
}
