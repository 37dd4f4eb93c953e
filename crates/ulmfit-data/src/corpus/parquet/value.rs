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

/// A field as JSON has it, dates and the like as text; or what it has that cannot be written so. Panics for
/// dates and the like that are out of range.
pub(super) fn value(field: Field) -> Result<Value, &'static str> {
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
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
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
