//! Where a tensor's elements lie in a checkpoint.

use super::element::Element;
use super::pickle::{Global, Ref, Value, Values};

/// A run of elements that a checkpoint stores under a key, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage<'a> {
    pub(crate) key: &'a str,
    pub(crate) element: Element,
    /// Elements of the part.
    pub(crate) length: usize,
    /// Elements before the part.
    pub(crate) offset: usize,
}

/// A tensor as a view of a storage, which it lies within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredTensor<'a> {
    pub(crate) storage: Storage<'a>,
    /// Elements of the storage before the tensor's first.
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    /// From an element to the next one of each dimension, in elements.
    pub(crate) stride: Vec<usize>,
}

impl<'a> Storage<'a> {
    /// From what stands for a storage in a pickle: `("storage", type, key, place, length)`, and in
    /// the older container perhaps a view, `(key, offset, length)`.
    pub(crate) fn from_persistent_id(values: &Values<'a>, id: Ref) -> Result<Self, String> {
        let unlike = || "refers to data in a way that is not PyTorch's".to_owned();
        let Value::Tuple(parts) = values.get(id) else {
            return Err(unlike());
        };
        let [kind, class, key, _place, length, view @ ..] = &parts[..] else {
            return Err(unlike());
        };
        let (Some("storage"), Value::Global(Global::Storage(element)), Some(key), Some(length)) = (
            values.str(*kind),
            values.get(*class),
            values.str(*key),
            values.size(*length),
        ) else {
            return Err(unlike());
        };
        let whole = Self {
            key,
            element: *element,
            length,
            offset: 0,
        };
        let Some(view) = view.first() else {
            return Ok(whole);
        };
        match values.get(*view) {
            Value::Unread => Ok(whole),
            Value::Tuple(view) => {
                let [_key, offset, part] = &view[..] else {
                    return Err(unlike());
                };
                let (offset, part) = values
                    .size(*offset)
                    .zip(values.size(*part))
                    .ok_or_else(unlike)?;
                Ok(Self {
                    length: part,
                    offset,
                    ..whole
                })
            }
            _ => Err(unlike()),
        }
    }
}

impl<'a> StoredTensor<'a> {
    /// Most dimensions of a tensor; those of weights have two.
    pub(crate) const MOST_DIMENSIONS: usize = 8;

    /// A tensor from the arguments of `_rebuild_tensor_v2`.
    ///
    /// # Errors
    ///
    /// When it does not lie within its storage, or has elements at the same place: a few bytes could
    /// be any number of elements then.
    pub(crate) fn rebuilt(
        values: &Values<'a>,
        storage: Ref,
        offset: Ref,
        shape: Ref,
        stride: Ref,
    ) -> Result<Self, String> {
        let Value::Storage(storage) = values.get(storage) else {
            return Err("has a tensor without a storage".to_owned());
        };
        let sizes = |of: Ref| {
            let sizes = match values.get(of) {
                Value::Tuple(sizes) if sizes.len() <= Self::MOST_DIMENSIONS => sizes,
                _ => return None,
            };
            sizes.iter().map(|size| values.size(*size)).collect()
        };
        let tensor = values
            .size(offset)
            .zip(sizes(shape))
            .zip(sizes(stride))
            .map(|((offset, shape), stride)| Self {
                storage: *storage,
                offset,
                shape,
                stride,
            });
        let tensor = tensor.filter(|tensor| tensor.shape.len() == tensor.stride.len());
        let tensor = tensor.ok_or("has a tensor whose shape is no list of a few sizes")?;
        if tensor.fits() {
            Ok(tensor)
        } else {
            Err(format!(
                "has a tensor of the shape {:?} with the strides {:?} that its storage \"{}\" of {} \
                 elements does not hold",
                tensor.shape,
                tensor.stride,
                tensor
                    .storage
                    .key
                    .escape_debug()
                    .take(40)
                    .collect::<String>(),
                tensor.storage.length
            ))
        }
    }

    /// The number of elements, of a tensor that [`fits`](Self::fits).
    pub(crate) fn n_elements(&self) -> usize {
        if self.shape.contains(&0) {
            return 0; // whatever the other sizes are
        }
        self.shape.iter().product()
    }

