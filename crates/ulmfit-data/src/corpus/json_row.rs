//! A JSON object of which only what can be text is kept.
//!
//! A line may have a quarter of a gigabyte, and a tree of values takes up to eighty times as much
//! memory as the text it was read from. So lists and objects in it are passed over, and keys are
//! bounded.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Most keys of one object.
const MOST_KEYS: usize = 1 << 16;
/// Most bytes of a line whose `id` may be a list or an object.
const LONGEST_WITH_NESTED_ID: usize = 1 << 16;

/// A value by its key.
#[derive(Debug, PartialEq)]
pub(super) enum Field {
    Scalar(Value),
    /// A list or an object.
    Nested,
}

/// The values of an object by their keys; of two with one key, the last.
pub(super) type Row = BTreeMap<String, Field>;

/// Reads a line.
pub(super) fn parse(line: &str) -> serde_json::Result<Row> {
    let nested_id = line.len() <= LONGEST_WITH_NESTED_ID;
    let mut json = serde_json::Deserializer::from_str(line);
    let row = json.deserialize_map(Rows { nested_id })?;
    json.end()?;
    Ok(row)
}

struct Rows {
    nested_id: bool,
}

impl<'de> Visitor<'de> for Rows {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::new();
        while let Some(key) = map.next_key::<String>()? {
            let field = if key == "id" && self.nested_id {
                Field::Scalar(map.next_value()?)
            } else {
                map.next_value_seed(Fields)?
            };
            row.insert(key, field);
            if row.len() > MOST_KEYS {
                return Err(A::Error::custom(format!("more than {MOST_KEYS} keys")));
            }
        }
        Ok(row)
    }
}

struct Fields;

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Field, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Field::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field, E> {
        Ok(Field::Scalar(flag.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field, E> {
        Ok(Field::Scalar(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field, E> {
        Ok(Field::Scalar(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field, E> {
        Ok(Field::Scalar(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Scalar(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Field, E> {
        Ok(Field::Scalar(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Nested)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_text_is_kept_and_the_rest_passed_over() {
        let line =
            r#"{"a":"x","b":[1,{"c":[]}],"d":{"e":2},"f":null,"g":-1,"h":0.5,"i":true,"a":7}"#;
        let row = parse(line).unwrap();
        let kept = |value: Value| Field::Scalar(value);
        let expected = [
            ("a", kept(json!(7))),
            ("b", Field::Nested),
            ("d", Field::Nested),
            ("f", kept(json!(null))),
            ("g", kept(json!(-1))),
            ("h", kept(json!(0.5))),
            ("i", kept(json!(true))),
        ];
        let expected = expected.map(|(key, field)| (key.to_owned(), field));
        assert_eq!(row, Row::from(expected));
        for line in ["[]", "{} {}", "{\"a\":[}", "\"text\"", "{\"a\"}"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn an_id_is_kept_as_it_is_in_a_line_of_common_length() {
        let line = |length| format!(r#"{{"id":[1],"text":"{}"}}"#, "a".repeat(length));
        assert_eq!(parse(&line(9)).unwrap()["id"], Field::Scalar(json!([1])));
        assert_eq!(parse(&line(1 << 16)).unwrap()["id"], Field::Nested);
    }

    #[test]
    fn more_keys_than_any_table_has_are_refused() {
        let keys: Vec<String> = (0..=MOST_KEYS).map(|i| format!("\"{i}\":0")).collect();
        let message = parse(&format!("{{{}}}", keys.join(",")))
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("more than 65536 keys"), "{message}");
    }
}
