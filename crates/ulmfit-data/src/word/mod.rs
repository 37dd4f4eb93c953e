//! English words and punctuation, after spaCy's blank English tokenizer.
//!
//! The text is cut at white space. From each chunk, punctuation is taken off both ends one piece
//! at a time until what is left is a known exception (`don't`, `e.g.`, `:-)`), an address, or a word;
//! a word is then cut at the punctuation inside it. Every token is a slice of the text, and the
//! tokens cover all of it except single spaces, so nothing is lost.
//!
//! fastai's special tokens need no care here: they are letters only, so nothing is taken off them.
//!
//! `tests/fastai_tokens.rs` holds it to fastai's tokens, spaCy's included; `docs/deviations.md` says
//! where it can still differ.

mod affixes;
mod characters;
mod classes;
mod exceptions;
mod infixes;
mod joins;
mod url;

use crate::rules::is_space;

/// The tokens of a text, in order.
///
/// White space is a token of its own but for the single space that separates two words: of a run of
/// white space behind a word the first space is left out, and what remains is one token.
pub fn split(text: &str) -> Vec<&str> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut rest = text;
    while !rest.is_empty() {
        let space = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
        if space > 0 {
            // At the very beginning there is no word for the first space to belong to.
            let behind_word = rest.len() < text.len() && rest.starts_with(' ');
            let token = &rest[usize::from(behind_word)..space];
            if !token.is_empty() {
                tokens.push(token);
            }
            rest = &rest[space..];
        }
        let chunk = rest.find(is_space).unwrap_or(rest.len());
        split_chunk(&rest[..chunk], &mut tokens);
        rest = &rest[chunk..];
    }
    joins::join(text, tokens)
}

/// The tokens of a text without white space.
fn split_chunk<'t>(chunk: &'t str, tokens: &mut Vec<&'t str>) {
    if chunk.is_empty() {
        return;
    }
    // Most chunks are plain words, and no exception is longer than a few letters.
    if chunk.bytes().all(|b| b.is_ascii_lowercase()) && exceptions::find(chunk).is_none() {
        tokens.push(chunk);
        return;
    }
    let mut suffixes = Vec::new();
    let core = strip(
        chunk,
        |text| exceptions::find(text).is_some(),
        tokens,
        &mut suffixes,
    );
    if let Some(cuts) = exceptions::find(core) {
        cut(core, cuts, tokens);
    } else {
        split_core(core, tokens);
    }
    tokens.extend(suffixes.into_iter().rev());
}

/// The tokens of a chunk as if there were no exceptions.
fn split_unknown<'t>(chunk: &'t str, tokens: &mut Vec<&'t str>) {
    let mut suffixes = Vec::new();
    let core = strip(chunk, |_| false, tokens, &mut suffixes);
    split_core(core, tokens);
    tokens.extend(suffixes.into_iter().rev());
}

/// The tokens of what is left between prefixes and suffixes.
fn split_core<'t>(core: &'t str, tokens: &mut Vec<&'t str>) {
    if url::is_url(core) {
        tokens.push(core);
    } else if !core.is_empty() {
        infixes::split(core, tokens);
    }
}

/// Takes prefixes and suffixes off; returns what is left. Suffixes come last first.
fn strip<'t>(
    chunk: &'t str,
    is_exception: impl Fn(&str) -> bool,
    prefixes: &mut Vec<&'t str>,
    suffixes: &mut Vec<&'t str>,
) -> &'t str {
    let mut core = chunk;
    loop {
        if core.is_empty() || is_exception(core) {
            return core;
        }
        let prefix = affixes::prefix(core);
        if prefix > 0 && is_exception(&core[prefix..]) {
            prefixes.push(&core[..prefix]);
            return &core[prefix..];
        }
        // The suffix is looked for behind the prefix, so the two never overlap.
        let suffix = affixes::suffix(&core[prefix..]);
        let behind = core.len() - suffix;
        if suffix > 0 && is_exception(&core[..behind]) {
            suffixes.push(&core[behind..]);
            return &core[..behind];
        }
        if prefix == 0 && suffix == 0 {
            return core;
        }
        if prefix > 0 {
            prefixes.push(&core[..prefix]);
        }
        if suffix > 0 {
            suffixes.push(&core[behind..]);
        }
        core = &core[prefix..behind];
    }
}

/// Cuts an exception in its tokens.
fn cut<'t>(text: &'t str, lengths: &[usize], tokens: &mut Vec<&'t str>) {
    let mut rest = text;
    for &length in lengths {
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_as_spacy_does() {
        for (text, expected) in [
            ("", ""),
            (" ", " "),
            ("a  b", "a| |b"),
            ("a \n\n b", "a|\n\n |b"),
            ("a\tb ", "a|\t|b"),
            ("hello, world.", "hello|,|world|."),
            ("don't can't won't i'm", "do|n't|ca|n't|wo|n't|i|'m"),
            ("dont cannot gonna its", "do|nt|can|not|gon|na|its"),
            ("don’t she’ll", "do|n’t|she|’ll"),
            ("who'd've y'all", "who|'d|'ve|y'|all"),
            ("film's films' 'single'", "film|'s|films|'|'|single|'"),
            ("o'connell rock'n'roll", "o'connell|rock'n'roll"),
            (
                "u.s.a. e.g. i.e. a.m. vs. mr. s.",
                "u.s.a|.|e.g.|i.e.|a.m.|vs.|mr|.|s.",
            ),
            ("5pm 10km 5:30pm 50%", "5|pm|10|km|5:30pm|50|%"),
            ("pg-13 mini-series 50-50", "pg-13|mini|-|series|50|-|50"),
            ("well--known --dash", "well|--|known|--dash"),
            ("so… … what?!", "so|…|…|what|?|!"),
            (
                "end.but www.imdb.com a@b.com",
                "end.but|www.imdb.com|a@b.com",
            ),
            ("end.\"then a,b 1,000", "end|.|\"then|a|,|b|1,000"),
            ("−25°c. a°f", "−25|°|c|.|a|°|f"),
            ("id. i’m.", "i|d.|i|’m|."),
            (":-) good:) (: <3", ":-)|good|:)|(:|<3"),
            ("($5.00) £3 3+4", "(|$|5.00|)|£|3|3|+|4"),
            ("a=b c:d x<y", "a|=|b|c|:|d|x|<|y"),
            ("c++ c# +1", "c++|c|#|+1"),
            ("\"'(hi)'\"", "\"|'|(|hi|)|'|\""),
        ] {
            assert_eq!(split(text).join("|"), expected, "{text:?}");
        }
    }

    #[test]
    fn long_chunks_are_linear() {
        let length = 1 << 18;
        for piece in [
            "a", "!", "?!", ".", "-", "'s", "(", ":)", "…", "a-", "a.", "@", "1+",
        ] {
            let chunk = piece.repeat(length);
            assert_eq!(split(&chunk).concat(), chunk, "{piece}");
        }
    }
}
