//! Remains of HTML, as fastai's `fix_html` undoes them.

use std::borrow::Cow;

use super::{rm_useless_spaces, unchanged};
use crate::special;

/// Replaced one after the other over the whole text, in this order. The leading `&` of `&#39;` and
/// the like is left behind, and only `<br />` in this spelling is known: both are fastai's ways.
const FIXES: [(&str, &str); 13] = [
    ("#39;", "'"),
    ("amp;", "&"),
    ("#146;", "'"),
    ("nbsp;", " "),
    ("#36;", "$"),
    ("\\n", "\n"),
    ("quot;", "'"),
    ("<br />", "\n"),
    ("\\\"", "\""),
    ("<unk>", special::UNK),
    (" @.@ ", "."),
    (" @-@ ", "-"),
    ("...", " …"),
];

/// Undoes broken HTML escapes, line breaks and `WikiText`'s markup, then unescapes what is left.
pub fn fix_html(text: &str) -> Cow<'_, str> {
    let mut fixed = unchanged(text);
    let marks = Marks::of(text);
    for (from, to) in FIXES {
        if marks.allow(from) && fixed.contains(from) {
            fixed = Cow::Owned(fixed.replace(from, to));
        }
    }
    if fixed.contains('&') {
        Cow::Owned(unescape(&fixed))
    } else {
        fixed
    }
}

/// Which of the bytes are there that every fix needs one of: most texts have few of them, and are not
/// looked through thirteen times.
struct Marks {
    there: [bool; 256],
    /// Three side by side, or what may become that.
    dots: bool,
}

impl Marks {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut there = [false; 256];
        for &byte in bytes {
            there[usize::from(byte)] = true;
        }
        let has = |byte: u8| there[usize::from(byte)];
        // ` @.@ ` may leave dots side by side that were not.
        let dots = has(b'.') && (has(b'@') || bytes.windows(3).any(|three| three == b"..."));
        Self { there, dots }
    }

    /// Whether a text with these bytes can have what is fixed. No fix makes any of them, but for dots.
    fn allow(&self, from: &str) -> bool {
        match from.as_bytes() {
            [b'.', ..] => self.dots,
            [b' ', mark, ..] | [mark @ (b'\\' | b'<'), ..] => self.there[usize::from(*mark)],
            _ => self.there[usize::from(b';')],
        }
    }
}

/// fastai 1.0's `fix_html`: it also undoes ` @,@ `, puts spaces around `\`, and makes one space of
/// several in the end; dots stay.
pub(super) fn fix_html_v1(text: &str) -> String {
    const LAST: [(&str, &str); 2] = [(" @,@ ", ","), ("\\", " \\ ")];
    let mut fixed = text.to_owned();
    let common = FIXES.iter().filter(|(from, _)| *from != "...");
    for (from, to) in common.chain(&LAST) {
        if fixed.contains(from) {
            fixed = fixed.replace(from, to);
        }
    }
    rm_useless_spaces(&unescape(&fixed)).into_owned()
}

/// Python's `html.unescape`.
///
/// Named references are the standard's, which `htmlize` knows. Numeric ones differ: Python drops
/// those that name a control or a non-character, where the standard keeps the character.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.as_bytes().get(1) {
            Some(b'#') => unescape_number(rest, &mut out),
            _ => unescape_name(rest, &mut out),
        };
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Appends what a reference such as `&eacute;` stands for; returns how many bytes it took.
fn unescape_name(text: &str, out: &mut String) -> usize {
    // The longest name has 32 characters, its semicolon included.
    let ends = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | ' ' | '<' | '&' | '#' | ';');
    let name: usize = text[1..]
        .chars()
        .take(32)
        .take_while(|&c| !ends(c))
        .map(char::len_utf8)
        .sum();
    let semicolon = usize::from(text[1 + name..].starts_with(';'));
    let length = 1 + name + semicolon;
    out.push_str(&htmlize::unescape(&text[..length]));
    length
}

/// Appends what a reference such as `&#233;` stands for; returns how many bytes it took.
fn unescape_number(text: &str, out: &mut String) -> usize {
    let hexadecimal = matches!(text.as_bytes().get(2), Some(b'x' | b'X'));
    let (start, radix) = if hexadecimal { (3, 16) } else { (2, 10) };
    let digits = text[start..]
        .chars()
        .take_while(|c| c.is_digit(radix))
        .count();
    if digits == 0 {
        out.push('&');
        return 1;
    }
    let end = start + digits;
    let code = text[start..end].chars().fold(0_u32, |code, digit| {
        code.saturating_mul(radix)
            .saturating_add(digit.to_digit(radix).unwrap_or(0))
    });
    out.extend(character(code));
    end + usize::from(text[end..].starts_with(';'))
}

/// The character that Python puts for a code, if any.
fn character(code: u32) -> Option<char> {
    match code {
        0 => Some('\u{fffd}'),
        0x0d => Some('\r'),
        0x80..=0x9f => Some(windows_1252(code as u8)),
        0x01..=0x08 | 0x0b | 0x0e..=0x1f | 0x7f | 0xfdd0..=0xfdef => None,
        0..=0x10_ffff if code & 0xfffe == 0xfffe => None,
        _ => Some(char::from_u32(code).unwrap_or('\u{fffd}')),
    }
}

/// Windows-1252, where the bytes it leaves undefined stand for themselves.
pub(crate) fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_what_fastai_fixes() {
        for (text, expected) in [
            ("it&#39;s", "it&'s"),
            ("A&amp;B", "A&&B"),
            ("&lt;b&gt;", "<b>"),
            ("say &quot;hi&quot;", "say &'hi&'"),
            ("a<br />b<br/>c", "a\nb<br/>c"),
            ("a\\nb \\\"c\\\"", "a\nb \"c\""),
            ("<unk> 3 @.@ 5 @-@ 6 @,@ 7", "xxunk 3.5-6 @,@ 7"),
            ("so...... well....", "so … … well …."),
            ("#36;5 nbsp;x #146;", "$5  x '"),
            ("&#39;", "&'"),
        ] {
            assert_eq!(fix_html(text), expected, "{text:?}");
        }
    }

    #[test]
    fn unescapes_as_python_does() {
        for (text, expected) in [
            ("caf&eacute; &notit; &amp", "café ¬it; &"),
            ("&#233;&#xE9;&#XE9;&#233x", "ééééx"),
            ("&#0;&#13;&#128;&#129;", "\u{fffd}\r€\u{81}"),
            ("[&#1;&#x0b;&#127;&#xfdd0;&#xffff;&#x1fffe;]", "[]"),
            (
                "&#xd800;&#x110000;&#99999999999999999999;",
                "\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("&#;&#x;&#xg;&;& &", "&#;&#x;&#xg;&;& &"),
            ("&CounterClockwiseContourIntegral;", "∳"),
            (
                "&é&日本語の長い名前ですからこれは何でもありません;",
                "&é&日本語の長い名前ですからこれは何でもありません;",
            ),
        ] {
            assert_eq!(unescape(text), expected, "{text:?}");
        }
    }
}
