//! Words that the punctuation rules would cut wrongly (spaCy's `TOKENIZER_EXCEPTIONS` for English).
//!
//! Each exception with an apostrophe also exists with a typographic one. fastai v2 writes a text in
//! small letters before it is cut, and then those with capitals never come up; other rules keep them.

use std::collections::HashMap;
use std::sync::LazyLock;

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

/// Kept whole, and written with capitals only.
const CAPITALS: &str = "\
    8-D 8D :-D :D ;-D ;D =D XD XDD xD xDD :-O :-P :-X :O :P :X O.O O_O V.V V_V o.O o_O C++ D.C. E.G. \
    I.E. N.C. N.D. N.H. N.J. N.M. N.Y. S.C. Ph.D. Adm. Ak. Ala. Apr. Ariz. Ark. Aug. Bros. Calif. \
    Colo. Conn. Corp. Dec. Del. Dr. Feb. Fla. Ga. Gen. Gov. Ia. Id. Ill. Inc. Ind. Jan. Jr. Jul. Jun. \
    Kan. Kans. Ky. La. Ltd. Mar. Mass. Md. Messrs. Mich. Minn. Miss. Mo. Mont. Mr. Mrs. Ms. Mt. Neb. \
    Nebr. Nev. Nov. Oct. Okla. Ore. Pa. Prof. Rep. Rev. Sen. Sep. Sept. St. Tenn. Va. Wash. Wis. \
    'Cause 'Cos 'Coz 'Cuz 'S";

/// Exceptions of small letters that do not exist with a first capital; of the others that begin with
/// a letter, each does.
const SMALL_ONLY: [&str; 15] = [
    "a.m.", "and/or", "em", "ll", "nuff", "o.0", "o_0", "p.m.", "v.s.", "v.v", "v_v", "vs.", "w/o",
    "y'all", "yall",
];

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
pub(super) const LONGEST: usize = 20;

/// From the exception to the lengths of its tokens in bytes.
static EXCEPTIONS: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(build);

/// The lengths in bytes of the tokens that an exception is cut in, if the text is one.
pub(super) fn find(text: &str) -> Option<&'static [usize]> {
    let (word, bit) = place(text)?;
    // Nearly every text that is none is known here, without a hash of it.
    if FILTER[word] & bit == 0 {
        return None;
    }
    EXCEPTIONS.get(text).map(Vec::as_slice)
}

/// A bit for each first byte, last byte and length that an exception has, of the bytes five bits.
static FILTER: LazyLock<[u32; 1 << 10]> = LazyLock::new(|| {
    let mut filter = [0; 1 << 10];
    for (word, bit) in all().filter_map(place) {
        filter[word] |= bit;
    }
    filter
});

/// Where a text is in the filter; none for one that is too long, or empty.
fn place(text: &str) -> Option<(usize, u32)> {
    const { assert!(LONGEST < 32, "a length is a bit of a word") };
    let (first, last) = text.as_bytes().first().zip(text.as_bytes().last())?;
    let word = usize::from(first & 31) << 5 | usize::from(last & 31);
    (text.len() <= LONGEST).then(|| (word, 1 << text.len()))
}

/// All exceptions.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    EXCEPTIONS.keys().map(String::as_str)
}

fn build() -> HashMap<String, Vec<usize>> {
    let mut table = HashMap::new();
    let mut insert = |word: &str, pieces: &[&str]| {
        if WORDS.contains(&word) {
            return;
        }
        let is_letter = word.ends_with('.') && word.chars().count() == 2;
        let has_capital =
            word.starts_with(char::is_alphabetic) && !is_letter && !SMALL_ONLY.contains(&word);
        for apostrophe in ["'", "’"] {
            let lengths = pieces
                .iter()
                .map(|piece| piece.replace('\'', apostrophe).len());
            let lengths: Vec<usize> = lengths.collect();
            let word = word.replace('\'', apostrophe);
            if has_capital {
                table.insert(capitalized(&word), lengths.clone());
            }
            table.insert(word, lengths);
        }
    };
    WHOLE
        .split_whitespace()
        .for_each(|word| insert(word, &[word]));
    CAPITALS
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

/// The word with its first character as a capital.
fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters.as_str().chars()).collect()
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
