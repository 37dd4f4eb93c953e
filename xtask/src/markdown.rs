//! Tables in Markdown.

use std::fmt::Write as _;

pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect("a String takes every write");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_a_line() {
        let rows = [["1", "2"], ["3", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(["a", "b"], &rows),
            "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |  |\n"
        );
    }
}
