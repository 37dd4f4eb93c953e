//! How fast a machine trains, classifies and tokenizes: the code of the stages and of [`Predictor`],
//! timed on random tokens or on given texts.
//!
//! Each function makes a model with random weights, works through the same input several times and
//! returns the wall times. What comes before the first pass, a warm-up included, is not timed.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ulmfit_data::{
    CandidateSampler, Direction, EncodedCorpus, LmBatch, Tokenizer, VocabBuilder, VocabConfig, rng,
};
use ulmfit_model::{
    AwdLstmConfig, AwdLstmDropout, AwdLstmState, DropoutRng, InitRng, LanguageModelConfig,
    Precision, TextClassifierConfig,
};
use ulmfit_optim::{AdamConfig, OptimizerConfig, StepRates};

use crate::error::TrainError;
use crate::model_file::{Provenance, TrainedClassifier};
use crate::predictor::{self, Predictor};
use crate::recipe::Softmax;
use crate::stages::language_model::{self, Step};
use crate::target::{Standardization, Target};

/// Adam's learning rate; any would do.
const LEARNING_RATE: f64 = 1e-3;
/// Adam's momentum, in the middle of what one-cycle schedules do.
const BETA_1: f64 = 0.8;
/// The global norm at which the paper's scripts clip.
const CLIP_NORM: f64 = 0.25;
/// Chunks of a document that are pooled: 1400 tokens in chunks of 70, as in the paper's scripts.
const POOLED_CHUNKS: usize = 20;
/// Most tokens in a batch: layers as wide as the paper's keep some 80 GB for as many in training.
const MOST_IN_A_BATCH: usize = 1 << 20;
/// Most tokens in all documents: a gigabyte of ids.
const MOST_IN_ALL: usize = 1 << 28;
/// How often each product of [`peak_flops`] is taken.
const PEAK_REPEATS: usize = 5;

/// The sizes of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderSizes {
    /// Words in the vocabulary.
    pub vocab_size: usize,
    /// Features of the embedding and of the last layer.
    pub d_embedding: usize,
    /// Features of the layers before the last.
    pub d_hidden: usize,
    /// LSTM layers.
    pub n_layers: usize,
}

/// What [`train_language_model`] times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingBench {
    /// The encoder.
    pub encoder: EncoderSizes,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Tokens in each row.
    pub seq_len: usize,
    /// The words that targets are compared with.
    pub softmax: Softmax,
    /// Passes, each of one step.
    pub steps: usize,
}

/// What [`classify`] times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassifierBench {
    /// The encoder.
    pub encoder: EncoderSizes,
    /// Classes.
    pub n_classes: usize,
    /// The longest chunk of a document that is read at once, in tokens.
    pub bptt: usize,
    /// Documents that are read side by side.
    pub batch_size: usize,
    /// Batches in a pass.
    pub n_batches: usize,
    /// Tokens in each document.
    pub document_len: usize,
    /// Passes over all batches.
    pub steps: usize,
    /// How the layers' weights are stored.
    pub precision: Precision,
}

/// What [`predict`] times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PredictorBench {
    /// The encoder; its vocabulary has as many words of the texts at most.
    pub encoder: EncoderSizes,
    /// Classes.
    pub n_classes: usize,
    /// The longest chunk of a document that is read at once, in tokens.
    pub bptt: usize,
    /// Passes over all texts.
    pub steps: usize,
    /// How the layers' weights are stored.
    pub precision: Precision,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Wall time of each pass.
    pub seconds: Vec<f64>,
    /// Tokens in a pass.
    pub tokens: usize,
    /// Floating-point operations of a pass in dense products, each multiplication and each addition
    /// counted; `None` where there are no such products.
    pub flops: Option<f64>,
    /// Weights of the model, the tied ones once; `None` without a model.
    pub parameters: Option<usize>,
}

impl EncoderSizes {
    fn config(self, dropout: AwdLstmDropout) -> AwdLstmConfig {
        AwdLstmConfig::new(self.vocab_size)
            .with_d_embedding(self.d_embedding)
            .with_d_hidden(self.d_hidden)
            .with_n_layers(self.n_layers)
            .with_dropout(dropout)
    }
}

