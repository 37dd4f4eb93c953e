//! From a corpus to ids: the part held out for validation, and the vocabulary of the rest.

use std::sync::Arc;

use ulmfit_data::{
    Direction, Subwords, TokenIds, TokenizedCorpus, Tokenizer, TokenizerConfig, Vocab, rng,
};
use ulmfit_model::AwdLstmDropout;

use crate::error::TrainError;
use crate::model_file::TrainedLanguageModel;
use crate::recipe::Recipe;

/// A corpus to train a language model on, with its own vocabulary.
pub(crate) struct LanguageModelData {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) vocab: Vocab,
    /// To train on, and to validate on.
    pub(crate) corpora: [Arc<dyn TokenIds>; 2],
}

/// Chooses a vocabulary from the training part of a corpus, and encodes both parts with it. Subwords
/// bring their own. Of `pretrained`, the words of a pretrained model, it has all if the recipe says so.
pub(crate) fn language_model_data(
    corpus: &TokenizedCorpus,
    pretrained: Option<&Vocab>,
    recipe: &Recipe,
    validation: f64,
    seed: u64,
) -> Result<LanguageModelData, TrainError> {
    check_tokenizer(corpus, &recipe.text, None, "the recipe's [text]")?;
    let [train, valid] = held_out(corpus.len(), validation, seed);
    if train.is_empty() {
        return Err(TrainError::Unusable(
            "there are no documents to train a language model on".to_owned(),
        ));
    }
    let tokenizer = corpus.tokenizer().clone();
    let mut vocab = vocabulary(corpus, &train, recipe)?;
    if let Some(pretrained) = pretrained.filter(|_| recipe.vocab.keep_pretrained) {
        vocab = vocab.extended(pretrained, recipe.vocab.pad_to_multiple);
    }
    recipe
        .encoder(vocab.len(), AwdLstmDropout::NONE)
        .validate()?;
    let corpora = [train, valid].map(|documents| corpus.encode(documents, &vocab));
    Ok(LanguageModelData {
        tokenizer,
        vocab,
        corpora,
    })
}

/// The vocabulary of these documents, as the recipe chooses it. Subwords bring their own.
pub(crate) fn vocabulary(
    corpus: &TokenizedCorpus,
    documents: &[usize],
    recipe: &Recipe,
) -> Result<Vocab, TrainError> {
    match corpus.tokenizer().vocab(recipe.vocab.pad_to_multiple)? {
        Some(own) => Ok(own),
        None => Ok(corpus.vocab(documents, &recipe.vocab.config())?),
    }
}

/// Fails unless a corpus was tokenized as `whose` says, with the very subwords that are given: its
/// tokens would mean something else.
pub(crate) fn check_tokenizer(
    corpus: &TokenizedCorpus,
    config: &TokenizerConfig,
    subwords: Option<&Subwords>,
    whose: &str,
) -> Result<(), TrainError> {
    let tokenizer = corpus.tokenizer();
    let same_subwords = subwords.is_none() || subwords == tokenizer.subwords();
    if tokenizer.config() == config && same_subwords {
        return Ok(());
    }
    Err(TrainError::Unusable(format!(
        "the corpus was encoded with another tokenizer than {whose}; name its texts instead, or \
         encode them again as {whose} says"
    )))
}

/// Fails unless a language model, which messages call `whose`, reads documents that way and has the
/// tokenizer that they were encoded with.
pub(crate) fn check_language_model(
    language_model: &TrainedLanguageModel,
    corpus: &TokenizedCorpus,
    direction: Direction,
    whose: &str,
) -> Result<(), TrainError> {
    if language_model.direction != direction {
        return Err(TrainError::Unusable(format!(
            "{whose} reads {} and this run reads {direction}; both must be the same",
            language_model.direction
        )));
    }
    let tokenizer = &language_model.tokenizer;
    check_tokenizer(corpus, tokenizer.config(), tokenizer.subwords(), whose)
}

/// The places below `count` that are not among `places`, which rise.
pub(crate) fn others(places: &[usize], count: usize) -> Vec<usize> {
    let mut places = places.iter().peekable();
    (0..count)
        .filter(|place| places.next_if_eq(&place).is_none())
        .collect()
}

/// Splits `0..count` in those to train on and those to validate on, both in rising order.
fn held_out(count: usize, validation: f64, seed: u64) -> [Vec<usize>; 2] {
    let mut order = (0..count).collect::<Vec<_>>();
    rng::shuffle(
        &mut rng::stream(seed, "language model validation", 0),
        &mut order,
    );
    let held = (count as f64 * validation).round() as usize;
    let mut valid = order[..held].to_vec();
    let mut train = order[held..].to_vec();
    valid.sort_unstable();
    train.sort_unstable();
    [train, valid]
}
