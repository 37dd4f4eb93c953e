//! The text rules against fastai's own, text for text.
//!
//! `fixtures/fastai_rules.jsonl` is made by `fixtures/make_rule_fixtures.py`. Another file of the same
//! shape is read when `ULMFIT_RULE_FIXTURES` names one.

use std::path::PathBuf;

use serde::Deserialize;
use ulmfit_data::rules;

#[derive(Deserialize)]
struct Case {
    text: String,
    ruled: String,
}

#[test]
fn every_text_comes_out_as_fastai_has_it() {
    let path = std::env::var_os("ULMFIT_RULE_FIXTURES").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/fastai_rules.jsonl"
            ))
        },
        PathBuf::from,
    );
    let cases = std::fs::read_to_string(path).unwrap();
    let mut checked = 0;
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        assert_eq!(rules::apply(&case.text), case.ruled, "of {:?}", case.text);
        checked += 1;
    }
    assert!(checked >= 400, "{checked} cases");
}
