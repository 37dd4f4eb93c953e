//! What a pickle holds. Values lie side by side and name each other by number, so that a value that
//! is nested, shared or part of itself takes no more memory than the bytes it came from.

use super::super::tensor::{Storage, StoredTensor};
use super::globals::Global;

/// The place of a value among the [`Values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ref(u32);

/// One value. Strings are those of the pickle's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// `None`, and whatever nobody asks for: numbers that are not whole, bytes.
    Unread,
    Bool(bool),
    Int(i128),
    Str(&'a str),
    List(Vec<Ref>),
    Tuple(Vec<Ref>),
    Dict(Vec<(Ref, Ref)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor(Box<StoredTensor<'a>>),
    /// An object of a class, and its state once that was set.
    Object(Global, Option<Ref>),
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(crate) struct Values<'a>(Vec<Value<'a>>);

impl<'a> Values<'a> {
    /// Most values: a vocabulary of a million tokens and their ids has three million. With what a
    /// value takes, this is the bound on memory.
    const MOST: usize = 1 << 22;

    pub(super) fn add(&mut self, value: Value<'a>) -> Result<Ref, String> {
        if self.0.len() >= Self::MOST {
            return Err(format!("holds more than {} values", Self::MOST));
        }
        self.0.push(value);
        Ok(Ref(self.0.len() as u32 - 1))
    }

    pub(crate) fn get(&self, at: Ref) -> &Value<'a> {
        &self.0[at.0 as usize]
    }

    pub(super) fn get_mut(&mut self, at: Ref) -> &mut Value<'a> {
        &mut self.0[at.0 as usize]
    }

    /// All values, in the order in which they were read.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Value<'a>> {
        self.0.iter()
    }

    pub(crate) fn str(&self, at: Ref) -> Option<&'a str> {
        match self.get(at) {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn int(&self, at: Ref) -> Option<i128> {
        match self.get(at) {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number that is a size: not negative.
    pub(crate) fn size(&self, at: Ref) -> Option<usize> {
        self.int(at).and_then(|value| usize::try_from(value).ok())
    }

    /// The elements of a list or tuple; of fastcore's list, those of the list in it.
    pub(crate) fn elements(&self, at: Ref) -> Option<&[Ref]> {
        match self.get(at) {
            Value::List(elements) | Value::Tuple(elements) => Some(elements),
            Value::Object(Global::FastcoreList | Global::CategoryMap, Some(state)) => {
                let items = self.entry(*state, "items")?;
                // One step further for a list in a list; no more, since one may be in itself.
                match self.get(items) {
                    Value::List(elements) | Value::Tuple(elements) => Some(elements),
                    Value::Object(Global::FastcoreList, Some(state)) => {
                        match self.get(self.entry(*state, "items")?) {
                            Value::List(elements) => Some(elements),
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The value under a name in a dictionary; as in Python, the last one given.
    pub(crate) fn entry(&self, dict: Ref, name: &str) -> Option<Ref> {
        let Value::Dict(entries) = self.get(dict) else {
            return None;
        };
        let named = entries.iter().rev();
        let mut named = named.filter(|(key, _)| self.str(*key) == Some(name));
        named.next().map(|(_, value)| *value)
    }
}
