//! Clipping by the norm of all gradients together.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};
use ulmfit_kernels::sum_of_squares;

use crate::{ScaledGradients, step::flatten};

/// Added to the norm before it divides, as PyTorch's `clip_grad_norm_` does.
const EPSILON: f64 = 1e-6;

/// Scales all gradients by `min(1, max_norm / (norm + 1e-6))`, where `norm` is the Euclidean norm of
/// all of them together, and returns the norm before clipping, `[1]`. This is PyTorch's
/// `clip_grad_norm_`; burn's `GradientClipping::Norm` clips each parameter by its own norm.
///
/// The optimizers of this crate take the result as it is and multiply while they update; for others
/// there is [`ScaledGradients::into_params`].
///
/// Nothing is read back from the device: read the norm when it is to be logged.
///
/// A gradient that is infinite or not a number makes the norm so too, and the result is then of no
/// use: finite gradients become zero next to an infinite one, and nothing about a NaN is repaired.
/// The training loop checks the loss, which tells the same sooner. Squares are taken in the
/// gradients' own type, so that in `f32` norms above about 1e19 count as infinite.
///
/// # Panics
/// When `max_norm` is not positive, or the model has no parameters.
#[doc(alias = "clip_grad_norm_")]
pub fn clip_global_norm<M: Module>(
    model: &M,
    gradients: GradientsParams,
    max_norm: f64,
) -> (ScaledGradients, Tensor<1>) {
    assert!(
        max_norm > 0.0,
        "the norm to clip at is {max_norm} and must be more than 0"
    );
    let mut squares = Squares {
        gradients: &gradients,
        sums: Vec::new(),
    };
    model.visit(&mut squares);
    let sums = squares.sums;
    if sums.is_empty() {
        let device = model.devices().into_iter().next();
        let device = device.expect("a model with parameters");
        return (gradients.into(), Tensor::zeros([1], &device.inner()));
    }

    let norm = Tensor::cat(sums, 0).sum().sqrt(); // [1]
    let scale = norm
        .clone()
        .add_scalar(EPSILON)
        .recip()
        .mul_scalar(max_norm)
        .clamp_max(1.0); // [1]
    let scale = Some(scale);
    (ScaledGradients { gradients, scale }, norm)
}

/// Collects the sum of squares of each gradient, in the order of the parameters, so that the sum
/// over them does not depend on ids that are drawn anew in every run.
struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sums.push(sum_of_squares(flatten(gradient)));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::test_model::device;

    #[derive(Module, Debug)]
    struct Pair {
        matrix: Param<Tensor<2>>,
        vector: Param<Tensor<1>>,
        frozen: Param<Tensor<1>>,
    }

    fn pair(device: &Device) -> Pair {
        Pair {
            matrix: Param::from_data([[0.0f32; 2]; 2], device),
            vector: Param::from_data([0.0f32; 3], device),
            frozen: Param::from_data([0.0f32; 3], device).set_require_grad(false),
        }
    }

    /// Clips the gradients `matrix` and `vector` and returns them with the norm.
    fn clip(matrix: [[f32; 2]; 2], vector: [f32; 3], max_norm: f64) -> (Vec<f32>, f32) {
        let device = device();
        let model = pair(&device);
        let mut gradients = GradientsParams::new();
        let inner = device.inner();
        gradients.register(model.matrix.id, Tensor::<2>::from_data(matrix, &inner));
        gradients.register(model.vector.id, Tensor::<1>::from_data(vector, &inner));
        let (gradients, norm) = clip_global_norm(&model, gradients, max_norm);
        let gradients = gradients.into_params(&model);
        assert_eq!(gradients.len(), 2);
        let matrix = gradients.get::<2>(model.matrix.id).unwrap().into_data();
        let vector = gradients.get::<1>(model.vector.id).unwrap().into_data();
        let mut values = matrix.try_to_vec::<f32>().unwrap();
        values.extend(vector.try_to_vec::<f32>().unwrap());
        (values, norm.into_scalar())
    }

    #[test]
    fn it_scales_by_the_norm_of_all_gradients() {
        // 1 + 4 + 4 + 0 + 16 + 0 + 0 = 25. To a norm of 1: everything by 1 / (5 + 1e-6).
        let (values, norm) = clip([[1.0, 2.0], [-2.0, 0.0]], [4.0, 0.0, 0.0], 1.0);
        assert!((norm - 5.0).abs() < 1e-6);
        for (found, gradient) in values.iter().zip([1.0, 2.0, -2.0, 0.0, 4.0, 0.0, 0.0]) {
            let expected = gradient / 5.000_001;
            assert!((found - expected).abs() < 1e-7, "{found} is not {expected}");
        }
    }

    #[test]
    fn it_leaves_smaller_gradients_alone() {
        let matrix = [[1.0, 2.0], [-2.0, 0.1]];
        let (values, _) = clip(matrix, [4.0, 0.3, 0.0], 5.1);
        assert_eq!(values, [1.0, 2.0, -2.0, 0.1, 4.0, 0.3, 0.0]);
        let (values, norm) = clip([[0.0; 2]; 2], [0.0; 3], 0.25);
        assert_eq!((values, norm), (vec![0.0; 7], 0.0));
    }

    #[test]
    fn an_infinite_gradient_shows_in_the_norm() {
        let (_, norm) = clip([[1.0, f32::INFINITY], [0.0, 0.0]], [0.0; 3], 1.0);
        assert!(norm.is_infinite());
        let (values, norm) = clip([[1.0, f32::NAN], [0.0, 0.0]], [0.0; 3], 1.0);
        assert!(norm.is_nan());
        assert!(values[1].is_nan());
    }

    #[test]
    fn no_gradients_have_a_norm_of_zero() {
        let model = pair(&device());
        let (gradients, norm) = clip_global_norm(&model, GradientsParams::new(), 1.0);
        assert!(gradients.into_params(&model).is_empty());
        assert!(norm.into_scalar::<f32>().abs() < f32::EPSILON);
    }
}
