//! The words of a checkpoint, which fastai keeps in a pickle beside it.

use super::misfit::Refusal;
use super::pickle::{self, Global, Ref, Value, Values};
use crate::error::ModelError;

/// What a pickled vocabulary of fastai's holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastaiVocab {
    /// The tokens in the order of their ids: `itos`.
    pub tokens: Vec<String>,
    /// The names of the classes, where it is the vocabulary of a classifier's data.
    pub labels: Option<Vec<String>>,
}

/// Most bytes of a token, and of all of them together: a pickle may name a string more than once.
const LONGEST_TOKEN: usize = 4096;
const MOST_BYTES: usize = 256 << 20;

impl FastaiVocab {
    /// Reads a pickle of a list of strings; of fastai v2's `dls.vocab`, that of a classifier
    /// included; of fastai 1.0's `Vocab`; or of `stoi`, a dictionary of ids.
    ///
    /// # Errors
    ///
    /// [`ModelError::Checkpoint`] says what is wrong, without naming the file.
    pub fn from_pickle(bytes: &[u8]) -> Result<Self, ModelError> {
        read(bytes).map_err(|sentence| Refusal::from(sentence).into())
    }
}

fn read(bytes: &[u8]) -> Result<FastaiVocab, String> {
    if !matches!(bytes, [0x80, ..]) {
        return Err("is not a pickled vocabulary; make one in Python by \
             `pickle.dump(list(vocab), open(\"itos.pkl\", \"wb\"))`"
            .to_owned());
    }
    let pickle = pickle::read(bytes)?;
    let (values, root) = (&pickle.values, pickle.root);
    if let Value::Object(Global::VocabV1, Some(state)) = values.get(root) {
        let tokens = values
            .entry(*state, "itos")
            .and_then(|itos| values.elements(itos));
        return Ok(only_tokens(strings(values, tokens.ok_or_else(unlike)?)?));
    }
    if let Value::Dict(entries) = values.get(root) {
        return Ok(only_tokens(by_ids(values, entries)?));
    }
    let elements = values.elements(root).ok_or_else(unlike)?;
    if let [tokens, labels] = elements
        && let (Some(tokens), Some(labels)) = (values.elements(*tokens), values.elements(*labels))
    {
        return Ok(FastaiVocab {
            tokens: strings(values, tokens)?,
            labels: Some(strings(values, labels)?),
        });
    }
    Ok(only_tokens(strings(values, elements)?))
}

fn only_tokens(tokens: Vec<String>) -> FastaiVocab {
    FastaiVocab {
        tokens,
        labels: None,
    }
}

fn strings(values: &Values<'_>, elements: &[Ref]) -> Result<Vec<String>, String> {
    let mut left = MOST_BYTES;
    let strings = elements.iter().map(|element| {
        let text = values.str(*element).ok_or_else(unlike)?;
        let rest = left.checked_sub(text.len());
        match rest.filter(|_| text.len() <= LONGEST_TOKEN) {
            Some(rest) => left = rest,
            None => return Err("has tokens longer than any word".to_owned()),
        }
        Ok(text.to_owned())
    });
    strings.collect()
}

/// The tokens of a dictionary of their ids, each of which is given once.
fn by_ids(values: &Values<'_>, entries: &[(Ref, Ref)]) -> Result<Vec<String>, String> {
    let keys = entries.iter().map(|(token, _)| *token).collect::<Vec<_>>();
    let mut tokens = vec![None; entries.len()];
    for (token, (_, id)) in strings(values, &keys)?.into_iter().zip(entries) {
        let place = values.size(*id).and_then(|id| tokens.get_mut(id));
        match place {
            Some(place @ None) => *place = Some(token),
            _ => {
                return Err(
                    "has ids that are not 0 to the number of tokens; pickle `itos`, the \
                            list of tokens, instead"
                        .to_owned(),
                );
            }
        }
    }
    Ok(tokens.into_iter().flatten().collect())
}

fn unlike() -> String {
    "is a pickle, but no list of strings; pickle `list(vocab)`".to_owned()
}
