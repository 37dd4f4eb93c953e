//! What is cut off the ends of a chunk (spaCy's `TOKENIZER_PREFIXES` and `TOKENIZER_SUFFIXES`).

use super::characters::{is_currency, is_icon, is_lower, is_punctuation, is_quote, is_upper};

/// Units of measurement, which are cut off behind a digit.
const UNITS: [&str; 103] = [
    "km",
    "km²",
    "km³",
    "m",
    "m²",
    "m³",
    "dm",
    "dm²",
    "dm³",
    "cm",
    "cm²",
    "cm³",
    "mm",
    "mm²",
    "mm³",
    "ha",
    "µm",
    "nm",
    "yd",
    "in",
    "ft",
    "kg",
    "g",
    "mg",
    "µg",
    "t",
    "lb",
    "oz",
    "m/s",
    "km/h",
    "kmh",
    "mph",
    "hPa",
    "Pa",
    "mbar",
    "mb",
    "MB",
    "kb",
    "KB",
    "gb",
    "GB",
    "tb",
    "TB",
    "T",
    "G",
    "M",
    "K",
    "%",
    "км",
    "км²",
    "км³",
    "м",
    "м²",
    "м³",
    "дм",
    "дм²",
    "дм³",
    "см",
    "см²",
    "см³",
    "мм",
    "мм²",
    "мм³",
    "нм",
    "кг",
    "г",
    "мг",
    "м/с",
    "км/ч",
    "кПа",
    "Па",
    "мбар",
    "Кб",
    "КБ",
    "кб",
    "Мб",
    "МБ",
    "мб",
    "Гб",
    "ГБ",
    "гб",
    "Тб",
    "ТБ",
    "тбكم",
    "كم²",
    "كم³",
    "م",
    "م²",
    "م³",
    "سم",
    "سم²",
    "سم³",
    "مم",
    "مم²",
    "مم³",
    "كم",
    "غرام",
    "جرام",
    "جم",
    "كغ",
    "ملغ",
    "كوب",
    "اكواب",
];

/// Longest text of [`UNITS`] in bytes.
const LONGEST_UNIT: usize = 10;

/// Dollars, which are cut off with their country.
const DOLLARS: [&str; 3] = ["US$", "C$", "A$"];

/// Length in bytes of the prefix to cut off, 0 when there is none.
pub(super) fn prefix(text: &str) -> usize {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return 0;
    };
    let next = characters.next();
    match first {
        '+' if !next.is_some_and(|c| c.is_ascii_digit()) => 1,
        '.' if next == Some('.') => text.len() - text.trim_start_matches('.').len(),
        '§' | '%' | '=' | '—' | '–' => first.len_utf8(),
        _ if is_punctuation(first) || is_quote(first) || is_currency(first) || is_icon(first) => {
            first.len_utf8()
        }
        _ => DOLLARS
            .iter()
            .find(|dollars| text.starts_with(**dollars))
            .map_or(0, |dollars| dollars.len()),
    }
}

/// Length in bytes of the suffix to cut off, 0 when there is none; the longest when several fit.
pub(super) fn suffix(text: &str) -> usize {
    let mut characters = text.chars().rev();
    let Some(last) = characters.next() else {
        return 0;
    };
    let before = characters.next();
    let digit_before = before.is_some_and(|c| c.is_ascii_digit());
    match last {
        '.' if before == Some('.') => text.len() - text.trim_end_matches('.').len(),
        '…' if before == Some('…') => 2 * last.len_utf8(),
        '.' => usize::from(closes_sentence(before, characters.next())),
        '$' if is_behind_digit(text, "US$") => 3,
        '$' if is_behind_digit(text, "C$") || is_behind_digit(text, "A$") => 2,
        's' | 'S' if matches!(before, Some('\'' | '’')) => {
            last.len_utf8() + before.map_or(0, char::len_utf8)
        }
        '—' | '–' => last.len_utf8(),
        '+' => usize::from(digit_before),
        _ if is_punctuation(last) || is_quote(last) || is_icon(last) => last.len_utf8(),
        _ if digit_before && is_currency(last) => last.len_utf8(),
        _ => unit(text),
    }
}

/// Whether a single period is cut off, given the two characters before it. Behind one capital it
/// is not: it abbreviates.
fn closes_sentence(before: Option<char>, second: Option<char>) -> bool {
    let Some(before) = before else { return false };
    is_lower(before)
        || (matches!(before, 'F' | 'C' | 'K') && second == Some('°'))
        || before.is_ascii_digit()
        || matches!(before, '%' | '²' | '-' | '+' | '|')
        || is_punctuation(before)
        || is_quote(before)
        || (is_upper(before) && second.is_some_and(is_upper))
}

/// Whether the text ends in `end` with a digit before it.
fn is_behind_digit(text: &str, end: &str) -> bool {
    text.strip_suffix(end)
        .is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
}

/// Length in bytes of the unit that the text ends with, if there is a digit before it.
fn unit(text: &str) -> usize {
    // Digits are one byte, so the unit and its digit lie within the last bytes of the text.
    let bytes = text.as_bytes();
    (1..=LONGEST_UNIT.min(bytes.len().saturating_sub(1)))
        .rev()
        .filter(|&length| bytes[bytes.len() - length - 1].is_ascii_digit())
        .find(|&length| {
            UNITS
                .iter()
                .any(|unit| unit.as_bytes() == &bytes[bytes.len() - length..])
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (text, length) in [
            ("(a", 1),
            ("...a", 3),
            (".a", 0),
            ("+1", 0),
            ("+a", 1),
            ("+", 1),
            ("“a", 3),
            ("$5", 1),
            ("-a", 0),
            ("😀a", 4),
            ("a(", 0),
            ("", 0),
        ] {
            assert_eq!(prefix(text), length, "{text:?}");
        }
    }

    #[test]
    fn suffixes() {
        for (text, length) in [
            ("a)", 1),
            ("a...", 3),
            ("a.", 1),
            ("A.", 0),
            ("AB.", 1),
            (".", 0),
            ("film's", 2),
            ("film’s", 4),
            ("5+", 1),
            ("a+", 0),
            ("5€", 3),
            ("a€", 0),
            ("10km", 2),
            ("10m²", 3),
            ("akm", 0),
            ("5mph", 3),
            ("m", 0),
            ("50%", 1),
            ("a%", 0),
            ("a-", 0),
            ("a—", 3),
            ("", 0),
        ] {
            assert_eq!(suffix(text), length, "{text:?}");
        }
    }

    #[test]
    fn no_unit_is_longer_than_it_says() {
        assert_eq!(
            UNITS.iter().map(|unit| unit.len()).max(),
            Some(LONGEST_UNIT)
        );
    }
}
