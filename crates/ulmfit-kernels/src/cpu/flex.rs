//! Slices of burn's CPU tensors.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, Shape, TensorData};

/// Whether [`use_portable_kernels`] was asked for.
static PORTABLE: AtomicBool = AtomicBool::new(false);

/// Makes this process run the operations of this crate as burn operations on the CPU too, as on
/// every other backend: slower, and equal but for rounding. For comparisons.
///
/// [`sum_of_squares`](crate::sum_of_squares) alone stays as it is: burn's sum of many elements is not
/// the same in every run.
pub fn use_portable_kernels(portable: bool) {
    PORTABLE.store(portable, Ordering::Relaxed);
}

/// Whether the CPU kernels take `tensor`: 32-bit floats, unless the portable bodies are asked for.
pub(crate) fn uses_kernels(tensor: &FloatTensor<Flex>) -> bool {
    is_float32(tensor) && !is_portable()
}

pub(crate) fn is_float32(tensor: &FloatTensor<Flex>) -> bool {
    tensor.dtype() == DType::F32
}

pub(crate) fn is_portable() -> bool {
    PORTABLE.load(Ordering::Relaxed)
}

/// The elements in row-major order, without a copy where they are stored so.
pub(crate) fn floats(tensor: &FloatTensor<Flex>) -> Cow<'_, [f32]> {
    if let Some(slice) = tensor.as_slice::<f32>() {
        return Cow::Borrowed(slice);
    }
    Cow::Owned(tensor.clone().into_data().iter::<f32>().collect())
}

/// The elements in row-major order, to be written to: in place where nothing else holds them.
pub(crate) fn floats_mut(tensor: &mut FloatTensor<Flex>) -> &mut [f32] {
    let elements = tensor.shape().num_elements();
    if !tensor.is_contiguous() || tensor.bytes().len() != elements * size_of::<f32>() {
        let data = tensor.clone().into_data();
        *tensor = FloatTensor::<Flex>::from_data(data);
    }
    tensor.storage_mut::<f32>()
}

/// A tensor of these elements.
pub(crate) fn from_floats<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(values, Shape::new(shape)))
}

/// The elements in row-major order, without a copy where they are stored so as 64-bit integers.
pub(crate) fn integers(tensor: &IntTensor<Flex>) -> Cow<'_, [i64]> {
    match tensor.as_slice::<i64>() {
        Some(slice) => Cow::Borrowed(slice),
        None => Cow::Owned(tensor.clone().into_data().iter::<i64>().collect()),
    }
}
