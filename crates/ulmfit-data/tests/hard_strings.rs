//! Quotation marks, addresses, emoticons, units and the like, by fastai 2's and fastai 1.0's rules.
//!
//! `fixtures/hard_strings.jsonl` is made by `fixtures/make_hard_strings.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use ulmfit_data::{Rules, Tokenizer, TokenizerConfig};

#[derive(Deserialize)]
struct Case {
    text: String,
    tokens: Vec<String>,
    tokens_v1: Vec<String>,
}

#[test]
fn every_string_is_cut_as_by_fastai() {
    let strings = include_str!("fixtures/hard_strings.jsonl");
    let second = Tokenizer::default();
    let first = Tokenizer::new(TokenizerConfig {
        rules: Rules::FastaiV1,
        ..TokenizerConfig::default()
    })
    .unwrap();
    let mut different = Vec::new();
    let mut checked = 0;
    for line in strings.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        for (tokenizer, expected) in [(&second, &case.tokens), (&first, &case.tokens_v1)] {
            let found = tokenizer.tokenize(&case.text);
            checked += 1;
            if found != *expected {
                let (found, expected) = (found.join("|"), expected.join("|"));
                different.push(format!("{:?}: {found:?} and not {expected:?}", case.text));
            }
        }
    }
    assert!(checked >= 1600, "{checked} strings");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
