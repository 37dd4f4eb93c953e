//! Values of a JSON file in place of others.

use serde_json::Value;

use crate::Short;
use crate::tokenizer_file::PARTS;

/// What becomes of one value.
#[derive(arbitrary::Arbitrary, Debug)]
pub enum Edit {
    Null,
    Bool(bool),
    Number(i32),
    Float(f64),
    Text(Short),
    Remove,
    Double,
    Name(u8),
}

impl Edit {
    /// Changes the value that comes `at` in the order of reading, counted round and round.
    pub fn apply(&self, json: &mut Value, at: usize) {
        let count = places(json);
        let mut left = at % count.max(1);
        change_place(json, &mut left, self);
    }
}

fn places(json: &Value) -> usize {
    1 + match json {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum::<usize>(),
        _ => 0,
    }
}

fn change_place(json: &mut Value, left: &mut usize, edit: &Edit) -> bool {
    if *left == 0 {
        match edit {
            Edit::Null => *json = Value::Null,
            Edit::Bool(flag) => *json = (*flag).into(),
            Edit::Number(number) => *json = (*number).into(),
            Edit::Float(number) => *json = (*number).into(),
            Edit::Text(text) => *json = text.0.as_str().into(),
            Edit::Name(at) => *json = PARTS[usize::from(*at) % PARTS.len()].into(),
            Edit::Double => *json = Value::Array(vec![json.clone(), json.clone()]),
            Edit::Remove => match json {
                Value::Array(items) => drop(items.pop()),
                Value::Object(fields) => {
                    drop(fields.keys().next().cloned().map(|key| fields.remove(&key)))
                }
                other => *other = Value::Null,
            },
        }
        return true;
    }
    *left -= 1;
    match json {
        Value::Array(items) => items.iter_mut().any(|item| change_place(item, left, edit)),
        Value::Object(fields) => fields
            .values_mut()
            .any(|field| change_place(field, left, edit)),
        _ => false,
    }
}
