//! fastai v2's text rules, exactly (`fastai/text/core.py`).
//!
//! [`keep_case`] leaves capitals as they are, for other languages than English; [`v1`] has the rules of
//! fastai 1.0.
//!
//! Before tokenization, in this order: `fix_html`, `replace_rep`, `replace_wrep`, `spec_add_spaces`,
//! `rm_useless_spaces`, `replace_all_caps`, `replace_maj`, `lowercase`. After it, on each token:
//! `replace_space`. The functions keep fastai's names.
//!
//! Four of fastai's regular expressions look back or ahead. Here each rule is one scan that is
//! linear in the text, whatever the text: a megabyte of one character takes milliseconds.
//!
//! Agreement with Python is exact but for what Rust's standard library does not know: it counts
//! combining vowel signs and circled letters as word characters, which Python's `\w` does not. Only
//! repeated words of such scripts can tell the difference.

mod case;
mod html;
mod repeats;
mod spaces;
pub mod v1;

use std::borrow::Cow;

use crate::special;

pub use case::{lowercase, replace_all_caps, replace_maj};
pub use html::fix_html;
pub(crate) use html::windows_1252;
pub use repeats::{replace_rep, replace_wrep};
pub use spaces::{replace_space, rm_useless_spaces, spec_add_spaces};

/// All rules that come before the tokenizer, in fastai v2's order.
pub fn apply(text: &str) -> String {
    let text = fix_html(text);
    let text = replace_rep(&text);
    let text = replace_wrep(&text);
    let text = spec_add_spaces(&text);
    let text = rm_useless_spaces(&text);
    let text = replace_all_caps(&text);
    let text = replace_maj(&text);
    lowercase(&text)
}

/// The rules without those for capitals, which are English: `replace_all_caps`, `replace_maj` and
/// `lowercase`. German nouns have capitals, and many scripts have none.
pub fn keep_case(text: &str) -> String {
    let text = fix_html(text);
    let text = replace_rep(&text);
    let text = replace_wrep(&text);
    let text = spec_add_spaces(&text);
    let text = rm_useless_spaces(&text);
    format!("{} {}", special::BOS, text.trim_matches(is_space))
}

/// Python's `str.isspace` and `\s`: Unicode's white space and the four ASCII separators.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Python's `\w`, as near as the standard library comes.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The first character of a text.
fn first(text: &str) -> Option<char> {
    text.chars().next()
}

/// Owned text out of a borrowed one that had nothing to change.
fn unchanged(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
