//! Text that a language model goes on with.

use burn::tensor::{Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use ulmfit_data::{Direction, Vocab, rng, special};
use ulmfit_model::{AwdLstmState, PackedAwdLstm, Precision};

use crate::error::TrainError;
use crate::model_file::TrainedLanguageModel;

/// How the next token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Tokens to add to the prompt.
    pub tokens: usize,
    /// What scores are divided by: below 1, probable words become more so; at 0, the most probable
    /// one is taken.
    pub temperature: f64,
    /// Draw among so many of the most probable tokens; 0 for all.
    pub top_k: usize,
    /// The seed of every draw.
    pub seed: u64,
}

/// Tokens of the prompt that are read at once; it bounds the memory and changes nothing else.
const CHUNK: usize = 256;
/// What may stand behind a mark of repetition.
const COUNTS: std::ops::RangeInclusive<usize> = 2..=20;

/// Goes on with a text. The result is in reading order: the prompt's tokens, then those that were
/// drawn; of a model that reads backward, those that were drawn come first. Tokens that stand for no
/// text (`xxunk`, `xxpad`, `xxbos`, `xxeos`, `xxfld`, fillers) are never drawn, and marks only where
/// what they mark can follow.
///
/// [`Tokenizer::detokenize`](ulmfit_data::Tokenizer::detokenize) makes text of it.
///
/// # Errors
///
/// [`TrainError::Unusable`] when the temperature is not a number from 0 on, or the vocabulary has no
/// token that could be drawn.
pub fn generate(
    trained: &TrainedLanguageModel,
    prompt: &str,
    options: &GenerateOptions,
) -> Result<Vec<String>, TrainError> {
    if !(options.temperature >= 0.0 && options.temperature.is_finite()) {
        return Err(TrainError::Unusable(format!(
            "the temperature is {}, and it must be a number from 0 on",
            options.temperature
        )));
    }
    let mut tokens = trained.tokenizer.tokenize(prompt);
    let is_backward = trained.direction == Direction::Backward;
    // A document read backward ends with its mark, and a new text cannot begin with the end.
    if is_backward {
        if tokens.len() > 1 && tokens[0].trim_start_matches('▁') == special::BOS {
            tokens.remove(0);
        }
        tokens.reverse();
    }
    let roles = Roles::new(&trained.vocab);
    if !roles.0.contains(&Role::Word) {
        return Err(TrainError::Unusable(
            "the vocabulary has no words, so there is nothing to draw".to_owned(),
        ));
    }
    let mut reader = Reader::new(trained);
    let mut scores = reader.read(&trained.vocab.numericalize(&tokens));
    let mut draws = rng::stream(options.seed, "generate", 0);
    let mut expected = Expected::Anything;
    for left in (1..=options.tokens).rev() {
        // Read backward, a mark comes behind what it marks.
        let allowed = |id: usize| match roles.0[id] {
            Role::Never => false,
            role => is_backward || expected.allows(role, left),
        };
        let id = draw(&scores, allowed, options, &mut draws);
        expected = expected.after(roles.0[id]);
        let token = trained.vocab.token(id as u32).unwrap_or(special::UNK);
        tokens.push(token.to_owned());
        if left > 1 {
            scores = reader.read(&[id as u32]);
        }
    }
    if is_backward {
        tokens.reverse();
    }
    Ok(tokens)
}

/// The model, and how far it has read.
struct Reader {
    encoder: PackedAwdLstm,
    /// The decoder's weights, `[d_embedding, vocab_size]`.
    decoder: Tensor<2>,
    /// The decoder's bias, `[1, vocab_size]`.
    bias: Tensor<2>,
    state: AwdLstmState,
}

impl Reader {
    fn new(trained: &TrainedLanguageModel) -> Self {
        let encoder = trained.model.encoder.pack(Precision::Float32);
        let state = encoder.zeros(1);
        Self {
            encoder,
            decoder: trained.model.encoder.embedding.val().inner().transpose(),
            bias: trained.model.decoder_bias.val().inner().unsqueeze(),
            state,
        }
    }

    /// Reads on; the scores of what may come next, before the softmax, one for each id.
    fn read(&mut self, ids: &[u32]) -> Vec<f32> {
        let device = self.bias.device();
        let mut last = None;
        for chunk in ids.chunks(CHUNK) {
            let ids = chunk.iter().map(|&id| i64::from(id)).collect::<Vec<_>>();
            let ids = TensorData::new(ids, [1, chunk.len()]);
            let tokens = Tensor::<2, Int>::from_data(ids, &device);
            let output = self.encoder.forward(tokens, self.state.clone());
            self.state = output.state;
            let position = chunk.len() - 1;
            last = Some(output.output.narrow(0, position, 1).squeeze_dim::<2>(0)); // [1, d_embedding]
        }
        let last = last.expect("a text has at least its mark");
        let scores = last.matmul(self.decoder.clone()) + self.bias.clone(); // [1, vocab_size]
        let scores = scores.into_data_as::<f32>().try_to_vec::<f32>();
        scores.expect("converted to f32")
    }
}

/// What a token is to a text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// Stands for no text.
    Never,
    Word,
    /// A word that is a small whole number.
    Count,
    /// Says how the next word is written.
    Case,
    /// Says that a character or a word is repeated: the count follows, then what is repeated.
    Repeat,
}

/// The role of each id.
struct Roles(Vec<Role>);

