//! Where spaces are added, taken away and made visible.

use std::borrow::Cow;

use super::unchanged;

/// Puts spaces around `/`, `#` and `\`. fastai: `([/#\\])`.
pub fn spec_add_spaces(text: &str) -> Cow<'_, str> {
    let special = |c| matches!(c, '/' | '#' | '\\');
    if !text.contains(special) {
        return unchanged(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if special(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Makes one space of several; other white space stays. fastai: ` {2,}`.
pub fn rm_useless_spaces(text: &str) -> Cow<'_, str> {
    if !text.contains("  ") {
        return unchanged(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Writes the spaces inside a token as `▁` (U+2581), since fastai's token files are joined by spaces.
pub fn replace_space(token: &str) -> String {
    token.replace(' ', "▁")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        assert_eq!(spec_add_spaces("a/b #c \\d"), "a / b  # c  \\ d");
        assert_eq!(spec_add_spaces("plain"), "plain");
        assert_eq!(rm_useless_spaces("a   b  c d \n  \n"), "a b c d \n \n");
        assert_eq!(rm_useless_spaces("a\u{a0}\u{a0}b"), "a\u{a0}\u{a0}b");
        assert_eq!(replace_space("\n \n"), "\n▁\n");
    }
}
