//! The elements of a tensor, as they are stored.

use half::{bf16, f16};

/// A type of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Float64,
    Float32,
    Float16,
    BFloat16,
    Int64,
    Int32,
    Int16,
    Int8,
    UInt8,
    Bool,
}

impl Element {
    /// By `PyTorch`'s name of the storage, without `Storage`.
    pub(super) fn from_torch(name: &str) -> Option<Self> {
        Some(match name {
            "Double" => Self::Float64,
            "Float" => Self::Float32,
            "Half" => Self::Float16,
            "BFloat16" => Self::BFloat16,
            "Long" => Self::Int64,
            "Int" => Self::Int32,
            "Short" => Self::Int16,
            "Char" => Self::Int8,
            "Byte" => Self::UInt8,
            "Bool" => Self::Bool,
            _ => return None,
        })
    }

    /// By the name in a safetensors file.
    pub(super) fn from_safetensors(dtype: safetensors::Dtype) -> Option<Self> {
        use safetensors::Dtype;
        Some(match dtype {
            Dtype::F64 => Self::Float64,
            Dtype::F32 => Self::Float32,
            Dtype::F16 => Self::Float16,
            Dtype::BF16 => Self::BFloat16,
            Dtype::I64 => Self::Int64,
            Dtype::I32 => Self::Int32,
            Dtype::I16 => Self::Int16,
            Dtype::I8 => Self::Int8,
            Dtype::U8 => Self::UInt8,
            Dtype::BOOL => Self::Bool,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Float64 | Self::Int64 => 8,
            Self::Float32 | Self::Int32 => 4,
            Self::Float16 | Self::BFloat16 | Self::Int16 => 2,
            Self::Int8 | Self::UInt8 | Self::Bool => 1,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Float64 => "float64",
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::BFloat16 => "bfloat16",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Int16 => "int16",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Bool => "bool",
        }
    }

    /// Little-endian elements as float32; `None` unless they are floats. Halves are exact, doubles
    /// are rounded to the nearest.
    pub(super) fn floats(self, bytes: &[u8]) -> Option<Vec<f32>> {
        Some(match self {
            Self::Float64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::Float32 => each(bytes, f32::from_le_bytes),
            Self::Float16 => each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::BFloat16 => each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            _ => return None,
        })
    }
}

fn each<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|element| convert(*element)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_floats_become_float32() {
        let bytes = [0.1_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat();
        assert_eq!(Element::Float64.floats(&bytes), Some(vec![0.1, -2.0]));
        assert_eq!(
            Element::Float16.floats(&[0x00, 0x3c, 0x01, 0x00]),
            Some(vec![1.0, 2.0_f32.powi(-24)])
        );
        assert_eq!(
            Element::BFloat16.floats(&[0x80, 0x3f, 0x49, 0x40]),
            Some(vec![1.0, 3.140_625])
        );
        assert_eq!(Element::Int64.floats(&[0; 8]), None);
    }
}