impl Roles {
    fn new(vocab: &Vocab) -> Self {
        let roles = vocab.strings().iter().map(|token| {
            let bare = token.trim_start_matches('▁');
            match bare {
                special::UNK | special::PAD | special::BOS | special::EOS | special::FLD => {
                    Role::Never
                }
                special::FILLER => Role::Never,
                special::UP | special::MAJ => Role::Case,
                special::REP | special::WREP => Role::Repeat,
                _ if token.is_empty() => Role::Never,
                _ if bare.parse().is_ok_and(|count| COUNTS.contains(&count)) => Role::Count,
                _ => Role::Word,
            }
        });
        let mut roles: Vec<Role> = roles.collect();
        // A small vocabulary may have no number to say how often.
        if !roles.contains(&Role::Count) {
            for role in &mut roles {
                if *role == Role::Repeat {
                    *role = Role::Never;
                }
            }
        }
        Self(roles)
    }
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Anything,
    /// A word, behind a mark.
    Word,
    /// The count, behind a mark of repetition.
    Count,
}

impl Expected {
    /// Whether a token of this role may be drawn when there are `left` to draw, it included.
    fn allows(self, role: Role, left: usize) -> bool {
        match (self, role) {
            (Self::Anything, Role::Case) => left > 1,
            (Self::Anything, Role::Repeat) => left > 2,
            (Self::Anything | Self::Word, Role::Word | Role::Count)
            | (Self::Count, Role::Count) => true,
            (_, Role::Never) | (Self::Count, _) | (Self::Word, Role::Case | Role::Repeat) => false,
        }
    }

    fn after(self, role: Role) -> Self {
        match (self, role) {
            (Self::Count, _) | (_, Role::Case) => Self::Word,
            (_, Role::Repeat) => Self::Count,
            _ => Self::Anything,
        }
    }
}

/// Draws an id among those that are allowed; of these, the least one if none has a score.
fn draw(
    scores: &[f32],
    allowed: impl Fn(usize) -> bool,
    options: &GenerateOptions,
    draws: &mut ChaCha8Rng,
) -> usize {
    let mut candidates = scores.iter().copied().enumerate().collect::<Vec<_>>();
    candidates.retain(|(id, score)| allowed(*id) && !score.is_nan());
    // The most probable first; ids decide between equals.
    candidates.sort_by(|(id, score), (other, than)| than.total_cmp(score).then(id.cmp(other)));
    if options.top_k > 0 {
        candidates.truncate(options.top_k);
    }
    let Some(&(best, highest)) = candidates.first() else {
        return (0..scores.len()).find(|id| allowed(*id)).unwrap_or(0);
    };
    if options.temperature == 0.0 {
        return best;
    }
    let weight = |score: f32| (f64::from(score - highest) / options.temperature).exp();
    let total = candidates
        .iter()
        .map(|(_, score)| weight(*score))
        .sum::<f64>();
    let mut rest = rng::unit(draws) * total;
    let drawn = candidates.iter().find(|(_, score)| {
        rest -= weight(*score);
        rest < 0.0
    });
    drawn.map_or(best, |(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(temperature: f64, top_k: usize) -> GenerateOptions {
        GenerateOptions {
            tokens: 1,
            temperature,
            top_k,
            seed: 0,
        }
    }

    #[test]
    fn draws_are_as_frequent_as_they_are_probable() {
        // e^0 : e^1 : e^2, and one that is not allowed.
        let scores = [0.0, 1.0, 2.0, 9.0];
        let mut draws = rng::stream(1, "test", 0);
        let mut counts = [0; 4];
        for _ in 0..30_000 {
            counts[draw(&scores, |id| id < 3, &options(1.0, 0), &mut draws)] += 1;
        }
        for (count, expected) in counts.iter().zip([2_701, 7_341, 19_958, 0]) {
            assert!(i32::abs(count - expected) < 300, "{counts:?}");
        }
    }

    #[test]
    fn the_most_probable_are_kept() {
        let scores = [0.0, 3.0, 3.0, f32::NAN, 1.0];
        let mut draws = rng::stream(1, "test", 0);
        for _ in 0..100 {
            assert_eq!(draw(&scores, |_| true, &options(0.0, 0), &mut draws), 1);
            assert_eq!(draw(&scores, |_| true, &options(5.0, 1), &mut draws), 1);
            assert!([1, 2].contains(&draw(&scores, |_| true, &options(5.0, 2), &mut draws)));
        }
        assert_eq!(
            draw(&[f32::NAN; 2], |id| id == 1, &options(1.0, 0), &mut draws),
            1
        );
    }

    #[test]
    fn nothing_is_repeated_where_no_number_says_how_often() {
        let roles = |words: &[&str]| {
            let tokens = [special::UNK, special::REP].iter().chain(words);
            let vocab = Vocab::from_strings(tokens.map(ToString::to_string).collect());
            Roles::new(&vocab.unwrap()).0
        };
        assert_eq!(roles(&["a", "3"])[1], Role::Repeat);
        assert_eq!(roles(&["a", "900"])[1], Role::Never);
    }

    #[test]
    fn marks_are_followed_by_what_they_mark() {
        let case = Expected::Anything.after(Role::Case);
        assert!(case.allows(Role::Word, 1) && !case.allows(Role::Case, 5));
        let count = Expected::Anything.after(Role::Repeat);
        assert!(count.allows(Role::Count, 2) && !count.allows(Role::Word, 2));
        let unit = count.after(Role::Count);
        assert!(unit.allows(Role::Word, 1) && !unit.allows(Role::Repeat, 9));
        assert_eq!(unit.after(Role::Word), Expected::Anything);
        assert!(!Expected::Anything.allows(Role::Repeat, 2));
        assert!(!Expected::Anything.allows(Role::Case, 1));
        assert!(!Expected::Anything.allows(Role::Never, 9));
    }
}
