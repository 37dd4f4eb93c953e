//! The tokenizer against fastai's own tokens (its rules, then spaCy 3.8's blank English).
//!
//! `fixtures/fastai_tokens.jsonl.gz` holds the first 100 reviews and all edge cases that
//! `fixtures/make_tokenizer_fixtures.py` makes. Another file of the same shape is read when
//! `ULMFIT_TOKEN_FIXTURES` names one. Every token must agree: of the 2,000 reviews that the script
//! makes, every one did when this was written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use ulmfit_data::Tokenizer;

#[derive(Deserialize)]
struct Case {
    id: String,
    text: String,
    tokens: Vec<String>,
}

fn cases() -> Vec<Case> {
    let path = std::env::var_os("ULMFIT_TOKEN_FIXTURES").map_or_else(
        || {
            let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
            PathBuf::from(fixtures).join("fastai_tokens.jsonl.gz")
        },
        PathBuf::from,
    );
    BufReader::new(MultiGzDecoder::new(File::open(path).unwrap()))
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

/// Tokens of `expected` that are found at the same place of the text.
fn agreeing(expected: &[String], found: &[String]) -> usize {
    let spans = |tokens: &[String]| {
        let mut end = 0;
        let spans: Vec<(usize, usize)> = tokens
            .iter()
            .map(|token| {
                let start = end;
                end += token.len();
                (start, end)
            })
            .collect();
        spans
    };
    let found = spans(found);
    spans(expected)
        .iter()
        .filter(|span| found.binary_search(span).is_ok())
        .count()
}

#[test]
fn agrees_with_fastai_on_every_token() {
    let tokenizer = Tokenizer::default();
    let (mut tokens, mut equal_tokens) = (0, 0);
    let (mut reviews, mut equal_reviews) = (0, 0);
    let (mut edges, mut equal_edges) = (0, 0);
    for case in cases() {
        let found = tokenizer.tokenize(&case.text);
        let equal = found == case.tokens;
        if !equal {
            let same = found.iter().zip(&case.tokens).take_while(|(a, b)| a == b);
            let place = same.count();
            let around = |tokens: &[String]| {
                let end = (place + 4).min(tokens.len());
                tokens[place.saturating_sub(2).min(end)..end].join("|")
            };
            println!(
                "{}: {} instead of {}",
                case.id,
                around(&found),
                around(&case.tokens)
            );
        }
        if case.id.starts_with("edge/") {
            edges += 1;
            equal_edges += usize::from(equal);
        } else {
            reviews += 1;
            equal_reviews += usize::from(equal);
            tokens += case.tokens.len();
            equal_tokens += agreeing(&case.tokens, &found);
        }
    }
    println!("reviews {equal_reviews}/{reviews}");
    println!("tokens {equal_tokens}/{tokens}");
    println!("edge cases {equal_edges}/{edges}");
    assert!(reviews + edges > 0);
    assert_eq!((equal_reviews, equal_edges), (reviews, edges));
}
