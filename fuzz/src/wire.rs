//! SentencePiece models from scratch, in the wire format of protocol buffers.

use crate::Short;

/// One field of a message.
#[derive(arbitrary::Arbitrary, Debug)]
pub enum Wire {
    Number(u64),
    Fixed(u32),
    Long,
    Bytes(Vec<u8>),
    Piece(Short, f32, u8),
    Settings(Vec<(u8, u64)>),
    Table(Vec<u32>, Short),
}

/// A message of these fields.
pub fn message(fields: &[(u8, Wire)]) -> Vec<u8> {
    let mut out = Vec::new();
    // Without it nothing is a model.
    field(&mut out, 1, &Wire::Piece(Short("<unk>".to_owned()), 0.0, 2));
    for (number, wire) in fields {
        field(&mut out, u64::from(*number), wire);
    }
    out
}

fn field(out: &mut Vec<u8>, number: u64, wire: &Wire) {
    let bytes = match wire {
        Wire::Number(value) => {
            varint(out, number << 3);
            return varint(out, *value);
        }
        Wire::Fixed(value) => {
            varint(out, (number << 3) | 5);
            return out.extend(value.to_le_bytes());
        }
        Wire::Long => {
            varint(out, (number << 3) | 1);
            return out.extend([1; 8]);
        }
        Wire::Bytes(bytes) => bytes.clone(),
        Wire::Piece(text, score, kind) => {
            let mut piece = Vec::new();
            field(&mut piece, 1, &Wire::Bytes(text.0.clone().into_bytes()));
            field(&mut piece, 2, &Wire::Fixed(score.to_bits()));
            field(&mut piece, 3, &Wire::Number(u64::from(*kind % 8)));
            return bytes_field(out, 1, &piece);
        }
        Wire::Settings(numbers) => {
            let mut settings = Vec::new();
            for (number, value) in numbers {
                field(&mut settings, u64::from(*number), &Wire::Number(*value % 4));
            }
            return bytes_field(out, 2 + (number & 1), &settings);
        }
        Wire::Table(units, replacements) => {
            let mut table = (units.len() as u32 * 4).to_le_bytes().to_vec();
            table.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            table.extend(replacements.0.bytes());
            let mut settings = Vec::new();
            bytes_field(&mut settings, 2, &table);
            return bytes_field(out, 3, &settings);
        }
    };
    bytes_field(out, number, &bytes);
}

fn bytes_field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, (number << 3) | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