/// Times training steps of a language model: forward under the default dropouts, cross-entropy with
/// AR and TAR, backward, clipping, Adam's update. The state is carried from step to step.
///
/// Random targets are nearly all different, so that a sampled softmax has more to do than with text.
///
/// # Errors
///
/// [`TrainError::Model`] when a size is out of range, [`TrainError::Unusable`] when a batch has more than 2^20
/// tokens.
pub fn train_language_model(bench: &TrainingBench, device: &Device) -> Result<Timing, TrainError> {
    let config = LanguageModelConfig::new(bench.encoder.config(AwdLstmDropout::LANGUAGE_MODEL));
    config.encoder.validate()?;
    check_tokens([bench.batch_size, bench.seq_len], MOST_IN_A_BATCH)?;
    let device = device.clone().autodiff();
    let model = config.init(&mut InitRng::new(0), &device);
    let adam = AdamConfig {
        beta_1: BETA_1,
        ..AdamConfig::default()
    };
    let mut optimizer = OptimizerConfig::from(adam).init()?;
    let rates = StepRates::uniform(LEARNING_RATE);
    let tokens = bench.batch_size * bench.seq_len;
    let ids = random_ids(bench.encoder.vocab_size, 2 * tokens);
    let batch = LmBatch {
        inputs: ids[..tokens].to_vec(),
        targets: ids[tokens..].to_vec(),
        batch_size: bench.batch_size,
        seq_len: bench.seq_len,
        learning_rate_scale: 1.0,
    };
    let sampler = match bench.softmax {
        Softmax::Full => None,
        Softmax::Sampled(samples) => {
            let text = EncodedCorpus::from_documents([&ids]);
            let vocab_size = bench.encoder.vocab_size;
            Some(CandidateSampler::new(&text, vocab_size, samples, 0)?)
        }
    };
    let draw = |step| sampler.as_ref().map(|it| it.draw(step, &batch.targets));
    let n_candidates = draw(0).map_or(bench.encoder.vocab_size, |it| it.ids.len());

    let parameters = model.num_params();
    // Three products for each of the forward pass: itself and the gradients of both its factors.
    let decoder = n_candidates * bench.encoder.d_embedding;
    let products = 3.0 * (encoder_products(&config.encoder) + decoder as f64);

    let state = AwdLstmState::zeros(&model.encoder, bench.batch_size, &device);
    let mut carried = Some((model, state));
    let mut n_steps = 0;
    let seconds = timed(bench.steps, &device, || {
        let (model, state) = carried.take().expect("every step puts them back");
        let step = Step {
            batch: &batch,
            candidates: draw(n_steps),
            dropout: DropoutRng::new(0, n_steps),
            clip_norm: CLIP_NORM,
            rates: &rates,
        };
        n_steps += 1;
        let (model, loss) = language_model::step(model, &mut optimizer, state, step);
        carried = Some((model, loss.state));
    });
    Ok(Timing {
        seconds,
        tokens,
        flops: Some(2.0 * products * tokens as f64),
        parameters: Some(parameters),
    })
}

/// Fails where rows of so many tokens are more than a machine is likely to hold.
fn check_tokens([rows, length]: [usize; 2], most: usize) -> Result<(), TrainError> {
    if rows.saturating_mul(length) <= most {
        return Ok(());
    }
    Err(TrainError::Unusable(format!(
        "{rows} rows of {length} tokens are more than the {most} tokens that are timed at once; ask for \
         fewer or shorter ones"
    )))
}

/// Times the classification of documents of the same length: what a
/// [`Predictor`] does with one member, without tokenization.
///
/// # Errors
///
/// [`TrainError::Model`] when a size is out of range, [`TrainError::Unusable`] when the chunks of a batch have
/// more than 2^20 tokens, or all documents more than 2^28.
pub fn classify(bench: &ClassifierBench, device: &Device) -> Result<Timing, TrainError> {
    let encoder = bench.encoder.config(AwdLstmDropout::CLASSIFIER);
    let config = classifier_config(encoder, bench.n_classes, bench.bptt);
    config.validate()?;
    let model = config.init(&mut InitRng::new(0), device);
    check_tokens(
        [bench.batch_size, bench.bptt.min(bench.document_len)],
        MOST_IN_A_BATCH,
    )?;
    let documents = bench.n_batches.saturating_mul(bench.batch_size);
    check_tokens([documents, bench.document_len], MOST_IN_ALL)?;
    let tokens = documents * bench.document_len;
    let ids = random_ids(bench.encoder.vocab_size, tokens);
    let documents = ids.chunks(bench.document_len).collect::<Vec<_>>();
    let batches = documents.chunks(bench.batch_size).collect::<Vec<_>>();
    let products = classifier_products(&config, tokens, documents.len());

    let parameters = model.num_params();
    let model = model.pack(bench.precision);
    // One batch warms up as well as all of them.
    predictor::scores(&model, batches[0]);
    let seconds = (0..bench.steps).map(|_| {
        seconds_of(device, || {
            for batch in &batches {
                predictor::scores(&model, batch);
            }
        })
    });
    Ok(Timing {
        seconds: seconds.collect(),
        tokens,
        flops: Some(2.0 * products),
        parameters: Some(parameters),
    })
}

