//! Training a model of pieces on the user's text.
//!
//! The same text gives the same `tokenizer.json`, whatever the number of threads: words are counted
//! in the order of documents, sorted before they are trained on, and sums of floats are divided
//! among a number of threads that is fixed.

mod words;

use serde_json::json;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::{AddedToken, Model, ModelWrapper, Tokenizer as HfTokenizer};

use super::{SubwordKind, Subwords, invalid, special_token};
use crate::error::DataError;
use crate::special;
pub use words::WordCounts;

/// The fewest pieces a tokenizer can be trained to: the special tokens and a few letters.
pub const SMALLEST_VOCAB: usize = 64;

/// Words that are trained on, the most frequent ones. SentencePiece as fastai runs it takes all;
/// beyond these a word is too rare to have a say.
const TRAINING_WORDS: usize = 500_000;

/// Threads that training is divided among on any machine, since sums of floats depend on how they
/// are divided.
const THREADS: usize = 4;

/// A tokenizer without a model: how a text is cut in words, and how pieces become a text again.
fn frame(model: impl Into<ModelWrapper>) -> Result<HfTokenizer, DataError> {
    // Compatibility forms and all white space are made alike. `▁` stands for a space. A word is
    // letters (an apostrophe among them), digits, or what is neither, each with its space.
    let parts = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFKC"},
            {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
        ]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
            {
                "type": "Split",
                "pattern": {"Regex": WORD},
                "behavior": "Isolated",
                "invert": false,
            },
        ]},
        "post_processor": null,
        "decoder": {
            "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true,
        },
        "model": {"type": "BPE", "vocab": {}, "merges": []},
    });
    let mut frame = parts
        .to_string()
        .parse::<HfTokenizer>()
        .map_err(|error| invalid(error.to_string()))?;
    frame.with_model(model);
    Ok(frame)
}

const WORD: &str = r"▁?[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*|▁?\p{N}+|▁?[^▁\p{L}\p{M}\p{N}]+|▁";

/// Trains a tokenizer of at most `vocab_size` pieces, the special tokens among them, on counted
/// words. Text with little in it gives fewer.
///
/// # Errors
///
/// [`DataError::InvalidSetting`] when `vocab_size` is below [`SMALLEST_VOCAB`],
/// [`DataError::InvalidTokenizer`] when there are no words.
pub fn train(
    kind: SubwordKind,
    vocab_size: usize,
    words: WordCounts,
) -> Result<Subwords, DataError> {
    if !(SMALLEST_VOCAB..=super::LARGEST_ID).contains(&vocab_size) {
        return Err(DataError::InvalidSetting {
            name: "the vocabulary's size for subwords",
            value: vocab_size.to_string(),
            expected: "64 to 1048576",
        });
    }
    // Half of the pieces at most are single characters; scripts with more of them have rare ones.
    let most_characters = (vocab_size - special::ALL.len()) / 2;
    let words = words.into_training_words(TRAINING_WORDS, most_characters);
    if words.is_empty() {
        return Err(invalid("there is no text to train it on"));
    }
    let special: Vec<AddedToken> = special::ALL
        .iter()
        .map(|token| special_token(token))
        .collect();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(THREADS)
        .build()
        .map_err(|error| invalid(format!("its training cannot start threads: {error}")))?;
    // Or an environment variable would have a say.
    tokenizers::parallelism::set_parallelism(true);
    let trained = pool.install(|| match kind {
        SubwordKind::Unigram => train_unigram(vocab_size, special.clone(), words),
        SubwordKind::Bpe => train_bpe(vocab_size, special.clone(), &words),
    });
    let mut tokenizer = frame(trained.map_err(|error| invalid(error.to_string()))?)?;
    let unknown = tokenizer.get_model().token_to_id(special::UNK);
    tokenizer
        .add_special_tokens(special)
        .map_err(|error| invalid(error.to_string()))?;
    Subwords::new(tokenizer, kind, unknown)
}

fn train_bpe(
    vocab_size: usize,
    special: Vec<AddedToken>,
    words: &[(String, u32)],
) -> tokenizers::Result<ModelWrapper> {
    let counts = words
        .iter()
        .map(|(word, count)| (word.as_str().into(), u64::from(*count)))
        .collect();
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(vocab_size)
        .min_frequency(2)
        .special_tokens(special)
        .build();
    let mut model = BPE::default();
    trainer.do_train(&counts, &mut model)?;
    model.unk_token = Some(special::UNK.to_owned());
    model.fuse_unk = true;
    Ok(model.into())
}

fn train_unigram(
    vocab_size: usize,
    special: Vec<AddedToken>,
    words: Vec<(String, u32)>,
) -> tokenizers::Result<ModelWrapper> {
    let n_special = special.len();
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(vocab_size as u32)
        .unk_token(Some(special::UNK.to_owned()))
        .special_tokens(special)
        .build()?;
    let mut model = Unigram::default();
    trainer.do_train(words, &mut model)?;
    let mut pieces: Vec<(String, f64)> = model.iter().cloned().collect();
    settle(&mut pieces[n_special..]);
    Ok(Unigram::from(pieces, Some(special::UNK_ID as usize), false)?.into())
}

/// Undoes what the trainer leaves to the order of a hash table.
///
/// Characters that did not survive training are put back with the lowest score, each a step above
/// the one before it, in no order. They get their scores in the order of the characters; then pieces
/// of one score are sorted.
fn settle(pieces: &mut [(String, f64)]) {
    const STEP: f64 = 0.0001;
    let lowest = pieces.iter().map(|piece| piece.1).fold(0.0, f64::min);
    let is_character = |piece: &str| piece.chars().nth(1).is_none();
    let mut steps = std::collections::HashSet::new();
    let mut step = 0.0;
    for _ in 0..pieces.len() {
        // The same sum as the trainer's, to the bit.
        steps.insert((lowest + step).to_bits());
        step += STEP;
    }
    let (mut places, mut put_back) = (Vec::new(), Vec::new());
    for (place, (piece, score)) in pieces.iter().enumerate() {
        if is_character(piece) && steps.contains(&score.to_bits()) {
            places.push(place);
            put_back.push((*score, piece.clone()));
        }
    }
    let mut scores: Vec<f64> = put_back.iter().map(|(score, _)| *score).collect();
    scores.sort_by(f64::total_cmp);
    put_back.sort_by(|a, b| a.1.cmp(&b.1));
    for ((place, (_, piece)), score) in places.into_iter().zip(put_back).zip(scores) {
        pieces[place] = (piece, score);
    }
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}
