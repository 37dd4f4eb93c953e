//! Exceptions that stand among other punctuation and are put together again, as spaCy does last.
//!
//! `good:)` is cut in `good`, `:` and `)`, of which the last two are an exception. spaCy looks for
//! them in the tokens of the whole text, and does not see the spaces between tokens: the longest comes
//! first, then the first, and what it takes is taken from others even where a space in it keeps it
//! from being joined. So `''` stays in two pieces in `' ''a`, where the first two of the three
//! quotation marks come first. Of the exceptions, only those with punctuation in them are looked for:
//! in `id.`, which is cut in `i`, `d` and `.`, that is `d.`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{affixes, exceptions, infixes};

/// From the exception to the lengths in bytes of the tokens it is cut in where it is not known.
static APART: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let has_punctuation =
        |text: &str| affixes::prefix(text) > 0 || affixes::suffix(text) > 0 || infixes::is_in(text);
    exceptions::all()
        .filter(|text| has_punctuation(text))
        .map(|text| {
            let mut tokens = Vec::new();
            super::split_unknown(text, &mut tokens);
            (text, tokens.iter().map(|token| token.len()).collect())
        })
        .filter(|(_, lengths): &(_, Vec<usize>)| lengths.len() > 1)
        .collect()
});

/// Tokens from `start` to `end` that read as an exception.
#[derive(Clone, Copy)]
struct Match {
    start: usize,
    end: usize,
    /// Whether there is no space between them.
    is_joined: bool,
}

/// Joins what is an exception. The tokens are slices of `text`, in order.
pub(super) fn join<'t>(text: &'t str, tokens: Vec<&'t str>) -> Vec<&'t str> {
    let mut found = find(&tokens);
    if found.is_empty() {
        return tokens;
    }
    found.sort_by_key(|found| (std::cmp::Reverse(found.end - found.start), found.start));
    let mut taken = vec![false; tokens.len()];
    let mut kept = Vec::new();
    for found in found {
        if !taken[found.start] && !taken[found.end - 1] {
            kept.push(found);
        }
        taken[found.start..found.end].fill(true);
    }
    kept.retain(|kept| kept.is_joined);
    kept.sort_by_key(|kept| kept.start);

    let mut joined = Vec::with_capacity(tokens.len());
    let mut at = 0;
    for Match { start, end, .. } in kept {
        joined.extend_from_slice(&tokens[at..start]);
        let first = tokens[start].as_ptr() as usize - text.as_ptr() as usize;
        let length: usize = tokens[start..end].iter().map(|token| token.len()).sum();
        let whole = &text[first..first + length];
        match exceptions::find(whole) {
            Some(cuts) => super::cut(whole, cuts, &mut joined),
            None => joined.extend_from_slice(&tokens[start..end]),
        }
        at = end;
    }
    joined.extend_from_slice(&tokens[at..]);
    joined
}

/// All runs of tokens that read as an exception when the spaces between them are left out.
fn find(tokens: &[&str]) -> Vec<Match> {
    let mut found = Vec::new();
    let mut together = String::new();
    let begins_a_word = |token: &str| token.starts_with(|c: char| c.is_ascii_alphanumeric());
    for (start, pair) in tokens.windows(2).enumerate() {
        // No exception is cut between two words, and words are most of a text.
        if begins_a_word(pair[0]) && begins_a_word(pair[1]) {
            continue;
        }
        together.clear();
        together.push_str(pair[0]);
        let mut is_joined = true;
        for (i, token) in tokens[start + 1..].iter().enumerate() {
            if together.len() + token.len() > exceptions::LONGEST {
                break;
            }
            let before = tokens[start + i];
            is_joined &= before.as_bytes().as_ptr_range().end == token.as_ptr();
            together.push_str(token);
            let end = start + i + 2;
            if let Some(lengths) = APART.get(together.as_str())
                && lengths.len() == end - start
                && lengths
                    .iter()
                    .zip(&tokens[start..end])
                    .all(|(n, token)| *n == token.len())
            {
                found.push(Match {
                    start,
                    end,
                    is_joined,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::split;

    #[test]
    fn the_longest_then_the_first_is_joined_and_takes_its_tokens() {
        for (text, expected) in [
            ("good:)", "good|:)"),
            ("good:))", "good|:))"),
            ("good: )", "good|:|)"),
            ("a''", "a|''"),
            ("a'''", "a|''|'"),
            ("a' ''b", "a|'|'|'|b"),
            ("a'' ''b", "a|''|'|'|b"),
            ("\"a\" ''b''", "\"|a|\"|''|b|''"),
        ] {
            assert_eq!(split(text).join("|"), expected, "{text:?}");
        }
    }
}
