//! From documents to ids: tokens, vocabulary, and the part held out for validation.

use ulmfit_data::{
    Document, EncodedCorpus, Subwords, TokenizedCorpus, Tokenizer, TokenizerTrainer, Vocab,
    encode_documents, rng,
};

use crate::error::TrainError;
use crate::event::{Event, Observer};
use crate::recipe::Recipe;

/// Documents to tokenize between two events.
const DOCUMENTS_PER_EVENT: usize = 2048;

/// A corpus to train a language model on, with its own vocabulary.
pub(crate) struct LanguageModelData {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) vocab: Vocab,
    /// To train on, and to validate on.
    pub(crate) corpora: [EncodedCorpus; 2],
}

/// Tokenizes documents, chooses a vocabulary from the training part, and encodes both parts.
///
/// A tokenizer of subwords takes the pieces that are given or learns its own from the training part;
/// its pieces are the vocabulary.
pub(crate) fn language_model_data(
    documents: &[Document],
    recipe: &Recipe,
    subwords: Option<&Subwords>,
    validation: f64,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<LanguageModelData, TrainError> {
    let [train, valid] = held_out(documents.len(), validation, seed);
    if train.is_empty() {
        return Err(TrainError::Unusable(
            "there are no documents to train a language model on".to_owned(),
        ));
    }
    let tokenizer = tokenizer(documents, &train, recipe, subwords)?;
    let mut tokenized = TokenizedCorpus::new();
    for part in train.chunks(DOCUMENTS_PER_EVENT) {
        let part = part
            .iter()
            .map(|&index| documents[index].clone())
            .collect::<Vec<_>>();
        tokenized.extend(&tokenizer, &part);
        let (documents, tokens) = (tokenized.len(), tokenized.n_tokens());
        observer.observe(&Event::Prepared { documents, tokens });
    }
    let vocab = match tokenizer.vocab(recipe.vocab.pad_to_multiple)? {
        Some(own) => own,
        None => tokenized.vocab(&recipe.vocab),
    };
    let train = tokenized.encode(&vocab);
    let valid = valid
        .iter()
        .map(|&index| documents[index].clone())
        .collect::<Vec<_>>();
    let valid = encode_documents(&tokenizer, &vocab, &valid);
    Ok(LanguageModelData {
        tokenizer,
        vocab,
        corpora: [train, valid],
    })
}

/// The recipe's tokenizer, of the pieces given or trained on the documents at these places.
fn tokenizer(
    documents: &[Document],
    train: &[usize],
    recipe: &Recipe,
    subwords: Option<&Subwords>,
) -> Result<Tokenizer, TrainError> {
    let config = recipe.text.clone();
    if let Some(subwords) = subwords {
        return Ok(Tokenizer::from_parts(config, Some(subwords.clone()))?);
    }
    let mut trainer = TokenizerTrainer::new(config)?;
    if trainer.reads_text() {
        for part in train.chunks(DOCUMENTS_PER_EVENT) {
            let part = part.iter().map(|&index| documents[index].clone());
            trainer.extend(&part.collect::<Vec<_>>());
        }
    }
    Ok(trainer.finish(&recipe.vocab)?)
}

/// Encodes documents with a vocabulary that is given.
pub(crate) fn encoded(
    documents: &[Document],
    tokenizer: &Tokenizer,
    vocab: &Vocab,
    observer: &mut dyn Observer,
) -> EncodedCorpus {
    let mut corpus = EncodedCorpus::new();
    for part in documents.chunks(DOCUMENTS_PER_EVENT) {
        for document in encode_documents(tokenizer, vocab, part).iter() {
            corpus.push(document);
        }
        let (documents, tokens) = (corpus.len(), corpus.n_tokens());
        observer.observe(&Event::Prepared { documents, tokens });
    }
    corpus
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
