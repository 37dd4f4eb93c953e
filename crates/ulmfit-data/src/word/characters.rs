//! The character classes that spaCy's punctuation rules are made of (`char_classes.py`).

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

/// Symbols such as dingbats and emoji: the blocks that hold nearly nothing else.
pub(super) fn is_icon(c: char) -> bool {
    if c < '\u{a6}' {
        return false;
    }
    matches!(
        c,
        '¦' | '©'
            | '®'
            | '°'
            | '\u{2100}' | '\u{2101}' | '\u{2103}'..='\u{2106}' | '\u{2108}' | '\u{2109}'
            | '\u{2114}' | '\u{2116}' | '\u{2117}' | '\u{211e}'..='\u{2123}'
            | '\u{2195}'..='\u{2199}' | '\u{219c}'..='\u{219f}' | '\u{21d5}'..='\u{21f3}'
            | '\u{2300}'..='\u{2307}' | '\u{230c}'..='\u{231f}' | '\u{2322}'..='\u{2328}'
            | '\u{232b}'..='\u{237b}' | '\u{237d}'..='\u{239a}' | '\u{23b4}'..='\u{23db}'
            | '\u{23e2}'..='\u{2426}' | '\u{2440}'..='\u{244a}' | '\u{249c}'..='\u{24e9}'
            | '\u{2500}'..='\u{25b6}' | '\u{25b8}'..='\u{25c0}' | '\u{25c2}'..='\u{25f7}'
            | '\u{2600}'..='\u{266e}' | '\u{2670}'..='\u{2767}' | '\u{2794}'..='\u{27bf}'
            | '\u{2800}'..='\u{28ff}' | '\u{2b00}'..='\u{2b2f}' | '\u{2b45}'..='\u{2b46}'
            | '\u{2b4d}'..='\u{2bff}' | '\u{2e80}'..='\u{2fd5}' | '\u{3200}'..='\u{321e}'
            | '\u{3260}'..='\u{327f}' | '\u{3300}'..='\u{33ff}' | '\u{4dc0}'..='\u{4dff}'
            | '\u{fffc}' | '\u{fffd}'
            | '\u{1f000}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}'
    )
}

/// Letters of any case.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphabetic()
}

/// Small letters, and letters of scripts that have no case.
pub(super) fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || (!c.is_ascii() && c.is_alphabetic() && !c.is_uppercase())
}

/// Capitals, and letters of scripts that have no case.
pub(super) fn is_upper(c: char) -> bool {
    c.is_ascii_uppercase() || (!c.is_ascii() && c.is_alphabetic() && !c.is_lowercase())
}
