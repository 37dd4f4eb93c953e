//! Words that the punctuation rules would cut wrongly (spaCy's `TOKENIZER_EXCEPTIONS` for English).
//!
//! The text is in small letters by the time it is cut, so only those are listed. Each exception
//! with an apostrophe also exists with a typographic one.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::affixes;

/// Kept whole.
const WHOLE: &str = "\
    ' '' \\\") <space> a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z. \
    ä. ö. ü. :) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 \
    ;) ;-) (; (-; :( :-( :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= \
    =[ :1 :p :-p :o :-o :0 :-0 :() >:o :* :-* :3 :-3 =3 :> :-> :x :-x xd xdd ^_^ ^__^ ^___^ >.< \
    >.> <.< ._. ;_; -_- -__- v.v v_v o_o 0_o o_0 0_0 o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) \
    (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ (ಠ_ಠ) 'd 's 're 'cause 'cos 'coz 'cuz 'bout 'em 'll 'nuff \
    and/or w/o ma'am o'clock lovin' havin' doin' goin' nothin' nuthin' ol' somethin' a.m. p.m. co. \
    e.g. i.e. vs. v.s.";

/// Cut at the bars.
const CUT: &str = "\
    i|'m i|m i|'m|a i|m|a y'|all y|all how|'d|'y not|'ve not|ve can|not gon|na got|ta let|'s \
    c'm|on °|c|. °|f|. °|k|.";

/// Contractions of `will` and `would` follow these.
const PRONOUNS: [&str; 7] = ["i", "you", "he", "she", "it", "we", "they"];
const QUESTION_WORDS: [&str; 7] = ["who", "what", "when", "where", "why", "how", "there"];
/// `n't` follows these, and `'ve` may follow it.
const MODALS: [&str; 15] = [
    "ca", "could", "do", "does", "did", "had", "may", "might", "must", "need", "ought", "sha",
    "should", "wo", "would",
];
/// `n't` follows these.
const OTHER_VERBS: [&str; 8] = ["ai", "are", "is", "was", "were", "have", "has", "dare"];
/// Would be contractions but for being words.
const WORDS: [&str; 8] = [
    "ill", "its", "hell", "shell", "shed", "were", "well", "whore",
];

/// No exception is longer, in bytes.
const LONGEST: usize = 20;

/// From the exception to the lengths of its tokens in bytes.
static EXCEPTIONS: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(build);

/// The lengths in bytes of the tokens that an exception is cut in, if the text is one.
pub(super) fn find(text: &str) -> Option<&'static [usize]> {
    if text.len() > LONGEST {
        return None;
    }
    EXCEPTIONS.get(text).map(Vec::as_slice)
}

/// Joins tokens from place `start` on, which together are `text`, where they are an exception:
/// `good:)` is first cut in `good`, `:` and `)`, of which the last two are joined again. The longest
/// exception wins. As in spaCy, only exceptions that begin or end with punctuation are joined: in
/// `id.`, which is cut in `i`, `d` and `.`, that is `d.`.
pub(super) fn join<'t>(text: &'t str, tokens: &mut Vec<&'t str>, start: usize) {
    if tokens.len() < start + 2 {
        return;
    }
    let apart: Vec<&str> = tokens.drain(start..).collect();
    let mut rest = text;
    let mut read = 0;
    while read < apart.len() {
        let mut count = 1;
        let mut length = apart[read].len();
        let mut cuts = None;
        let mut end = length;
        for (i, next) in apart[read + 1..].iter().enumerate() {
            end += next.len();
            if end > LONGEST {
                break;
            }
            let together = &rest[..end];
            if let Some(found) = find(together)
                && (affixes::prefix(together) > 0 || affixes::suffix(together) > 0)
            {
                (count, length, cuts) = (i + 2, end, Some(found));
            }
        }
        let (whole, behind) = rest.split_at(length);
        match cuts {
            Some(cuts) => super::cut(whole, cuts, tokens),
            None => tokens.push(whole),
        }
        rest = behind;
        read += count;
    }
}

fn build() -> HashMap<String, Vec<usize>> {
    let mut table = HashMap::new();
    let mut insert = |word: &str, pieces: &[&str]| {
        if WORDS.contains(&word) {
            return;
        }
        for apostrophe in ["'", "’"] {
            let lengths = pieces
                .iter()
                .map(|piece| piece.replace('\'', apostrophe).len());
            table.insert(word.replace('\'', apostrophe), lengths.collect());
        }
    };
    WHOLE
        .split_whitespace()
        .for_each(|word| insert(word, &[word]));
    let mut add = |pieces: &str| {
        let cut: Vec<&str> = pieces.split('|').collect();
        insert(&cut.concat(), &cut);
    };
    CUT.split_whitespace().for_each(&mut add);
    // A contraction exists with and without its apostrophe: `they're`, `theyre`.
    let mut contract = |word: &str, endings: &[&str]| {
        for ending in endings {
            let pieces = format!("{word}|{ending}");
            add(&pieces.replace('\'', ""));
            add(&pieces);
        }
    };
    for word in PRONOUNS
        .iter()
        .chain(&QUESTION_WORDS)
        .chain(&["that", "this", "these", "those"])
    {
        contract(word, &["'ll", "'ll|'ve", "'d", "'d|'ve"]);
    }
    for word in ["i", "you", "we", "they", "these", "those"]
        .iter()
        .chain(&QUESTION_WORDS)
    {
        contract(word, &["'ve"]);
    }
    for word in ["you", "we", "they", "these", "those"]
        .iter()
        .chain(&QUESTION_WORDS)
    {
        contract(word, &["'re"]);
    }
    for word in ["he", "she", "it", "that", "this"]
        .iter()
        .chain(&QUESTION_WORDS)
    {
        contract(word, &["'s"]);
    }
    for verb in MODALS {
        contract(verb, &["n't", "n't|'ve"]);
    }
    for verb in OTHER_VERBS {
        contract(verb, &["n't"]);
    }
    for verb in ["could", "might", "must", "should", "would"] {
        contract(verb, &["'ve"]);
    }
    for hour in 1..=12 {
        for half in ["a.m.", "am", "p.m.", "pm"] {
            add(&format!("{hour}|{half}"));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> String {
        let mut tokens = Vec::new();
        super::super::cut(text, find(text).unwrap_or(&[]), &mut tokens);
        tokens.join("+")
    }

    #[test]
    fn contractions() {
        for (word, expected) in [
            ("can't", "ca+n't"),
            ("cant", "ca+nt"),
            ("shouldn't've", "should+n't+'ve"),
            ("they’re", "they+’re"),
            ("whats", "what+s"),
            ("5pm", "5+pm"),
            ("e.g.", "e.g."),
            ("well", ""),
            ("were", ""),
            ("we'll", "we+'ll"),
            ("13pm", ""),
            ("whore", ""),
            (":|", ":|"),
            (":", ""),
        ] {
            assert_eq!(pieces(word), expected);
        }
    }

    #[test]
    fn none_is_longer_than_it_says() {
        assert!(EXCEPTIONS.keys().all(|word| word.len() <= LONGEST));
    }
}
