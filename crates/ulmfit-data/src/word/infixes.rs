//! Where a word is cut inside (spaCy's `TOKENIZER_INFIXES` for English).

use super::characters::{is_icon, is_letter, is_lower, is_quote, is_upper};

/// What joins words; the first that fits is cut out, so `-` is tried before `--`.
const HYPHENS: [&str; 7] = ["-", "–", "—", "--", "---", "——", "~"];

/// Cuts a word at the punctuation inside it.
pub(super) fn split<'t>(word: &'t str, tokens: &mut Vec<&'t str>) {
    let mut start = 0;
    let mut at = 0;
    let mut before = None;
    while let Some(c) = word[at..].chars().next() {
        let length = infix(before, c, &word[at..]);
        // An infix at the very beginning is not cut off: it has nothing to separate.
        if length > 0 && at > 0 {
            if at > start {
                tokens.push(&word[start..at]);
            }
            tokens.push(&word[at..at + length]);
            start = at + length;
        }
        let step = length.max(c.len_utf8());
        before = word[at..at + step].chars().next_back();
        at += step;
    }
    if start < word.len() {
        tokens.push(&word[start..]);
    }
}

/// Whether there is an infix anywhere in the word, its beginning included.
pub(super) fn is_in(word: &str) -> bool {
    let mut before = None;
    word.char_indices().any(|(at, c)| {
        let found = infix(before, c, &word[at..]) > 0;
        before = Some(c);
        found
    })
}

/// Length in bytes of the infix that `rest`, which begins with `c`, begins with; 0 for none.
fn infix(before: Option<char>, c: char, rest: &str) -> usize {
    let width = c.len_utf8();
    // Letters and digits, which is most of a text, begin no infix.
    if c.is_ascii_alphanumeric() {
        return 0;
    }
    if c == '…' || is_icon(c) {
        return width;
    }
    let dots = rest.len() - rest.trim_start_matches('.').len();
    if dots > 1 {
        return dots;
    }
    let Some(before) = before else { return 0 };
    let next = rest[width..].chars().next();
    let letter_next = next.is_some_and(is_letter);
    let joins = match c {
        '+' | '-' | '*' | '^' if before.is_ascii_digit() => {
            next.is_some_and(|next| next.is_ascii_digit() || next == '-')
        }
        '.' => {
            (is_lower(before) || is_quote(before))
                && next.is_some_and(|next| is_upper(next) || is_quote(next))
        }
        ',' => is_letter(before) && letter_next,
        ':' | '<' | '>' | '=' | '/' => {
            (is_letter(before) || before.is_ascii_digit()) && letter_next
        }
        _ => false,
    };
    if joins {
        return width;
    }
    if !is_letter(before) && !before.is_ascii_digit() {
        return 0;
    }
    HYPHENS
        .iter()
        .filter_map(|hyphen| Some((hyphen, rest.strip_prefix(hyphen)?.chars().next()?)))
        .find(|(_, next)| is_letter(*next))
        .map_or(0, |(hyphen, _)| hyphen.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (word, expected) in [
            ("plain", "plain"),
            ("a-b-c", "a|-|b|-|c"),
            ("a--b", "a|--|b"),
            ("a----b", "a----b"),
            ("a-1", "a-1"),
            ("1-2", "1|-|2"),
            ("a...b", "a|...|b"),
            ("a.B", "a|.|B"),
            ("a.b", "a.b"),
            ("a,b,1", "a|,|b,1"),
            ("-a", "-a"),
            ("a…b", "a|…|b"),
            ("b:c=d", "b|:|c|=|d"),
            ("a😀😀b", "a|😀|😀|b"),
            ("", ""),
        ] {
            let mut tokens = Vec::new();
            split(word, &mut tokens);
            assert_eq!(tokens.join("|"), expected, "{word:?}");
        }
    }
}
