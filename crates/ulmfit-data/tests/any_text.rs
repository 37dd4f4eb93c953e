//! No text makes the rules or the tokenizer panic, lose text or take ages.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use rayon::prelude::*;
use ulmfit_data::{
    Document, Rules, Splitter, Tokenizer, TokenizerConfig, TokenizerTrainer, VocabBuilder,
    VocabConfig, encode, rules, word,
};

/// A tokenizer of each kind; those of subwords know little, which gives them all the more to do.
static EACH: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
    let each = [
        (Rules::FastaiV2, Splitter::Word),
        (Rules::FastaiV1, Splitter::Word),
        (Rules::KeepCase, Splitter::Word),
        (Rules::KeepCase, Splitter::UnicodeWords),
        (Rules::FastaiV2, Splitter::Unigram),
        (Rules::KeepCase, Splitter::Bpe),
    ];
    let text = Document::new(
        "no No the film's n't way's 1 km www.imdb.com a-b (no) '90s é 日本 ".repeat(9),
    );
    each.into_iter()
        .map(|(rules, splitter)| {
            let mut trainer = TokenizerTrainer::new(TokenizerConfig { rules, splitter }).unwrap();
            trainer.extend(std::slice::from_ref(&text));
            let vocab = VocabConfig {
                max_size: 128,
                ..VocabConfig::default()
            };
            trainer.finish(&vocab).unwrap()
        })
        .collect()
});

/// Those of [`EACH`] with a splitter of their own.
const SPLITTERS: std::ops::Range<usize> = 2..6;

/// Texts of what rules and the word tokenizer react to, and of anything else.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a", "no", "NO", "The", " ", "  ", "\n", "\u{a0}", "\u{1c}", "'", "’", "n't", "'s", ".",
        "..", "…", "-", "--", "&", "&amp;", "&#", "&#x", "1", "km", "$", "/", "@", "www.", ".com",
        "://", ":", ")", "😀", "é", "İ", "Σ", "\0", "xxmaj", "xxrep", "<br />", "日本",
    ])
    .prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![4 => pieces, 1 => any::<String>()], 0..60)
        .prop_map(|pieces| pieces.concat())
}

/// Failing cases are kept beside the test.
fn regressions() -> ProptestConfig {
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig::with_failure_persistence(beside)
}

proptest! {
    #![proptest_config(regressions())]

    #[test]
    fn tokens_are_never_empty_and_begin_with_xxbos(text in text()) {
        let tokens = Tokenizer::default().tokenize(&text);
        prop_assert_eq!(&tokens[0], "xxbos");
        prop_assert!(tokens.iter().all(|token| !token.is_empty() && !token.contains(' ')));
        Tokenizer::default().tokenize_fields(&[&text, &text]);
    }

    #[test]
    fn every_tokenizer_takes_any_text(text in text()) {
        for tokenizer in EACH.iter() {
            let tokens = tokenizer.tokenize(&text);
            prop_assert_eq!(&tokens[0], "xxbos");
            prop_assert!(tokens.iter().all(|token| !token.is_empty()));
            let Some(vocab) = tokenizer.vocab(8).unwrap() else { continue };
            let ids = vocab.numericalize(&tokens);
            let back: Vec<&str> = ids.iter().filter_map(|&id| vocab.token(id)).collect();
            prop_assert_eq!(back, tokens);
        }
    }

    #[test]
    fn the_word_tokenizer_loses_nothing_but_single_spaces(text in text()) {
        let tokens = word::split(&text);
        let spaceless = |text: &str| text.replace(' ', "");
        prop_assert_eq!(spaceless(&tokens.concat()), spaceless(&text));
    }

    #[test]
    fn ids_lead_back_to_the_tokens_of_every_tokenizer(texts in prop::collection::vec(text(), 0..4)) {
        for tokenizer in EACH.iter() {
            let tokens = tokenizer.tokenize_all(&texts);
            let mut builder = VocabBuilder::new();
            for tokens in &tokens {
                builder.add(tokens);
            }
            let everything = VocabConfig { min_freq: 1, max_size: usize::MAX, pad_to_multiple: 8 };
            let own = tokenizer.vocab(8).unwrap();
            let vocab = own.unwrap_or_else(|| builder.build(&everything));
            prop_assert_eq!(vocab.len() % 8, 0);
            let corpus = encode(tokenizer, &vocab, &texts);
            prop_assert_eq!(corpus.len(), texts.len());
            for (ids, tokens) in corpus.iter().zip(&tokens) {
                let back: Vec<&str> = ids.iter().filter_map(|&id| vocab.token(id)).collect();
                // The filler's name is no word.
                let known = tokens.iter().all(|token| token != "xxfake");
                prop_assert!(!known || back == *tokens);
            }
        }
    }

    #[test]
    fn neither_threads_nor_neighbors_have_a_say(texts in prop::collection::vec(text(), 1..24)) {
        for tokenizer in EACH.iter() {
            let one = POOLS[0].install(|| tokenizer.tokenize_all(&texts));
            let several = POOLS[1].install(|| tokenizer.tokenize_all(&texts));
            prop_assert_eq!(&one, &several);
            let last = texts.len() - 1;
            prop_assert_eq!(&one[last], &tokenizer.tokenize(&texts[last]));
            let documents: Vec<Document> = texts.iter().map(Document::new).collect();
            prop_assert_eq!(&one, &POOLS[1].install(|| tokenizer.tokenize_documents(&documents)));
        }
    }
}

