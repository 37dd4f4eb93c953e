//! The container of `PyTorch` before 1.6: five pickles in a row, then the storages one behind the
//! other.

use std::collections::HashMap;

use super::{Runs, Tensors, floats, shown, tensors_of};
use crate::fastai::element::Element;
use crate::fastai::misfit::Refusal;
use crate::fastai::pickle::{self, Ref, Value, Values};
use crate::fastai::tensor::Storage;

/// The first pickle: protocol 2 and a number that stands for `PyTorch`.
pub(super) const MAGIC: &[u8] = &[
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.',
];
const PROTOCOL: i128 = 1001;

/// The bytes of each storage by its key.
struct LegacyRuns<'a>(HashMap<&'a str, &'a [u8]>);

pub(super) fn open<T>(
    bytes: &[u8],
    then: impl FnOnce(&Tensors<'_>, &mut dyn Runs) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let protocol = pickle::read(&bytes[MAGIC.len()..])?;
    match protocol.values.int(protocol.root) {
        Some(PROTOCOL) => {}
        _ => {
            return Err(Refusal::from(
                "is of another version of PyTorch's older container than 1001".to_owned(),
            ));
        }
    }
    let system = pickle::read(protocol.rest)?;
    let little = system.values.entry(system.root, "little_endian");
    if little.is_some_and(|little| matches!(system.values.get(little), Value::Bool(false))) {
        return Err(Refusal::from(super::BIG_ENDIAN.to_owned()));
    }
    let object = pickle::read(system.rest)?;
    let tensors = tensors_of(&object.values, object.root)?;
    let keys = pickle::read(object.rest)?;
    let mut runs = LegacyRuns::new(&object.values, &keys.values, keys.root, keys.rest)?;
    then(&tensors, &mut runs)
}

impl<'a> LegacyRuns<'a> {
    /// Cuts what is behind the pickles in storages: for each key its number of elements, then these.
    fn new(
        object: &Values<'_>,
        keys: &Values<'a>,
        list: Ref,
        mut rest: &'a [u8],
    ) -> Result<Self, String> {
        let list = keys.elements(list).ok_or("has no list of its storages")?;
        let elements = elements(object);
        let mut runs = HashMap::new();
        for key in list {
            let key = keys
                .str(*key)
                .ok_or("has a storage whose key is no string")?;
            let element = elements
                .get(key)
                .ok_or_else(|| format!("has a storage \"{}\" that no tensor uses", shown(key)))?;
            let cut = rest.split_first_chunk().and_then(|(length, behind)| {
                let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
                behind.split_at_checked(length.checked_mul(element.size())?)
            });
            let Some((run, behind)) = cut else {
                return Err(format!(
                    "ends within the storage \"{}\"; it may be truncated: copy it again",
                    shown(key)
                ));
            };
            runs.insert(key, run);
            rest = behind;
        }
        Ok(Self(runs))
    }
}

/// The type of each storage's elements, by its key.
fn elements<'a>(values: &Values<'a>) -> HashMap<&'a str, Element> {
    let storages = values.iter().filter_map(|value| match value {
        Value::Storage(storage) => Some((storage.key, storage.element)),
        _ => None,
    });
    storages.collect()
}

impl Runs for LegacyRuns<'_> {
    fn floats(&mut self, storage: &Storage<'_>) -> Result<Vec<f32>, String> {
        let bytes = self.0.get(storage.key);
        let bytes = bytes.ok_or_else(|| format!("has no storage \"{}\"", shown(storage.key)))?;
        floats(storage, bytes)
    }
}
