//! A JSON object of which only what can be text is kept.
//!
//! A line may have a quarter of a gigabyte, and a tree of values takes up to eighty times as much
//! memory as the text it was read from. So lists and objects in it are passed over, but for short lists of
//! strings, which may be labels; and keys are bounded.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::label::{LABEL_END, push_name};

/// Most keys of one object.
const MOST_KEYS: usize = 1 << 16;
/// Most bytes of an `id` that is a list or an object.
const LONGEST_ID: usize = 1 << 16;
/// Most bytes of a list of strings that is kept.
const LONGEST_LIST: usize = 1 << 14;

/// A value by its key.
#[derive(Debug, PartialEq)]
pub(super) enum Field {
    Scalar(Value),
    /// A list of strings, as a label has it.
    Strings {
        list: String,
        /// Whether one of them is blank, and not in the list.
        blank: bool,
    },
    /// Any other list, or an object.
    Nested,
}

/// The values of an object by their keys; of two with one key, the last.
pub(super) type Row = BTreeMap<String, Field>;

/// Reads a line.
pub(super) fn parse(line: &str) -> serde_json::Result<Row> {
    let mut json = serde_json::Deserializer::from_str(line);
    let row = json.deserialize_map(Rows)?;
    json.end()?;
    Ok(row)
}

struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::new();
        while let Some(key) = map.next_key::<String>()? {
            let field = if key == "id" {
                let id = map.next_value::<&RawValue>()?.get();
                if id.starts_with(['[', '{']) && id.len() > LONGEST_ID {
                    Field::Nested
                } else {
                    Field::Scalar(serde_json::from_str(id).map_err(A::Error::custom)?)
                }
            } else {
                map.next_value_seed(Fields { keep_lists: true })?
            };
            row.insert(key, field);
            if row.len() > MOST_KEYS {
                return Err(A::Error::custom(format!("more than {MOST_KEYS} keys")));
            }
        }
        Ok(row)
    }
}

struct Fields {
    /// Whether a list of strings is kept; one within a list never is.
    keep_lists: bool,
}

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
        let (mut names, mut blank, mut kept) = (String::new(), false, self.keep_lists);
        while kept {
            let element = Fields { keep_lists: false };
            match list.next_element_seed(element)? {
                Some(Field::Scalar(Value::String(name)))
                    if names.len() + name.len() < LONGEST_LIST =>
                {
                    blank |= name.trim().is_empty();
                    push_name(&mut names, &name);
                }
                Some(_) => kept = false,
                None => break,
            }
        }
        if !kept {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Field::Nested);
        }
        if names.is_empty() {
            names.push(LABEL_END);
        }
        Ok(Field::Strings { list: names, blank })
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
    fn a_list_of_strings_is_kept_unless_it_is_long() {
        let list = |json: &str| parse(&format!(r#"{{"a":{json}}}"#)).unwrap().remove("a");
        let strings = |list: &str, blank| {
            let list = list.to_owned();
            Some(Field::Strings { list, blank })
        };
        assert_eq!(list(r#"["b","c d"]"#), strings("b\u{1f}c d\u{1f}", false));
        assert_eq!(list("[]"), strings("\u{1f}", false));
        assert_eq!(list(r#"["b"," "]"#), strings("b\u{1f}", true));
        let long = format!("[{}\"b\"]", "\"bb\",".repeat(1 << 13));
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for nested in [r#"["b",1]"#, r#"[["b"]]"#, &long, &deep] {
            assert_eq!(list(nested), Some(Field::Nested));
        }
    }

    #[test]
    fn an_id_is_kept_as_it_is_unless_it_is_long() {
        let id = |line: String| parse(&line).unwrap().remove("id");
        let long = "a".repeat(LONGEST_ID);
        let nested = id(format!(r#"{{"id": {{"oid": [1]}}, "text": "{long}"}}"#));
        assert_eq!(nested, Some(Field::Scalar(json!({"oid": [1]}))));
        let text = id(format!(r#"{{"id": "{long}"}}"#));
        assert_eq!(text, Some(Field::Scalar(json!(long))));
        assert_eq!(id(format!(r#"{{"id": ["{long}"]}}"#)), Some(Field::Nested));
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