/// One thread, and more than there are cores.
static POOLS: LazyLock<[rayon::ThreadPool; 2]> = LazyLock::new(|| {
    [1, 7].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap()
    })
});

/// What has made rules and tokenizers of others look ahead, look back, or copy again and again.
const PIECES: [&str; 28] = [
    "a",
    " ",
    "\n",
    ".",
    "!",
    "no ",
    "A ",
    "&",
    "&#1",
    "a'",
    "a-",
    ":)",
    "a@b.",
    "/",
    "''",
    "(\"",
    "\\n",
    "👩\u{200d}",
    "🇩",
    "e\u{301}",
    "\u{301}",
    "क\u{94d}",
    "שלום ",
    "\u{202e}א",
    "日",
    "▁",
    "xxmaj ",
    "xxmaj",
];

/// One that looks ahead again from every character would not finish these.
#[test]
fn a_megabyte_of_anything_is_linear_for_every_rule_and_tokenizer() {
    // Training shares its work among the threads, which must not wait for it here.
    LazyLock::force(&EACH);
    PIECES.par_iter().for_each(|piece| {
        let text = piece.repeat((1 << 20) / piece.len());
        for prepared in [
            rules::apply(&text),
            rules::keep_case(&text),
            rules::v1::apply(&text),
        ] {
            assert!(prepared.starts_with("xxbos"), "{piece:?}");
        }
        for tokenizer in &EACH[SPLITTERS] {
            assert!(!tokenizer.tokenize(&text).is_empty(), "{piece:?}");
        }
    });
}

/// Quotation marks in quotation marks, as deep as they go.
#[test]
fn a_megabyte_of_nested_quotes_is_linear_for_every_tokenizer() {
    LazyLock::force(&EACH);
    let quotes = [
        ("\"", "\""),
        ("“", "”"),
        ("‘", "’"),
        ("(\"", "\")"),
        ("<'", "'>"),
    ];
    quotes.par_iter().for_each(|(open, close)| {
        let depth = (1 << 20) / (open.len() + close.len());
        let text = [open.repeat(depth), "a".to_owned(), close.repeat(depth)].concat();
        for tokenizer in &EACH[SPLITTERS] {
            assert!(tokenizer.tokenize(&text).len() > 2, "{open}");
        }
    });
}

#[test]
fn a_text_of_a_million_words_is_read_to_its_end() {
    let words = ["the", "film", "is", "long", "and", "never", "quite", "dull"];
    let text: Vec<&str> = words.into_iter().cycle().take(1_000_000).collect();
    let tokens = Tokenizer::default().tokenize(&text.join(" "));
    assert_eq!(tokens.len(), 1_000_001);
    assert_eq!(tokens[1_000_000], "dull");
}

#[test]
fn applying_the_rules_to_nothing_leaves_only_the_beginning() {
    for text in ["", " ", "\n\n", "\u{a0}"] {
        assert_eq!(rules::apply(text), "xxbos ");
        assert_eq!(Tokenizer::default().tokenize(text), ["xxbos"]);
    }
}
