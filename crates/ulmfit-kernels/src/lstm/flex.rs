//! The recurrence on burn's CPU backend.

use std::borrow::Cow;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

use super::cpu::{self, Sizes, Weights};
use super::extension::{LstmBackend, Transposed, WeightMask};
use super::layer::dims;
use super::portable;
use crate::cpu::flex::{floats, floats_mut, from_floats, uses_kernels};
use crate::cpu::gemm::{self, Matrix};

impl WeightMask<Flex> {
    fn floats(&self) -> Option<Cow<'_, [f32]>> {
        match self {
            Self::Whole => None,
            Self::Dropped(mask) => Some(floats(mask)),
        }
    }
}

impl LstmBackend for Flex {
    // burn's own product zeroes its output and then copies it to aligned memory, in one thread.
    fn product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        transposed: Transposed,
    ) -> FloatTensor<Self> {
        if !uses_kernels(&left) {
            return portable::product::<Self>(left, right, transposed);
        }
        let (left_shape, right_shape) = (left.shape(), right.shape());
        let (left, right) = (floats(&left), floats(&right));
        let mut left = Matrix::new(&left, left_shape[0], left_shape[1]);
        let mut right = Matrix::new(&right, right_shape[0], right_shape[1]);
        match transposed {
            Transposed::Neither => {}
            Transposed::Left => left = left.transposed(),
            Transposed::Right => right = right.transposed(),
        }
        let shape = [left.rows(), right.columns()];
        from_floats(gemm::product(left, right), shape)
    }

    fn lstm_recurrence(
        projected: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        mask: WeightMask<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !uses_kernels(&projected) {
            return portable::recurrence::<Self>(projected, hidden, cell, weight_hh, mask, bias);
        }
        let [seq_len, batch_size, width] = dims::<Self>(&projected);
        let sizes = Sizes {
            seq_len,
            batch_size,
            d_hidden: width / 4,
        };
        let states = |first: FloatTensor<Self>| {
            let mut states = Vec::with_capacity((seq_len + 1) * batch_size * sizes.d_hidden);
            states.extend_from_slice(&floats(&first));
            states.resize(states.capacity(), 0.0);
            states
        };
        let (mut hiddens, mut cells) = (states(hidden), states(cell));
        let mut gates = projected;
        let (weights, mask) = (floats(&weight_hh), mask.floats());
        let weights = Weights {
            values: &weights,
            mask: mask.as_deref(),
        };
        cpu::forward(
            sizes,
            weights,
            &floats(&bias),
            floats_mut(&mut gates),
            &mut hiddens,
            &mut cells,
        );
        let shape = [seq_len + 1, batch_size, sizes.d_hidden];
        (
            from_floats(hiddens, shape),
            from_floats(cells, shape),
            gates,
        )
    }

    fn lstm_recurrence_backward(
        grad: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        cells: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        mask: WeightMask<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !uses_kernels(&grad) {
            return portable::recurrence_backward::<Self>(&grad, &gates, &cells, weight_hh, mask);
        }
        let [seq_len, batch_size, d_hidden] = dims::<Self>(&grad);
        let sizes = Sizes {
            seq_len,
            batch_size,
            d_hidden,
        };
        let mut bias_grad = vec![0.0; 4 * d_hidden];
        let mut gates = gates;
        let (weights, mask) = (floats(&weight_hh), mask.floats());
        let weights = Weights {
            values: &weights,
            mask: mask.as_deref(),
        };
        cpu::backward(
            sizes,
            weights,
            floats_mut(&mut gates),
            &floats(&cells),
            &floats(&grad),
            &mut bias_grad,
        );
        (gates, from_floats(bias_grad, [4 * d_hidden]))
    }
}