    /// The first place in the storage's run and the one behind the last; `None` without elements.
    pub(crate) fn span(&self) -> Option<(usize, usize)> {
        let steps = self.shape.iter().zip(&self.stride);
        let last = steps
            .map(|(size, stride)| Some(size.checked_sub(1)? * stride))
            .sum::<Option<usize>>()?;
        let start = self.storage.offset + self.offset;
        Some((start, start + last + 1))
    }

    /// Whether the elements lie in the order of the shape, without gaps.
    pub(crate) fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let dimensions = self.shape.iter().zip(&self.stride).rev();
        let mut dimensions = dimensions.filter(|(size, _)| **size != 1);
        dimensions.all(|(size, stride)| {
            let fits = *stride == expected;
            expected *= size;
            fits
        })
    }

    /// Whether the tensor lies within its storage, each element at a place of its own.
    fn fits(&self) -> bool {
        if self.shape.contains(&0) {
            return self.offset <= self.storage.length;
        }
        let dimensions = self.shape.iter().zip(&self.stride);
        let mut dimensions = dimensions
            .filter(|(size, _)| **size > 1)
            .collect::<Vec<_>>();
        dimensions.sort_by_key(|(_, stride)| **stride);
        // What the dimensions so far take up: the next one has to step over it.
        let mut extent = 1_usize;
        for (size, stride) in dimensions {
            if *stride < extent {
                return false;
            }
            let Some(more) = (size - 1).checked_mul(*stride) else {
                return false;
            };
            let Some(sum) = extent.checked_add(more) else {
                return false;
            };
            extent = sum;
        }
        let end = self.offset.checked_add(extent);
        let whole = self.storage.offset.checked_add(self.storage.length);
        end.is_some_and(|end| end <= self.storage.length) && whole.is_some()
    }

    /// The elements in the order of the shape, from those of the storage's run.
    pub(crate) fn gather(&self, run: &[f32]) -> Vec<f32> {
        if self.shape.contains(&0) {
            return Vec::new();
        }
        let start = self.storage.offset + self.offset;
        if self.is_contiguous() {
            return run[start..start + self.n_elements()].to_vec();
        }
        let mut elements = Vec::with_capacity(self.n_elements());
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.n_elements() {
            let steps = index.iter().zip(&self.stride);
            elements.push(run[start + steps.map(|(i, stride)| i * stride).sum::<usize>()]);
            for (i, size) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < *size {
                    break;
                }
                *i = 0;
            }
        }
        elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(
        length: usize,
        offset: usize,
        shape: &[usize],
        stride: &[usize],
    ) -> StoredTensor<'static> {
        StoredTensor {
            storage: Storage {
                key: "0",
                element: Element::Float32,
                length,
                offset: 0,
            },
            offset,
            shape: shape.to_vec(),
            stride: stride.to_vec(),
        }
    }

    #[test]
    fn tensors_lie_within_their_storage_and_do_not_repeat_it() {
        for (length, offset, shape, stride, fits) in [
            (6, 0, &[2, 3][..], &[3, 1][..], true),
            (6, 0, &[3, 2], &[1, 3], true),
            (7, 1, &[2, 3], &[3, 1], true),
            (6, 1, &[2, 3], &[3, 1], false),
            (6, 0, &[2, 3], &[0, 1], false),
            (6, 0, &[2, 3], &[2, 1], false),
            (1, 0, &[1 << 40, 1 << 40], &[0, 0], false),
            (1, 0, &[1, 1], &[usize::MAX, usize::MAX], true),
            (6, 0, &[2, 2], &[usize::MAX, 1], false),
            (6, usize::MAX, &[2], &[1], false),
            (1, 0, &[], &[], true),
            (0, 0, &[0, 7], &[7, 1], true),
        ] {
            let tensor = tensor(length, offset, shape, stride);
            assert_eq!(tensor.fits(), fits, "{tensor:?}");
        }
    }

    #[test]
    fn a_transposed_tensor_is_put_in_order() {
        let run = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(
            tensor(7, 1, &[3, 2], &[1, 3]).gather(&run),
            [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
        );
        assert_eq!(tensor(7, 4, &[1, 3], &[9, 1]).gather(&run), [4.0, 5.0, 6.0]);
        assert_eq!(tensor(7, 0, &[0, 3], &[3, 1]).gather(&run), [0.0; 0]);
    }
}
