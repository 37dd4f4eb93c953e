//! What real corpora contain and the default rules leave alone, as fastai 2.8.12 does: the expected
//! tokens are its own. Repairing any of it would make another text of what a model was trained on.

use ulmfit_data::Tokenizer;

fn tokens(text: &str) -> String {
    Tokenizer::default().tokenize(text).join("|")
}

#[test]
fn c1_controls_stay_and_next_line_is_white_space() {
    // Windows-1252 read as Latin-1: its apostrophe and dash are controls.
    assert_eq!(
        tokens("a\u{85}b it\u{92}s \u{96} ok\u{80}"),
        "xxbos|a|\u{85}|b|it\u{92}s|\u{96}|ok\u{80}"
    );
}

#[test]
fn soft_hyphens_and_characters_without_width_stay() {
    assert_eq!(tokens("ab\u{ad}cd \u{ad}"), "xxbos|ab\u{ad}cd|\u{ad}");
    assert_eq!(
        tokens("zero\u{200b}width \u{feff}bom"),
        "xxbos|zero\u{200b}width|\u{feff}bom"
    );
}

#[test]
fn of_html_only_references_and_one_spelling_of_the_line_break_are_undone() {
    assert_eq!(
        tokens("<p>a</p><br>b<br/>c<br />d &nbsp; &lt;i&gt;"),
        "xxbos|<|p|>|a|<|/|p><br|>|b|<|br|/|>|c|\n|d|&|<|i|>"
    );
}

#[test]
fn utf_8_read_as_latin_1_stays() {
    assert_eq!(
        tokens("FranÃ§ois â€™ cafÃ©"),
        "xxbos|xxmaj|franã§ois|â€|™|cafã|©"
    );
}
