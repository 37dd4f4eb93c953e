//! SentencePiece's table of replacements, looked through before it is used.
//!
//! It is a trie in an array of 32-bit units, each at the exclusive or of its parent's place and its
//! byte, with the replacements behind it in one text. What reads it trusts every place in it.

use super::growth::MOST_OF_TABLE;
use super::invalid;
use crate::error::DataError;

/// Most bytes of a table. SentencePiece's own have a quarter of a megabyte.
const LARGEST: usize = 8 << 20;

/// Checks that no text can lead out of the table, and that no replacement is a text of its own.
pub(super) fn check(table: &[u8]) -> Result<(), DataError> {
    let damaged = || invalid("its table of replacements is damaged");
    if table.len() > LARGEST {
        return Err(invalid(format!(
            "its table of replacements has more than {LARGEST} bytes"
        )));
    }
    let (length, rest) = table.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (units, replacements) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let replacements = std::str::from_utf8(replacements).map_err(|_| damaged())?;
    let (units, left) = units.as_chunks::<4>();
    if units.is_empty() || !left.is_empty() {
        return Err(damaged());
    }
    let units: Vec<usize> = units
        .iter()
        .map(|unit| u32::from_le_bytes(*unit) as usize)
        .collect();

    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(units[0])];
    while let Some(base) = open.pop() {
        // A child of `base` is at the exclusive or with its byte, so all lie in one block of 256.
        if base | 0xff >= units.len() {
            return Err(damaged());
        }
        if std::mem::replace(&mut seen[base], true) {
            continue;
        }
        for byte in 1..=0xff {
            let place = base ^ byte;
            let unit = units[place];
            if label(unit) != byte {
                continue;
            }
            let next = place ^ offset(unit);
            if has_leaf(unit) {
                let value = units.get(next).ok_or_else(damaged)? & 0x7fff_ffff;
                if !replacements.is_char_boundary(value) {
                    return Err(damaged());
                }
                let mut replacement = replacements[value..].bytes();
                let length = replacement.position(|byte| byte == 0);
                if length.unwrap_or(replacements.len() - value) > MOST_OF_TABLE {
                    return Err(invalid(
                        "its table of replacements makes too much of a text",
                    ));
                }
            }
            open.push(next);
        }
    }
    Ok(())
}

fn offset(unit: usize) -> usize {
    (unit >> 10) << ((unit & (1 << 9)) >> 6)
}

fn label(unit: usize) -> usize {
    unit & ((1 << 31) | 0xff)
}

fn has_leaf(unit: usize) -> bool {
    (unit >> 8) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(units: &[u32], replacements: &[u8]) -> Vec<u8> {
        let mut table = (units.len() as u32 * 4).to_le_bytes().to_vec();
        table.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        table.extend(replacements);
        table
    }

    /// `a` is replaced by the text at `value`.
    fn one_letter(value: u32) -> Vec<u8> {
        let mut units = vec![0; 512];
        units[0] = 256 << 10;
        units[256 ^ 0x61] = 0x61 | (1 << 8) | (0x61 << 10);
        units[256] = (1 << 31) | value;
        table(&units, "é\0".as_bytes())
    }

    #[test]
    fn what_leads_out_of_the_table_is_refused() {
        assert!(check(&one_letter(0)).is_ok());
        assert!(check(&one_letter(1)).is_err(), "inside a character");
        assert!(check(&one_letter(9)).is_err(), "behind the end");
        assert!(check(&table(&[1 << 20], b"")).is_err());
        assert!(check(&table(&[], b"")).is_err());
        assert!(check(&table(&vec![0; 256], b"\xff")).is_err());
        assert!(check(&[255; 9]).is_err());
        assert!(check(&[]).is_err());
    }

    #[test]
    fn a_replacement_is_a_few_characters() {
        let mut table = one_letter(0);
        table.extend([b'a'; 80]);
        assert!(check(&table).is_ok(), "it ends before");
        let mut endless = one_letter(3);
        endless.extend([b'a'; 80]);
        assert!(check(&endless).is_err());
    }
}
