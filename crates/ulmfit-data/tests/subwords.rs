//! Subwords: trained here, made elsewhere, and read from SentencePiece.
//!
//! `fixtures/sentencepiece_*` are made by `fixtures/make_sentencepiece_fixtures.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use ulmfit_data::{
    DataError, Document, Rules, Splitter, Subwords, Tokenizer, TokenizerConfig, TokenizerTrainer,
    VocabConfig, special,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).join(name)
}

fn reviews() -> Vec<Document> {
    #[derive(Deserialize)]
    struct Review {
        text: String,
    }
    let file = std::fs::File::open(fixture("fastai_tokens.jsonl.gz")).unwrap();
    BufReader::new(MultiGzDecoder::new(file))
        .lines()
        .map(|line| serde_json::from_str::<Review>(&line.unwrap()).unwrap())
        .map(|review| Document::new(review.text))
        .collect()
}

fn trained(splitter: Splitter, documents: &[Document], max_size: usize) -> Tokenizer {
    let config = TokenizerConfig {
        splitter,
        ..TokenizerConfig::default()
    };
    let mut trainer = TokenizerTrainer::new(config).unwrap();
    // In parts, as a corpus is read.
    for part in documents.chunks(50) {
        trainer.extend(part);
    }
    let vocab = VocabConfig {
        max_size,
        ..VocabConfig::default()
    };
    trainer.finish(&vocab).unwrap()
}

fn in_threads<T: Send>(n: usize, task: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
    pool.unwrap().install(task)
}

#[test]
fn the_same_text_trains_the_same_tokenizer_on_any_number_of_threads() {
    let mut documents = reviews();
    // Characters that do not survive training are put back by the trainer in no order.
    documents.push(Document::new("ⴰ ⴱ ⴲ ⴳ ⴴ ⴵ ⴶ ⴷ ⴸ ⴹ ⴺ ⴻ ⴼ ⴽ ⴾ ⴿ ⵀ ⵁ ⵂ ⵃ ⵄ ⵅ"));
    for splitter in [Splitter::Unigram, Splitter::Bpe] {
        let json = |threads| {
            let tokenizer = in_threads(threads, || trained(splitter, &documents, 600));
            tokenizer.subwords().unwrap().to_json().to_owned()
        };
        let once = json(1);
        assert!(once == json(3), "{splitter:?}");
        assert!(once == json(7), "{splitter:?}");
    }
}

#[test]
fn a_trained_tokenizer_works_elsewhere_and_here_again() {
    let documents = reviews();
    for splitter in [Splitter::Unigram, Splitter::Bpe] {
        let ours = trained(splitter, &documents, 600);
        let vocab = ours.vocab(8).unwrap().unwrap();
        assert_eq!(vocab.strings()[..9], special::ALL);
        assert!((560..=608).contains(&vocab.len()), "{} pieces", vocab.len());
        let json = ours.subwords().unwrap().to_json();
        let theirs: tokenizers::Tokenizer = json.parse().unwrap();
        let again = Tokenizer::with_subwords(Rules::FastaiV2, Subwords::from_json(json).unwrap());
        assert_eq!(again, ours);
        for document in &documents {
            let text = &document.fields[0];
            let tokens = ours.tokenize(text);
            assert_eq!(tokens[0], "xxbos");
            assert_eq!(tokens, again.tokenize(text));
            let ids = vocab.numericalize(&tokens);
            let prepared = ulmfit_data::rules::apply(text);
            assert_eq!(ids, theirs.encode(prepared, false).unwrap().get_ids());
            let back: Vec<&str> = ids.iter().map(|&id| vocab.token(id).unwrap()).collect();
            for (back, token) in back.iter().zip(&tokens) {
                assert!(back == token || *back == special::UNK);
            }
        }
    }
}

#[test]
fn special_tokens_stay_whole_and_spaces_do_not_pile_up() {
    let tokenizer = trained(Splitter::Unigram, &reviews(), 600);
    let tokens = tokenizer.tokenize("The MOVIE was soooo good!!!<br /><br />The end");
    assert_eq!(tokens[..3], ["xxbos", "xxmaj", "▁the"]);
    for token in ["xxup", "xxrep"] {
        assert!(tokens.iter().any(|t| t == token), "{tokens:?}");
    }
    assert!(
        !tokens.windows(2).any(|pair| pair == ["▁", "▁"]),
        "{tokens:?}"
    );
    assert!(
        tokens
            .iter()
            .all(|token| !token.contains(char::is_whitespace))
    );
    assert_eq!(tokenizer.tokenize(""), ["xxbos"]);
}

