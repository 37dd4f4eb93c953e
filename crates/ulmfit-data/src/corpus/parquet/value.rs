//! Values of columns as JSON has them.

use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::Value;

use crate::corpus::text::repaired;

/// Most digits of a decimal, which are what 32 bytes hold, and the most that other programs write. To write
/// one out takes time by the square of its digits, of which a few bytes can state two billion.
const MOST_DIGITS: i32 = 76;
const MOST_DECIMAL_BYTES: usize = 32;

/// The days, and the milliseconds, from 1970 on that the calendar of the decoder certainly has: a quarter of a
/// million years. It panics for what it does not have.
const MOST_DAYS: u32 = 90_000_000;
const MOST_MILLISECONDS: u64 = MOST_DAYS as u64 * 86_400_000;

/// A field as JSON has it, dates and the like as text; or what it has that cannot be written so.
pub(super) fn value(field: Field) -> Result<Value, &'static str> {
    let in_range = match &field {
        Field::Date(days) => days.unsigned_abs() <= MOST_DAYS,
        Field::TimestampMillis(time) => time.unsigned_abs() <= MOST_MILLISECONDS,
        Field::TimestampMicros(time) => time.unsigned_abs() / 1000 <= MOST_MILLISECONDS,
        _ => true,
    };
    if !in_range {
        return Err("a date or a time that is out of range");
    }
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        // The shortest number that is this one, as other formats have it.
        Field::Float(value) => number(value.to_string()),
        Field::Double(value) => number(value.to_string()),
        Field::Str(text) => repaired(text).into(),
        // Strings of writers that do not say so.
        Field::Bytes(bytes) => {
            let text = String::from_utf8(bytes.data().to_vec());
            repaired(text.map_err(|_| "bytes that are not UTF-8")?).into()
        }
        Field::Decimal(number)
            if number.precision() > MOST_DIGITS || number.data().len() > MOST_DECIMAL_BYTES =>
        {
            return Err("a decimal of more than 76 digits");
        }
        other => other.to_string().into(),
    })
}

/// A number that is written out. JSON has none that are infinite: they stay text. NaN is a missing value.
fn number(text: String) -> Value {
    match text.parse::<f64>() {
        Ok(number) if !number.is_infinite() => number.into(),
        _ => text.into(),
    }
}

/// Whether the values of a column are bytes of which nothing says that they are a text or a number.
pub(super) fn is_binary(column: &Type) -> bool {
    let of_bytes = matches!(
        column.get_physical_type(),
        PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY
    );
    let converted = column.get_basic_info().converted_type();
    of_bytes
        && matches!(
            converted,
            ConvertedType::NONE | ConvertedType::BSON | ConvertedType::INTERVAL
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_text_or_out_of_range_and_never_panic() {
        for sign in [-1, 1] {
            let days = sign * MOST_DAYS as i32;
            let milliseconds = i64::from(days) * 86_400_000;
            for (inside, outside) in [
                (Field::Date(days), Field::Date(days + sign)),
                (
                    Field::TimestampMillis(milliseconds),
                    Field::TimestampMillis(milliseconds + i64::from(sign)),
                ),
                (
                    Field::TimestampMicros(milliseconds * 1000),
                    Field::TimestampMicros((milliseconds + i64::from(sign)) * 1000),
                ),
                (
                    Field::Date(0),
                    Field::Date(if sign < 0 { i32::MIN } else { i32::MAX }),
                ),
            ] {
                assert!(value(inside).unwrap().is_string());
                value(outside).unwrap_err();
            }
        }
    }

    #[test]
    fn numbers_are_as_other_formats_have_them() {
        for (field, expected) in [
            (Field::Float(0.1), Value::from(0.1)),
            (Field::Float(3.0), Value::from(3.0)),
            (Field::Double(0.1), Value::from(0.1)),
            (Field::Float(f32::INFINITY), Value::from("inf")),
            (Field::Double(f64::NEG_INFINITY), Value::from("-inf")),
            (Field::Float(f32::NAN), Value::Null),
        ] {
            assert_eq!(value(field).unwrap(), expected);
        }
    }
}
