//! The operations on burn's CPU backend.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::AdamFactors;
use super::adam::{self, Tensors};
use super::extension::{GradientScale, OptimBackend};
use super::{portable, squares};
use crate::cpu::flex::{floats, floats_mut, from_floats, is_float32, uses_kernels};

impl OptimBackend for Flex {
    fn adam_update(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scale: GradientScale<Self>,
        grad_avg: FloatTensor<Self>,
        sqr_avg: FloatTensor<Self>,
        factors: AdamFactors,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if ![&value, &gradient, &grad_avg, &sqr_avg]
            .into_iter()
            .all(uses_kernels)
        {
            return portable::adam_update::<Self>(
                value, gradient, scale, grad_avg, sqr_avg, factors,
            );
        }
        let scale = match scale {
            GradientScale::One => 1.0,
            GradientScale::By(scale) => floats(&scale)[0],
        };
        let (mut value, mut grad_avg, mut sqr_avg) = (value, grad_avg, sqr_avg);
        adam::update(
            Tensors {
                value: floats_mut(&mut value),
                gradient: &floats(&gradient),
                scale,
                grad_avg: floats_mut(&mut grad_avg),
                sqr_avg: floats_mut(&mut sqr_avg),
            },
            factors,
        );
        (value, grad_avg, sqr_avg)
    }

    fn sum_of_squares(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        // By the kernel also where portable bodies are asked for: burn divides a large sum among
        // threads, in parts that depend on which of them is faster.
        if !is_float32(&tensor) {
            return portable::sum_of_squares::<Self>(tensor);
        }
        let sum = squares::sum(&floats(&tensor));
        from_floats(vec![sum as f32], [1])
    }
}
