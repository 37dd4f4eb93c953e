#![expect(deprecated, reason = "ndarray is offered for as long as burn ships it")]

use burn::tensor::{Device, Int, Tensor, TensorData, Tolerance};

use super::embedding;

fn tokens(values: &[i64], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// Small whole numbers, so that sums are exact in any order.
fn counting<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|index| (index % 17) as f32 - 5.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn assert_same<const D: usize>(actual: Tensor<D>, expected: Tensor<D>) {
    actual
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-6));
}

#[test]
fn it_equals_plain_autodiff() {
    for device in [Device::flex().autodiff(), Device::ndarray().autodiff()] {
        for (vocab_size, d, words) in [
            (1, 1, vec![0]),
            (5, 3, vec![4]),
            (5, 17, vec![0, 4, 4, 2, 0, 4]),
            (40, 16, (0..100).map(|index| index * 7 % 40).collect()),
        ] {
            let weight = counting([vocab_size, d], &device).require_grad();
            let tokens = tokens(&words, &device);
            let mask = counting([vocab_size], &device);
            let weighting = counting([words.len(), d], &device);
            for mask in [None, Some(mask)] {
                let actual = embedding(weight.clone(), tokens.clone(), mask.clone());
                let masked = match mask {
                    None => weight.clone(),
                    Some(mask) => weight.clone() * mask.unsqueeze_dim(1),
                };
                let expected = masked.select(0, tokens.clone());
                assert_same(actual.clone(), expected.clone());
                let gradient = |embedded: Tensor<2>| {
                    let loss = (embedded * weighting.clone()).sum();
                    weight.grad(&loss.backward()).unwrap()
                };
                assert_same(gradient(actual), gradient(expected));
            }
        }
    }
}

#[test]
fn no_tokens_have_no_embeddings() {
    let device = Device::flex().autodiff();
    let weight = counting([4, 3], &device).require_grad();
    let embedded = embedding(weight.clone(), tokens(&[], &device), None);
    assert_eq!(embedded.dims(), [0, 3]);
    let gradient = weight.grad(&embedded.sum().backward()).unwrap();
    assert_same(gradient, Tensor::zeros([4, 3], &Device::flex()));
}

#[test]
fn a_frozen_weight_gets_no_gradient() {
    let device = Device::flex().autodiff();
    let weight = counting([4, 3], &device);
    let scale = Tensor::<2>::ones([1, 1], &device).require_grad();
    let loss = (embedding(weight.clone(), tokens(&[1, 2], &device), None) * scale).sum();
    assert!(weight.grad(&loss.backward()).is_none());
}

#[test]
#[should_panic(expected = "the token 4 is not in the vocabulary of 4 words")]
fn a_token_beyond_the_vocabulary_is_a_panic() {
    let device = Device::flex();
    embedding(counting([4, 3], &device), tokens(&[0, 4], &device), None);
}

#[test]
#[should_panic(expected = "the token -1 is not in the vocabulary of 4 words")]
fn a_negative_token_is_a_panic() {
    let device = Device::flex();
    embedding(counting([4, 3], &device), tokens(&[-1], &device), None);
}
