//! A checkpoint's tensors against those that a model calls for.

use std::collections::BTreeSet;

use super::container::{Runs, Tensors};
use super::element::Element;
use super::misfit::{Misfit, Misfits, Refusal};
use super::tensor::Storage;

/// Notes which tensors were asked for, and what was wrong with them.
pub(super) struct Survey<'t> {
    tensors: &'t Tensors<'t>,
    /// Names that mean something.
    known: BTreeSet<String>,
    misfits: Vec<Misfit>,
}

impl<'t> Survey<'t> {
    pub(super) fn new(tensors: &'t Tensors<'t>) -> Self {
        Self {
            tensors,
            known: BTreeSet::new(),
            misfits: Vec::new(),
        }
    }

    /// The first of these names that there is; it has to have the shape, and floats.
    pub(super) fn expect(&mut self, names: &[String], shape: &[usize]) -> String {
        let found = names
            .iter()
            .find(|name| self.tensors.contains_key(name.as_str()));
        let name = found.unwrap_or(&names[0]).clone();
        let tensor = self.tensors.get(name.as_str());
        let wrong = match tensor {
            None => Some(None),
            Some(tensor) if tensor.shape != shape => Some(Some(format!("{:?}", tensor.shape))),
            Some(tensor) => match tensor.storage.element {
                Element::Float64 | Element::Float32 | Element::Float16 | Element::BFloat16 => None,
                other => Some(Some(other.name().to_owned())),
            },
        };
        if let Some(found) = wrong {
            self.misfits.push(Misfit {
                tensor: name.clone(),
                expected: Some(shape.to_vec()),
                found,
            });
        }
        self.known.insert(name.clone());
        name
    }

    /// Like [`expect`](Self::expect), for what need not be there.
    pub(super) fn accept(&mut self, name: &str, shape: &[usize]) -> Option<String> {
        let there = self.tensors.contains_key(name);
        there.then(|| self.expect(&[name.to_owned()], shape))
    }

    /// A tensor that nobody reads, whatever its shape.
    pub(super) fn ignore(&mut self, name: String) {
        self.known.insert(name);
    }

    /// Fails if anything was wrong, or there are tensors that nobody asked for.
    pub(super) fn finish(mut self, model: &'static str) -> Result<(), Refusal> {
        let extra = self
            .tensors
            .iter()
            .filter(|(name, _)| !self.known.contains(**name));
        self.misfits.extend(extra.map(|(name, tensor)| Misfit {
            tensor: (*name).to_owned(),
            expected: None,
            found: Some(format!("{:?}", tensor.shape)),
        }));
        if self.misfits.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Misfits(model, Misfits(self.misfits)))
        }
    }
}

/// Reads the elements of tensors that a [`Survey`] found in order.
pub(super) struct Loader<'t, 'r> {
    tensors: &'t Tensors<'t>,
    runs: &'r mut dyn Runs,
    /// What was read so far, by storage: where it starts and ends, in bytes.
    read: Vec<(&'t str, usize, usize)>,
}

impl<'t, 'r> Loader<'t, 'r> {
    pub(super) fn new(tensors: &'t Tensors<'t>, runs: &'r mut dyn Runs) -> Self {
        Self {
            tensors,
            runs,
            read: Vec::new(),
        }
    }

    /// The elements, which no other tensor may share: so that all of them together are no more than
    /// the file has.
    pub(super) fn floats(&mut self, name: &str) -> Result<Vec<f32>, String> {
        let (_, tensor) = self.find(name)?;
        // Read first: within a storage that has the bytes that it states, places in bytes cannot
        // overflow.
        let run = self.runs.floats(&tensor.storage)?;
        if let Some((start, end)) = tensor.span() {
            let Storage { key, element, .. } = tensor.storage;
            // One storage may be stated to have elements of two types.
            let (start, end) = (start * element.size(), end * element.size());
            let overlaps = |(other, from, to): &&(&str, usize, usize)| {
                *other == key && start < *to && *from < end
            };
            if self.read.iter().any(|span| overlaps(&span)) {
                return Err(format!(
                    "has the tensor {name} in the same place as another one"
                ));
            }
            self.read.push((key, start, end));
        }
        Ok(tensor.gather(&run))
    }

    /// Fails unless a tensor is another name of one that was read as `values`.
    pub(super) fn same(&mut self, name: &str, of: &str, values: &[f32]) -> Result<(), String> {
        let ((_, tensor), (_, other)) = (self.find(name)?, self.find(of)?);
        if tensor == other {
            return Ok(());
        }
        let elements = tensor.gather(&self.runs.floats(&tensor.storage)?);
        let pairs = elements.iter().zip(values);
        if pairs.into_iter().all(|(a, b)| a.to_bits() == b.to_bits()) {
            return Ok(());
        }
        Err(format!(
            "has other weights in {name} than in {of}, which must be the same here: a model whose \
             decoder is not tied to the embedding cannot be imported"
        ))
    }

    fn find(&self, name: &str) -> Result<(&'t str, &'t super::tensor::StoredTensor<'t>), String> {
        let entry = self.tensors.get_key_value(name);
        entry
            .map(|(name, tensor)| (*name, tensor))
            .ok_or_else(|| format!("has no tensor {name}"))
    }
}