/// Times the answers of a [`Predictor`] with one member to texts, from the text on.
///
/// # Errors
///
/// [`TrainError::Model`] when a size is out of range.
pub fn predict(
    bench: &PredictorBench,
    texts: &[String],
    device: &Device,
) -> Result<Timing, TrainError> {
    let tokenizer = Tokenizer::default();
    let mut counts = VocabBuilder::new();
    let mut tokens = 0;
    for text in tokenizer.tokenize_all(texts) {
        tokens += text.len();
        counts.add(&text);
    }
    let vocab = counts.build(&VocabConfig {
        max_size: bench.encoder.vocab_size,
        ..VocabConfig::default()
    });
    let sizes = EncoderSizes {
        vocab_size: vocab.len(),
        ..bench.encoder
    };
    let encoder = sizes.config(AwdLstmDropout::CLASSIFIER);
    let config = classifier_config(encoder, bench.n_classes, bench.bptt);
    config.validate()?;
    let model = config.init(&mut InitRng::new(0), device);
    let products = classifier_products(&config, tokens, texts.len());
    let parameters = model.num_params();
    let predictor = Predictor::new(vec![TrainedClassifier {
        config,
        tokenizer,
        vocab,
        labels: (0..bench.n_classes)
            .map(|class| class.to_string())
            .collect(),
        target: Target::SingleLabel,
        standardization: Standardization::default(),
        direction: Direction::Forward,
        provenance: Provenance::default(),
        precision: bench.precision,
        temperature: 1.0,
        model,
    }])?;
    predictor.predict(&texts[..texts.len().min(1)]);
    let seconds = (0..bench.steps).map(|_| {
        seconds_of(device, || {
            predictor.predict(texts);
        })
    });
    Ok(Timing {
        seconds: seconds.collect(),
        tokens,
        flops: Some(2.0 * products),
        parameters: Some(parameters),
    })
}

fn classifier_config(
    encoder: AwdLstmConfig,
    n_classes: usize,
    bptt: usize,
) -> TextClassifierConfig {
    TextClassifierConfig::new(encoder, n_classes)
        .with_bptt(bptt)
        .with_max_len(Some(POOLED_CHUNKS.saturating_mul(bptt)))
}

/// Times the tokenization of texts, on all threads, by the text rules and the word tokenizer.
pub fn tokenize(texts: &[String], steps: usize) -> Timing {
    let tokenizer = Tokenizer::default();
    let mut tokens = 0;
    let seconds = (0..steps).map(|_| {
        let started = Instant::now();
        tokens = tokenizer.tokenize_all(texts).iter().map(Vec::len).sum();
        started.elapsed().as_secs_f64()
    });
    Timing {
        seconds: seconds.collect(),
        tokens,
        flops: None,
        parameters: None,
    }
}

/// The floating-point operations a second that the device reaches in large matrix products of
/// burn: the best of several. `size` is the side of a square one; 2048 is large.
pub fn peak_flops(size: usize, device: &Device) -> f64 {
    // As many operations each: a square product, and the shape of a decoder's.
    let shapes = [[size, size, size], [size, size.div_ceil(4), 4 * size]];
    let rates = shapes.iter().map(|&[rows, inner, columns]| {
        let left = Tensor::<2>::full([rows, inner], 0.5, device);
        let right = Tensor::<2>::full([inner, columns], 0.5, device);
        let seconds = timed(PEAK_REPEATS, device, || {
            left.clone().matmul(right.clone());
        });
        let best = seconds.into_iter().fold(f64::INFINITY, f64::min);
        2.0 * (rows * inner * columns) as f64 / best
    });
    rates.fold(0.0, f64::max)
}

/// The wall times of calls after a first one that is not counted.
fn timed(times: usize, device: &Device, mut work: impl FnMut()) -> Vec<f64> {
    seconds_of(device, &mut work);
    (0..times).map(|_| seconds_of(device, &mut work)).collect()
}

/// The wall time of work, until the device is done with it.
fn seconds_of(device: &Device, work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    device.sync().expect("the device does its work");
    started.elapsed().as_secs_f64()
}

