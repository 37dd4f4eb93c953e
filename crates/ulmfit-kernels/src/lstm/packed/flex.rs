//! Inference on burn's CPU backend.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Element, Shape, TensorData};

use super::cpu::{self, Layer};
use super::extension::{PackedLstmBackend, PackedWeights};
use super::panels::{Int8Panels, pack_floats, pack_int8};
use super::product::Panels;
use super::{Precision, portable};
use crate::cpu::flex::{floats, from_floats, uses_kernels};
use crate::lstm::layer::dims;

impl PackedLstmBackend for Flex {
    fn lstm_pack(weights: FloatTensor<Self>, precision: Precision) -> PackedWeights<Self> {
        if !uses_kernels(&weights) {
            return PackedWeights::Plain(weights);
        }
        let shape = weights.shape();
        let (d_hidden, inner) = (shape[0] / 4, shape[1]);
        let weights = floats(&weights);
        match precision {
            Precision::Float32 => {
                let packed = pack_floats(&weights, d_hidden, inner);
                PackedWeights::Float32 {
                    values: flat(packed.buffer),
                    start: packed.start,
                }
            }
            Precision::Int8 => {
                let Int8Panels {
                    values,
                    offsets,
                    scales,
                } = pack_int8(&weights, d_hidden, inner);
                PackedWeights::Int8 {
                    values: flat(values.buffer),
                    start: values.start,
                    offsets: flat(offsets),
                    scales: flat(scales),
                }
            }
        }
    }

    fn lstm_packed(
        input: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        ih: PackedWeights<Self>,
        hh: PackedWeights<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if matches!(ih, PackedWeights::Plain(_)) {
            return portable::run::<Self>(input, hidden, cell, ih, hh, bias);
        }
        let [seq_len, batch_size, d_input] = dims::<Self>(&input);
        let d_hidden = hidden.shape()[1];
        let mut cells = floats(&cell).into_owned();
        let mut output = vec![0.0; seq_len * batch_size * d_hidden];
        let layer = Layer {
            seq_len,
            batch_size,
            d_input,
            d_hidden,
            ih: panels(&ih),
            hh: panels(&hh),
            bias: &floats(&bias),
        };
        cpu::run(
            layer,
            &floats(&input),
            &floats(&hidden),
            &mut cells,
            &mut output,
        );
        (
            from_floats(output, [seq_len, batch_size, d_hidden]),
            from_floats(cells, [batch_size, d_hidden]),
        )
    }
}

/// The elements as they are, whatever their type.
fn flat<E: Element>(elements: Vec<E>) -> IntTensor<Flex> {
    let shape = Shape::new([elements.len()]);
    FloatTensor::<Flex>::from_data(TensorData::new(elements, shape))
}

/// The panels' slices.
fn panels(weights: &PackedWeights<Flex>) -> Panels<'_> {
    match weights {
        PackedWeights::Plain(_) => unreachable!("both weights were packed at once"),
        PackedWeights::Float32 { values, start } => {
            Panels::Float32(&values.storage::<f32>()[*start..])
        }
        PackedWeights::Int8 {
            values,
            start,
            offsets,
            scales,
        } => Panels::Int8 {
            values: &values.storage::<i8>()[*start..],
            offsets: offsets.storage::<i32>(),
            scales: scales.storage::<f32>(),
        },
    }
}
