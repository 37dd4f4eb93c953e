//! The character classes that spaCy's punctuation rules are made of (`char_classes.py`).

use super::classes;

/// Punctuation that is cut off at either end.
pub(super) fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '…' | ','
            | ':'
            | ';'
            | '!'
            | '?'
            | '¿'
            | '؟'
            | '¡'
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '<'
            | '>'
            | '_'
            | '#'
            | '*'
            | '&'
            | '。'
            | '？'
            | '！'
            | '，'
            | '、'
            | '；'
            | '：'
            | '～'
            | '·'
            | '।'
            | '،'
            | '۔'
            | '؛'
            | '٪'
    )
}

/// Quotation marks and the brackets that serve as such.
pub(super) fn is_quote(c: char) -> bool {
    matches!(
        c,
        '\'' | '"'
            | '”'
            | '“'
            | '`'
            | '‘'
            | '´'
            | '’'
            | '‚'
            | ','
            | '„'
            | '»'
            | '«'
            | '「'
            | '」'
            | '『'
            | '』'
            | '（'
            | '）'
            | '〔'
            | '〕'
            | '【'
            | '】'
            | '《'
            | '》'
            | '\u{2329}'
            | '\u{232a}'
            | '〈'
            | '〉'
            | '⟦'
            | '⟧'
    )
}

/// Signs of currency.
pub(super) fn is_currency(c: char) -> bool {
    matches!(
        c,
        '$' | '£' | '€' | '¥' | '฿' | '﷼' | '\u{20a0}'..='\u{20bf}'
    )
}

/// Symbols such as dingbats and emoji. Those that Unicode gained after version 11 are none.
pub(super) fn is_icon(c: char) -> bool {
    c >= '\u{a6}' && is_in(&classes::ICONS, c)
}

/// Letters of any case: of the scripts that spaCy knows, which leaves out phonetic modifiers and
/// Georgian, for example.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    is_in(&classes::CASED, c) || is_in(&classes::CASELESS, c)
}

/// Small letters, and letters of scripts that have no case.
pub(super) fn is_lower(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_lowercase();
    }
    // The glottal stop has no case of its own.
    (is_in(&classes::CASED, c) && (c.is_lowercase() || c == 'ʔ')) || is_in(&classes::CASELESS, c)
}

/// Capitals, and letters of scripts that have no case.
pub(super) fn is_upper(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_uppercase();
    }
    (is_in(&classes::CASED, c) && c.is_uppercase()) || is_in(&classes::CASELESS, c)
}

/// Whether a character is in one of the ranges, which are in order.
fn is_in(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let behind = ranges.partition_point(|(first, _)| *first <= c);
    behind > 0 && c <= ranges[behind - 1].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        assert!("aéßяعक日".chars().all(is_lower));
        assert!("AÉЯعक日".chars().all(is_upper));
        assert!("aAéÉ".chars().all(is_letter));
        assert!(!"ʿː𝒃ℓµ5 ".chars().any(is_letter));
        assert!("¦😀☃\u{1d800}".chars().all(is_icon));
        assert!(!"a🥱\u{a5}".chars().any(is_icon));
    }
}