/// Multiply-adds of the classification of documents of so many tokens together.
fn classifier_products(config: &TextClassifierConfig, tokens: usize, documents: usize) -> f64 {
    let head = config.d_head * (3 * config.encoder.d_embedding + config.n_classes);
    encoder_products(&config.encoder) * tokens as f64 + (head * documents) as f64
}

/// Multiply-adds of a token's forward pass through the layers.
fn encoder_products(config: &AwdLstmConfig) -> f64 {
    let layers = (0..config.n_layers).map(|index| {
        let (d_input, d_hidden) = config.layer_sizes(index);
        4 * d_hidden * (d_input + d_hidden)
    });
    layers.sum::<usize>() as f64
}

fn random_ids(vocab_size: usize, count: usize) -> Vec<u32> {
    let mut draws = rng::stream(0, "bench tokens", 0);
    (0..count)
        .map(|_| rng::below(&mut draws, vocab_size) as u32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: EncoderSizes = EncoderSizes {
        vocab_size: 11,
        d_embedding: 3,
        d_hidden: 5,
        n_layers: 2,
    };

    #[test]
    fn operations_are_those_of_the_products() {
        let device = Device::flex();
        let bench = TrainingBench {
            encoder: TINY,
            batch_size: 2,
            seq_len: 7,
            softmax: Softmax::Full,
            steps: 3,
        };
        let timing = train_language_model(&bench, &device).unwrap();
        assert_eq!((timing.seconds.len(), timing.tokens), (3, 14));
        // Layers of 3 to 5 and 5 to 3, four gates each, and the decoder.
        let layers = 4 * 5 * (3 + 5) + 4 * 3 * (5 + 3);
        let flops = 2 * 3 * (layers + 11 * 3) * 14;
        assert_eq!(timing.flops, Some(f64::from(flops)));
        // Weights and biases of the layers, the embedding, the decoder's bias.
        let parameters = layers + 4 * 5 + 4 * 3 + 11 * 3 + 11;
        assert_eq!(timing.parameters, Some(parameters as usize));
        let sampled = TrainingBench {
            softmax: Softmax::Sampled(2),
            ..bench
        };
        let timing = train_language_model(&sampled, &device).unwrap();
        assert!(timing.flops < Some(f64::from(flops)));
        assert_eq!(timing.parameters, Some(parameters as usize));

        let bench = ClassifierBench {
            encoder: TINY,
            n_classes: 2,
            bptt: 4,
            batch_size: 3,
            n_batches: 2,
            document_len: 9,
            steps: 1,
            precision: Precision::Int8,
        };
        let timing = classify(&bench, &device).unwrap();
        assert_eq!((timing.seconds.len(), timing.tokens), (1, 54));
        let head = 50 * (3 * 3 + 2);
        assert_eq!(timing.flops, Some(f64::from(2 * (layers * 54 + head * 6))));
    }

    #[test]
    fn texts_are_read_by_a_model_that_has_their_words() {
        let texts = ["A fine, fine film.".to_owned(), String::new()];
        let bench = PredictorBench {
            encoder: TINY,
            n_classes: 2,
            bptt: 4,
            steps: 3,
            precision: Precision::Float32,
        };
        let timing = predict(&bench, &texts, &Device::flex()).unwrap();
        let tokens = tokenize(&texts, 1).tokens;
        assert_eq!((timing.seconds.len(), timing.tokens), (3, tokens));
        let products = 4 * 5 * (3 + 5) + 4 * 3 * (5 + 3);
        let head = 50 * (3 * 3 + 2);
        let flops = 2 * (products * tokens + head * 2);
        assert_eq!(timing.flops, Some(flops as f64));
    }

    #[test]
    fn texts_are_counted_in_tokens_and_products_have_a_rate() {
        let timing = tokenize(&["A fine film.".to_owned(), String::new()], 2);
        assert_eq!((timing.seconds.len(), timing.tokens), (2, 6));
        assert!(peak_flops(16, &Device::flex()) > 0.0);
    }

    #[test]
    fn sizes_out_of_range_are_refused_before_anything_is_allocated() {
        let bench = TrainingBench {
            encoder: EncoderSizes {
                d_hidden: 1_000_000_000,
                ..TINY
            },
            batch_size: 1,
            seq_len: 1,
            softmax: Softmax::Full,
            steps: 1,
        };
        let error = train_language_model(&bench, &Device::flex()).unwrap_err();
        assert!(error.to_string().contains("d_hidden is 1000000000"));
    }
}
