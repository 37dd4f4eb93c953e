//! The wire format of protocol buffers, as much as it takes to skip what is not wanted.

/// A field's value.
pub(super) enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
    Fixed32(u32),
    Fixed64,
}

/// The fields of a message with their numbers, in order; `None` last where the message is damaged.
/// Nothing is copied.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = Option<(u64, Field<'_>)>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_none() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'b>(rest: &mut &'b [u8]) -> Option<(u64, Field<'b>)> {
    let key = number(rest)?;
    let value = match key & 7 {
        0 => Field::Number(number(rest)?),
        1 => {
            take(rest, 8)?;
            Field::Fixed64
        }
        2 => {
            let length = usize::try_from(number(rest)?).ok()?;
            Field::Bytes(take(rest, length)?)
        }
        5 => Field::Fixed32(u32::from_le_bytes(*take(rest, 4)?.first_chunk()?)),
        _ => return None,
    };
    Some((key >> 3, value))
}

/// A number in groups of seven bits, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_damage_ends_them() {
        let message = [
            0x08, 0xac, 0x02, 0x12, 2, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f,
        ];
        let read: Vec<_> = fields(&message).collect();
        assert!(matches!(read[0], Some((1, Field::Number(300)))));
        assert!(matches!(read[1], Some((2, Field::Bytes(b"hi")))));
        assert!(matches!(read[2], Some((3, Field::Fixed32(0x3f80_0000)))));
        for damaged in [&[0x12, 9, 1][..], &[0x80], &[0x0b], &[0xff; 11], &[0x0d, 1]] {
            assert!(matches!(fields(damaged).collect::<Vec<_>>()[..], [None]));
        }
    }
}
