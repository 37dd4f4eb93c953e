//! Repeated characters and words become a mark, a count and one copy.

use std::borrow::Cow;
use std::fmt::Write;

use super::{first, is_space, is_word, unchanged};
use crate::special;

/// Fewest repetitions that are replaced, of characters as of words.
const FEWEST: usize = 3;

/// Writes three or more of one character in a row, `aaaa`, as ` xxrep 4 a `.
///
/// fastai: `(\S)(\1{2,})`.
pub fn replace_rep(text: &str) -> Cow<'_, str> {
    replace_characters(text, FEWEST)
}

/// Replaces runs of `fewest` or more of one character.
pub(super) fn replace_characters(text: &str, fewest: usize) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut run: Option<(char, usize, usize)> = None; // character, start, count
    let ends = text
        .char_indices()
        .map(|(at, c)| (at, Some(c)))
        .chain([(text.len(), None)]);
    for (at, c) in ends {
        match &mut run {
            Some((character, _, count)) if Some(*character) == c => *count += 1,
            _ => {
                if let Some((character, start, count)) = run
                    && count >= fewest
                    && !is_space(character)
                {
                    out.push_str(&text[copied..start]);
                    mark(&mut out, special::REP, count, character);
                    out.push(' ');
                    copied = at;
                }
                run = c.map(|c| (c, at, 1));
            }
        }
    }
    finish(text, out, copied)
}

/// Writes a word that comes three or more times in a row, `no no no `, as ` xxwrep 3 no `.
///
/// fastai: `(?:\s|^)(\w+)\s+((?:\1\s+)+)\1(\s|\W|$)`. Only white space may stand between the
/// copies, case counts, and the character behind the last copy is kept.
pub fn replace_wrep(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(c) = first(&text[at..]) {
        // A word starts at the beginning of the text or behind white space.
        let start = if is_space(c) { at + c.len_utf8() } else { at };
        let may_start = start > at || at == 0;
        let word = if may_start {
            word_at(&text[start..])
        } else {
            ""
        };
        if word.is_empty() {
            at += c.len_utf8();
            continue;
        }
        let (count, end) = count_copies(text, start, word);
        if count < FEWEST {
            at = start + word.len();
            continue;
        }
        out.push_str(&text[copied..at]);
        mark(&mut out, special::WREP, count, word);
        out.push(' ');
        let behind = first(&text[end..]);
        out.extend(behind);
        at = end + behind.map_or(0, char::len_utf8);
        copied = at;
    }
    finish(text, out, copied)
}

/// How often a word comes in a row from `start`, and where the last whole copy ends.
fn count_copies(text: &str, start: usize, word: &str) -> (usize, usize) {
    let mut count = 1;
    let mut end = start + word.len();
    loop {
        let rest = &text[end..];
        let next = rest.trim_start_matches(is_space);
        let space = rest.len() - next.len();
        if space == 0 || word_at_most(next, word.len()) != Some(word) {
            return (count, end);
        }
        count += 1;
        end += space + word.len();
    }
}

/// The word characters that a text begins with.
fn word_at(text: &str) -> &str {
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    &text[..end]
}

/// The word that a text begins with if it has exactly this length; looks no further than that.
fn word_at_most(text: &str, length: usize) -> Option<&str> {
    let word = text.get(..length)?;
    let goes_on = first(&text[length..]).is_some_and(is_word);
    (!goes_on).then_some(word)
}

pub(super) fn mark(out: &mut String, token: &str, count: usize, repeated: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, " {token} {count} {repeated}");
}

fn finish(text: &str, mut out: String, copied: usize) -> Cow<'_, str> {
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
    fn repeated_characters() {
        for (text, expected) in [
            ("", ""),
            ("aab", "aab"),
            ("aaaa", " xxrep 4 a "),
            ("what!!!?", "what xxrep 3 ! ?"),
            ("1999 ....", "1 xxrep 3 9   xxrep 4 . "),
            ("    ", "    "),
            ("\n\n\n", "\n\n\n"),
            ("\u{1c}\u{1c}\u{1c}", "\u{1c}\u{1c}\u{1c}"),
            ("aaaAAA", " xxrep 3 a  xxrep 3 A "),
            ("😀😀😀😀", " xxrep 4 😀 "),
        ] {
            assert_eq!(replace_rep(text), expected, "{text:?}");
        }
    }

    #[test]
    fn repeated_words() {
        for (text, expected) in [
            ("", ""),
            ("no no", "no no"),
            ("no no no", " xxwrep 3 no "),
            ("no no no no.", " xxwrep 4 no ."),
            ("oh no no no way", "oh xxwrep 3 no  way"),
            ("no no no nobody", " xxwrep 3 no  nobody"),
            ("no no nobody", "no no nobody"),
            ("no  no\n\tno x", " xxwrep 3 no  x"),
            ("No no no", "No no no"),
            ("no, no, no", "no, no, no"),
            ("(no no no)", "(no no no)"),
            ("a a a b b b c", " xxwrep 3 a  b b b c"),
            ("a a a  b b b c", " xxwrep 3 a   xxwrep 3 b  c"),
            ("-no no no no", "-no xxwrep 3 no "),
            (" é é é-é", " xxwrep 3 é -é"),
            ("ab abc ab ab ab\n", "ab abc xxwrep 3 ab \n"),
        ] {
            assert_eq!(replace_wrep(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_repeats_are_linear() {
        let characters = "a".repeat(1 << 20);
        assert_eq!(replace_rep(&characters), " xxrep 1048576 a ");
        assert_eq!(replace_wrep(&characters), characters);
        assert_eq!(replace_wrep(&"a ".repeat(1 << 20)), " xxwrep 1048576 a  ");
        let spaces = " ".repeat(1 << 20);
        assert_eq!(replace_wrep(&spaces), spaces);
        // Each word is longer than the one before it, and none repeats.
        let growing: Vec<String> = (1..1500).map(|n| "ab".repeat(n)).collect();
        let growing = growing.join(" ");
        assert_eq!(replace_wrep(&growing), growing);
    }
}
