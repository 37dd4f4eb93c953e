//! Every tokenizer on any text, and tokenizers out of any file: no panic, no lost token, and the
//! same tokens whoever else is tokenized.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;
use ulmfit_data::subwords::sentencepiece;
use ulmfit_data::{
    Document, Rules, Splitter, Subwords, Tokenizer, TokenizerConfig, TokenizerTrainer, VocabConfig,
    unicode_words, word,
};
use ulmfit_fuzz::{Damage, Edit, Small, Text, Wire, message, texts};

static EACH: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
    let rules = [Rules::FastaiV2, Rules::FastaiV1, Rules::KeepCase];
    let splitters = [
        Splitter::Word,
        Splitter::UnicodeWords,
        Splitter::Bpe,
        Splitter::Unigram,
    ];
    let pairs = splitters
        .iter()
        .flat_map(|splitter| rules.map(|rules| (rules, *splitter)));
    pairs
        .map(|(rules, splitter)| trained(rules, splitter))
        .collect()
});

/// Models of fastai's, made by `sentencepiece`.
const MODELS: [&[u8]; 2] = [
    include_bytes!("../../crates/ulmfit-data/tests/fixtures/sentencepiece_unigram.model"),
    include_bytes!("../../crates/ulmfit-data/tests/fixtures/sentencepiece_bpe.model"),
];

#[derive(arbitrary::Arbitrary, Debug)]
enum Input {
    /// A tokenizer, of which there is one for every splitter and rule set, on a text.
    Text(u8, Text),
    /// A `tokenizer.json` of any bytes.
    Json(Vec<u8>, Text),
    /// One that was trained here, with values in it replaced.
    Edited(bool, Vec<(u16, Edit)>, Text),
    /// A small one from scratch.
    Small(Small, Text),
    /// A SentencePiece model of any bytes.
    Model(Vec<u8>, Text),
    /// A whole one with damage.
    Damaged(bool, Vec<Damage>, Text),
    /// A whole one, with only its table of replacements and its settings damaged.
    Wire(Vec<(u8, Wire)>, Text),
}

fuzz_target!(|input: Input| -> Corpus {
    match input {
        Input::Text(at, text) => {
            check(&EACH[usize::from(at) % EACH.len()], &text.0);
            without_loss(&text.0);
            return Corpus::Keep;
        }
        Input::Json(bytes, text) => match std::str::from_utf8(&bytes) {
            Ok(json) => read(Subwords::from_json(json), &text),
            Err(_) => Corpus::Reject,
        },
        Input::Edited(bpe, edits, text) => {
            let own = EACH[if bpe { 6 } else { 9 }]
                .subwords()
                .map(Subwords::to_json);
            let mut json: Value = serde_json::from_str(own.unwrap_or_default()).unwrap_or_default();
            for (at, edit) in edits.iter().take(6) {
                edit.apply(&mut json, usize::from(*at));
            }
            read(Subwords::from_json(&json.to_string()), &text)
        }
        Input::Small(small, text) => read(Subwords::from_json(&small.json().to_string()), &text),
        Input::Model(bytes, text) => read(sentencepiece::read(&bytes), &text),
        Input::Damaged(bpe, damage, text) => {
            let mut bytes = MODELS[usize::from(bpe)].to_vec();
            Damage::apply(&damage, &mut bytes);
            read(sentencepiece::read(&bytes), &text)
        }
        Input::Wire(fields, text) => read(sentencepiece::read(&message(&fields)), &text),
    }
});

fn trained(rules: Rules, splitter: Splitter) -> Tokenizer {
    let text =
        "no No the film's n't way's 1 km www.imdb.com a-b (no) '90s é 日本 שלום e\u{301} 😀 "
            .repeat(9);
    let train = || {
        let mut trainer = TokenizerTrainer::new(TokenizerConfig { rules, splitter })?;
        trainer.extend(&[Document::new(text)]);
        let max_size = 160;
        trainer.finish(&VocabConfig {
            max_size,
            ..VocabConfig::default()
        })
    };
    train().expect("a tokenizer")
}

/// Tokens are whole and lead to ids and back, alone and among others, on one core and on many.
fn check(tokenizer: &Tokenizer, text: &str) {
    let tokens = tokenizer.tokenize(text);
    // fastai 1.0's rules count a mark that the text repeats among other words.
    let repeats_mark = tokenizer.config().rules == Rules::FastaiV1 && text.contains("xxbos");
    assert!(tokens[0] == "xxbos" || repeats_mark);
    assert!(tokens.iter().all(|token| !token.is_empty()));
    let among = tokenizer.tokenize_all(&["one", text, "two", text]);
    assert!(among[1] == tokens && among[3] == tokens);
    assert_eq!(among[0], tokenizer.tokenize("one"));
    if let Some(subwords) = tokenizer.subwords() {
        leads_back(subwords, &tokens);
    }
}

fn leads_back(subwords: &Subwords, tokens: &[String]) {
    let Ok(vocab) = subwords.vocab(8) else { return };
    let ids = vocab.numericalize(tokens);
    let back = ids.iter().map(|&id| vocab.token(id).unwrap_or_default());
    assert!(back.eq(tokens.iter().map(String::as_str)));
}

/// Splitters take slices of the text, in order.
fn without_loss(text: &str) {
    let spaceless = |text: &str| text.replace(' ', "");
    assert_eq!(spaceless(&word::split(text).concat()), spaceless(text));
    let is_space = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    let visible = |text: &str| text.replace(is_space, "");
    assert_eq!(visible(&unicode_words::split(text).concat()), visible(text));
}

/// What could be read cuts any text, and is read again from what it writes.
fn read(subwords: Result<Subwords, ulmfit_data::DataError>, own: &Text) -> Corpus {
    let subwords = match subwords {
        Ok(subwords) => subwords,
        Err(error) => {
            assert!(error.to_string().len() < 4096, "a message is a sentence");
            return Corpus::Keep;
        }
    };
    let again = Subwords::from_json(subwords.to_json()).expect("what it wrote itself");
    for text in texts(own) {
        let tokens = subwords.split(text);
        assert!(tokens.iter().all(|token| !token.is_empty()));
        assert_eq!(tokens, subwords.split(text));
        assert_eq!(tokens, again.split(text));
        leads_back(&subwords, &tokens);
    }
    Corpus::Keep
}
