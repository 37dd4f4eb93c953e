//! Every rule set on any text: no panic, and no more text than the rules can account for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ulmfit_data::rules;
use ulmfit_fuzz::Text;

/// No rule writes more than so many bytes for one: a space, a mark and a space before a character.
const GROWTH: usize = 12;

fuzz_target!(|text: Text| {
    let text = text.0.as_str();
    for prepared in [
        rules::apply(text),
        rules::keep_case(text),
        rules::v1::apply(text),
    ] {
        // fastai 1.0's rules count a mark that the text repeats among other words.
        assert!(prepared.starts_with("xxbos") || text.contains("xxbos"));
        assert!(prepared.len() <= GROWTH * text.len() + 16);
    }

    // Each rule by itself, on a text that no other has seen.
    let html = rules::fix_html(text);
    assert!(html.len() <= 2 * text.len());
    let characters = rules::replace_rep(text);
    if !text.contains("xxrep") {
        assert_eq!(without_marks(&characters, " xxrep "), text);
    }
    rules::replace_wrep(text);
    let spaced = rules::spec_add_spaces(text);
    assert_eq!(
        spaced.len() - text.len(),
        2 * text.matches(['/', '#', '\\']).count()
    );
    let single = rules::rm_useless_spaces(text);
    assert!(!single.contains("  "));
    assert_eq!(single.replace(' ', ""), text.replace(' ', ""));
    let small = rules::replace_maj(text).len() + rules::replace_all_caps(text).len();
    assert!(small <= 2 * GROWTH * text.len());
    assert!(!rules::lowercase(text).contains(|c: char| c.is_ascii_uppercase()));
    assert!(!rules::replace_space(text).contains(' '));

    // Behind the tokenizer, 1.0's capitals become marks, and no token is lost.
    let tokens: Vec<&str> = text.split(' ').collect();
    let marked = rules::v1::mark_capitals(tokens.clone());
    let is_mark = |token: &str| matches!(token, "xxup" | "xxmaj");
    let words = marked.iter().filter(|token| !is_mark(token)).count();
    let like_marks = tokens
        .iter()
        .filter(|token| is_mark(&token.to_lowercase()))
        .count();
    assert_eq!(words + like_marks, tokens.len());
});

/// Undoes `replace_rep`, where the text does not hold such marks itself.
fn without_marks(text: &str, mark: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (count, behind) = rest[at + mark.len()..].split_once(' ').unwrap_or_default();
        let mut characters = behind.chars();
        let (Ok(count), Some(character)) = (count.parse::<usize>(), characters.next()) else {
            break;
        };
        let Some(behind) = characters.as_str().strip_prefix(' ') else {
            break;
        };
        out.push_str(&rest[..at]);
        out.extend(std::iter::repeat_n(character, count));
        rest = behind;
    }
    out + rest
}
