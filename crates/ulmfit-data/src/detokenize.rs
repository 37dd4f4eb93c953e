//! Tokens to text: what a reader would have written, as far as the tokens tell.
//!
//! The rules cannot be undone exactly (a space before a period is lost, say). What they mark is put
//! back: capitals, repetitions, fields and documents; spaces go where English has them.

use std::borrow::Cow;

use crate::special;

/// Most repetitions that are written out: a mark of a million is a mistake.
const MOST_REPETITIONS: usize = 100;

/// The text of whole words. Where the rules mark capitals, they leave `I` as an `i` without a mark,
/// since they mark no word of one letter.
pub(crate) fn words<T: AsRef<str>>(tokens: &[T], capitals_are_marked: bool) -> String {
    let restored = |token: &'_ str| capitals_are_marked && token == "i";
    let tokens = tokens.iter().map(T::as_ref);
    let tokens = tokens.map(|token| Cow::Borrowed(if restored(token) { "I" } else { token }));
    written(&tokens.collect::<Vec<_>>(), Spacing::English)
}

/// The text of subwords, where `▁` stands for a space.
pub(crate) fn subwords<T: AsRef<str>>(pieces: &[T]) -> String {
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    let mut continues = false;
    for piece in pieces {
        let piece = piece.as_ref();
        // In models of fastai's, special tokens are pieces behind the mark of a space.
        let bare = piece.trim_start_matches('▁');
        if special::ALL.contains(&bare) || bare == special::FILLER {
            words.push(Cow::Borrowed(bare));
            continues = false;
        } else if continues && !piece.starts_with('▁') {
            if let Some(word) = words.last_mut() {
                word.to_mut().push_str(piece);
            }
        } else {
            words.push(Cow::Borrowed(bare));
            continues = true;
        }
    }
    words.retain(|word| !word.is_empty());
    written(&words, Spacing::Between)
}

/// Where spaces go.
#[derive(Clone, Copy, PartialEq)]
enum Spacing {
    /// Between any two words.
    Between,
    /// Between words, and around punctuation as in English.
    English,
}

/// What is to be done to the next word.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Upper,
    Capital,
}

fn written(tokens: &[Cow<'_, str>], spacing: Spacing) -> String {
    let mut writer = Writer {
        text: String::new(),
        spacing,
        glued: true,
        in_quotes: false,
    };
    let mut mark = None;
    let mut rest = tokens;
    while let [token, behind @ ..] = rest {
        rest = behind;
        match &**token {
            special::BOS if writer.text.is_empty() => {}
            special::BOS => writer.line_end("\n\n"),
            special::UP => mark = Some(Mark::Upper),
            special::MAJ => mark = Some(Mark::Capital),
            special::FLD => {
                // The field's number.
                if let [number, behind @ ..] = rest
                    && number.parse::<usize>().is_ok()
                {
                    rest = behind;
                }
            }
            kind @ (special::REP | special::WREP) => {
                let [count, unit, behind @ ..] = rest else {
                    continue;
                };
                let Ok(count) = count.parse::<usize>() else {
                    continue;
                };
                rest = behind;
                let between = if kind == special::REP { "" } else { " " };
                let copies = vec![&**unit; count.clamp(1, MOST_REPETITIONS)];
                writer.word(&marked(&copies.join(between), mark.take()));
            }
            special::UNK | special::PAD | special::EOS | special::FILLER => mark = None,
            word => writer.word(&marked(word, mark.take())),
        }
    }
    writer.text
}

fn marked(word: &str, mark: Option<Mark>) -> String {
    // What the rules write for a space within a token.
    let word = word.replace('▁', " ");
    match mark {
        None => word,
        Some(Mark::Upper) => word.to_uppercase(),
        Some(Mark::Capital) => {
            let mut rest = word.chars();
            let first = rest.next().map(char::to_uppercase);
            first.into_iter().flatten().chain(rest).collect()
        }
    }
}

struct Writer {
    text: String,
    spacing: Spacing,
    /// Whether the next word follows without a space.
    glued: bool,
    in_quotes: bool,
}

impl Writer {
    fn word(&mut self, word: &str) {
        if word.trim().is_empty() && word.contains('\n') {
            return self.line_end(word);
        }
        let (before, after) = match self.spacing {
            Spacing::Between => (false, false),
            Spacing::English => self.attached(word),
        };
        if !self.glued && !before {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.glued = after;
    }

    fn line_end(&mut self, lines: &str) {
        self.text.push_str(lines);
        self.glued = true;
        self.in_quotes = false;
    }

    /// Whether a word follows the one before it without a space, and is followed without one.
    fn attached(&mut self, word: &str) -> (bool, bool) {
        match word {
            "\"" => {
                self.in_quotes = !self.in_quotes;
                (!self.in_quotes, self.in_quotes)
            }
            "-" | "/" | "\\" => (true, true),
            "(" | "[" | "{" | "$" | "£" | "€" | "#" | "“" | "‘" | "«" => (false, true),
            "n't" | "n’t" | "%" | "”" | "»" => (true, false),
            _ => {
                let mut characters = word.chars();
                let first = characters.next();
                let is_closing = word.chars().all(|c| ".,;:!?…)]}".contains(c));
                // 's, 'll, 're: what is cut off a word.
                let is_suffix = matches!(first, Some('\'' | '’'))
                    && characters.clone().count() <= 2
                    && characters.all(char::is_alphabetic);
                (is_closing || is_suffix, false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        text.split('|').collect()
    }

    #[test]
    fn words_become_text() {
        for (tokens, expected) in [
            (
                "xxbos|xxmaj|do|n't|you|think|so|?|xxmaj|it|'s|xxup|great|!",
                "Don't you think so? It's GREAT!",
            ),
            (
                "xxbos|a|\"|fine|\"|film|(|really|)|,|well|-|made",
                "a \"fine\" film (really), well-made",
            ),
            (
                "xxbos|xxrep|3|!|no|xxwrep|3|very|good|xxrep|2000|a",
                &format!("!!! no very very very good {}", "a".repeat(100)),
            ),
            (
                "xxbos|one|\n\n|xxmaj|two|xxbos|xxmaj|three",
                "one\n\nTwo\n\nThree",
            ),
            ("xxbos|xxfld|1|xxmaj|title|xxfld|2|text", "Title text"),
            ("xxbos|xxunk|a|xxpad|xxfake|xxmaj", "a"),
            ("a▁b|xxmaj|école", "a b École"),
            ("xxrep|many|a|xxwrep", "many a"),
            ("", ""),
        ] {
            assert_eq!(words(&split(tokens), true), expected, "{tokens}");
        }
        let tokens = split("xxbos|i|'m|fine");
        assert_eq!(words(&tokens, true), "I'm fine");
        assert_eq!(words(&tokens, false), "i'm fine");
    }

    #[test]
    fn subwords_become_text() {
        for (pieces, expected) in [
            (
                "xxbos|xxmaj|▁the|▁fil|m|.|xxup|▁gr|eat|!",
                "The film. GREAT!",
            ),
            ("▁xxbos|▁xxmaj|▁das|▁ist|▁xxrep|▁3|▁a", "Das ist aaa"),
            ("xxmaj|the|▁|end", "The end"),
        ] {
            assert_eq!(subwords(&split(pieces)), expected, "{pieces}");
        }
    }
}