#[test]
fn sentencepiece_models_cut_as_sentencepiece_does() {
    #[derive(Deserialize)]
    struct Case {
        model: String,
        text: String,
        pieces: Vec<String>,
        ids: Vec<u32>,
    }
    let cases = std::fs::read_to_string(fixture("sentencepiece_pieces.jsonl")).unwrap();
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let path = fixture(&format!("sentencepiece_{}.model", case.model));
        let subwords = Subwords::open(&path).unwrap();
        let unknown = special::ALL.len() as u32;
        let pieces = case.pieces.iter().zip(&case.ids);
        let pieces: Vec<&str> = pieces
            .map(|(piece, id)| if *id == unknown { special::UNK } else { piece })
            .collect();
        assert_eq!(subwords.split(&case.text), pieces, "{line}");
        let theirs: tokenizers::Tokenizer = subwords.to_json().parse().unwrap();
        let ids = theirs.encode(case.text, false).unwrap().get_ids().to_vec();
        assert_eq!(ids, case.ids, "{line}");
    }
}

#[test]
fn a_symbol_in_angle_brackets_is_one_piece() {
    let mut model = std::fs::read(fixture("sentencepiece_unigram.model")).unwrap();
    // One more piece: its text, a score of 0, and that the user defined it.
    let symbol = b"<mask>";
    let piece = [b"\x0a\x06", &symbol[..], b"\x15\0\0\0\0\x18\x04"].concat();
    model.extend([0x0a, piece.len() as u8]);
    model.extend(piece);
    let subwords = ulmfit_data::subwords::sentencepiece::read(&model).unwrap();
    for text in ["the <mask> film", "the<mask>film", "the mask film"] {
        let pieces = subwords.split(text);
        let count = pieces.iter().filter(|piece| *piece == "<mask>").count();
        assert_eq!(count, text.matches("<mask>").count(), "{pieces:?}");
    }
}

#[test]
fn files_that_are_no_tokenizers_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let model = std::fs::read(fixture("sentencepiece_unigram.model")).unwrap();
    for (name, bytes) in [
        ("a.json", &b"{}"[..]),
        ("b.json", b"\xff"),
        ("c.model", b"not one"),
        ("d.model", &model[..model.len() / 2]),
        ("e.model", &[]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Subwords::open(&path).unwrap_err();
        assert!(matches!(error, DataError::TokenizerFile { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let missing = Subwords::open(&folder.path().join("missing.json"));
    assert!(matches!(missing, Err(DataError::Read { .. })));
}

#[test]
fn damaged_sentencepiece_models_never_panic() {
    let model = std::fs::read(fixture("sentencepiece_unigram.model")).unwrap();
    for place in (0..model.len()).step_by(model.len() / 60) {
        let mut damaged = model.clone();
        damaged[place] ^= 0xff;
        if let Ok(subwords) = ulmfit_data::subwords::sentencepiece::read(&damaged) {
            subwords.split("the ﬁlm is ½ good, Ⅷ ｆｕｌｌ");
        }
    }
}

#[test]
fn too_little_of_anything_is_an_error() {
    let config = TokenizerConfig {
        splitter: Splitter::Unigram,
        ..TokenizerConfig::default()
    };
    let finish = |text: &str, max_size| {
        let mut trainer = TokenizerTrainer::new(config.clone()).unwrap();
        trainer.extend(&[Document::new(text)]);
        let vocab = VocabConfig {
            max_size,
            ..VocabConfig::default()
        };
        trainer
            .finish(&vocab)
            .map(|tokenizer| tokenizer.tokenize("a b").len())
    };
    assert_eq!(
        finish("", 100).unwrap_err().to_string(),
        "not a tokenizer: there is no text to train it on"
    );
    assert_eq!(
        finish("a", 8).unwrap_err().to_string(),
        "the vocabulary's size for subwords is 8, but it must be 64 to 1048576"
    );
    assert!(finish("a", 64).is_ok());
    assert!(finish(&"一丁丂七丄丅丆万丈三上下丌不与".repeat(100), 64).is_ok());
}

#[test]
fn words_of_any_length_are_trained_on() {
    let mut text = "a".repeat(100_000);
    text.push_str(&"日本語".repeat(10_000));
    for splitter in [Splitter::Unigram, Splitter::Bpe] {
        trained(splitter, &[Document::new(text.clone())], 100);
    }
}
