use burn::module::Param;
use burn::tensor::{Int, Tensor, TensorData};

use crate::language_model::LanguageModel;

/// Carries a language model over to another vocabulary (Howard and Ruder 2018, section 3.2;
/// fastai's `match_embeds`).
///
/// `sources` has, for each word of the new vocabulary, its id in the old one where the same
/// string is there. Such a word keeps its embedding and its decoder bias; every other word gets
/// the mean of all old ones. Words are matched by string, never by id.
///
/// # Panics
///
/// Panics if `sources` is empty or names an id outside the old vocabulary.
#[must_use]
pub fn transfer_vocabulary(model: LanguageModel, sources: &[Option<u32>]) -> LanguageModel {
    assert!(!sources.is_empty(), "a vocabulary has words");
    let old_size = model.encoder.vocab_size();
    assert!(
        sources.iter().flatten().all(|&id| (id as usize) < old_size),
        "every source is an id of the old vocabulary"
    );
    // The mean is one more row after the old ones, for words without a source to pick.
    let indices = sources
        .iter()
        .map(|source| source.map_or(old_size as i64, i64::from));
    let indices = TensorData::new(indices.collect::<Vec<_>>(), [sources.len()]);
    let device = model.encoder.embedding.val().device();
    let indices = Tensor::<1, Int>::from_data(indices, &device);

    let mut model = model;
    model.encoder.embedding = transferred(&model.encoder.embedding, indices.clone());
    model.decoder_bias = transferred(&model.decoder_bias, indices);
    model
}

/// Picks rows of `[old size, ..]`, where the row after the last is the mean of all.
fn transferred<const D: usize>(
    old: &Param<Tensor<D>>,
    indices: Tensor<1, Int>,
) -> Param<Tensor<D>> {
    // A parameter in training would pass its tracking on, and what is picked is a parameter of its own.
    let rows = old.val().set_require_grad(false);
    let mean = rows.clone().mean_dim(0);
    Param::from_tensor(Tensor::cat(vec![rows, mean], 0).select(0, indices))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{AwdLstmConfig, InitRng, LanguageModelConfig};

    /// A model of three words.
    fn model(device: &Device) -> LanguageModel {
        let encoder = AwdLstmConfig::new(3)
            .with_d_embedding(2)
            .with_d_hidden(4)
            .with_n_layers(1);
        LanguageModelConfig::new(encoder).init(&mut InitRng::new(1), device)
    }

    #[test]
    fn known_words_keep_their_rows_and_new_words_get_the_mean() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            rows_are_carried_over(model(&device));
        }
    }

    #[test]
    #[should_panic(expected = "a vocabulary has words")]
    fn there_is_no_model_without_words() {
        let _model = transfer_vocabulary(model(&Device::flex()), &[]);
    }

    fn rows_are_carried_over(model: LanguageModel) {
        let old: Vec<f32> = model
            .encoder
            .embedding
            .val()
            .into_data()
            .try_to_vec()
            .unwrap();
        let moved = transfer_vocabulary(model, &[Some(2), None, Some(0), None]);
        let new: Vec<f32> = moved
            .encoder
            .embedding
            .val()
            .into_data()
            .try_to_vec()
            .unwrap();
        assert_eq!(new[0..2], old[4..6]);
        assert_eq!(new[4..6], old[0..2]);
        for feature in 0..2 {
            let mean = (old[feature] + old[2 + feature] + old[4 + feature]) / 3.0;
            assert!((new[2 + feature] - mean).abs() < 1e-7);
            assert!((new[6 + feature] - mean).abs() < 1e-7);
        }
        assert_eq!(moved.decoder_bias.dims(), [4]);
    }
}
