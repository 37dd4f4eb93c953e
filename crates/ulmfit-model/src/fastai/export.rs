//! Our weights by the names of fastai 2, and a vocabulary as it pickles them.

use crate::weights::NamedTensor;

/// A model's weights by fastai's names: `prefix` is in front of the encoder's, `0.` in a language
/// model, `0.module.` in a classifier and nothing in an encoder alone.
///
/// Each weight has one name, as in files that safetensors' `load_model` reads: other names of the
/// embedding, such as the decoder's `1.decoder.weight`, are left out. The second bias of a layer is
/// minus zero, so that the sum of both is the first to the bit. fastai's head has no biases; ours go by the name that they would have.
pub fn to_fastai(weights: Vec<NamedTensor>, prefix: &str) -> Vec<NamedTensor> {
    let mut named = Vec::with_capacity(weights.len() + 8);
    for tensor in weights {
        if let Some(layer) = tensor.name.strip_suffix(".bias").and_then(layer) {
            named.push(NamedTensor {
                name: format!("{prefix}rnns.{layer}.module.bias_hh_l0"),
                shape: tensor.shape.clone(),
                values: vec![-0.0; tensor.values.len()],
            });
        }
        let name = name(&tensor.name, prefix);
        named.push(NamedTensor { name, ..tensor });
    }
    named
}

/// The number of the layer, of a layer of the encoder's.
fn layer(name: &str) -> Option<&str> {
    name.strip_prefix("encoder.layers.")
}

fn name(ours: &str, prefix: &str) -> String {
    if ours == "encoder.embedding" {
        return format!("{prefix}encoder.weight");
    }
    if ours == "decoder_bias" {
        return "1.decoder.bias".to_owned();
    }
    if let Some((index, field)) = layer(ours).and_then(|rest| rest.split_once('.')) {
        return match field {
            "weight_ih" => format!("{prefix}rnns.{index}.module.weight_ih_l0"),
            "weight_hh" => format!("{prefix}rnns.{index}.weight_hh_l0_raw"),
            _ => format!("{prefix}rnns.{index}.module.bias_ih_l0"),
        };
    }
    let block = ours.strip_prefix("head.blocks.");
    if let Some((index, field)) = block.and_then(|rest| rest.split_once('.')) {
        // Batch norm, dropout, linear layer.
        let place = match field {
            "norm.gamma" => "0.weight",
            "norm.beta" => "0.bias",
            "norm.running_mean" => "0.running_mean",
            "norm.running_var" => "0.running_var",
            "weight" => "2.weight",
            _ => "2.bias",
        };
        return format!("1.layers.{index}.{place}");
    }
    ours.to_owned()
}

/// A list of strings as a pickle of protocol 2: fastai's `itos`.
///
/// # Panics
///
/// Panics on a string of more than 4 GiB.
pub fn pickle_of_strings<T: AsRef<str>>(strings: &[T]) -> Vec<u8> {
    // Protocol 2; an empty list; a mark; the strings; append all above the mark; stop.
    let mut pickle = b"\x80\x02](".to_vec();
    for text in strings {
        let text = text.as_ref();
        let length = u32::try_from(text.len()).expect("tokens are shorter than 4 GiB");
        pickle.push(b'X');
        pickle.extend(length.to_le_bytes());
        pickle.extend(text.as_bytes());
    }
    pickle.extend(b"e.");
    pickle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastai::FastaiVocab;

    #[test]
    fn a_pickled_list_is_read_again() {
        let tokens = ["xxunk", "\n", "", "café"];
        let vocab = FastaiVocab::from_pickle(&pickle_of_strings(&tokens));
        assert_eq!(
            vocab.map(|vocab| vocab.tokens).ok(),
            Some(tokens.map(str::to_owned).to_vec())
        );
    }
}
