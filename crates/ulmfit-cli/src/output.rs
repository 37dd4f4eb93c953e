//! Standard output: results, and nothing else.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use console::Term;
use serde::Serialize;

/// Columns of what is printed where there is no terminal.
const COLUMNS: usize = 80;

/// Buffered standard output, whose failures say what failed. To be flushed by whoever writes, so
/// that they are seen.
pub(crate) struct Stdout(BufWriter<StdoutLock<'static>>);

pub(crate) fn stdout() -> Stdout {
    Stdout(BufWriter::new(io::stdout().lock()))
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| named(&error))
    }
}

/// The same kind of error, so that a broken pipe is still known as one.
fn named(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot write to standard output: {error}"),
    )
}

/// How wide standard output's terminal is.
pub(crate) fn columns() -> usize {
    if !io::stdout().is_terminal() {
        return COLUMNS;
    }
    let (_, columns) = Term::stdout().size();
    columns.into()
}

/// Prints a value as indented JSON, once all of it is made: half an object is none.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    text(&serde_json::to_string_pretty(value)?)
}

/// Prints a value as a line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    text(&serde_json::to_string(value)?)
}

/// Prints a text and a line end.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = stdout();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}

/// Most characters of a cell of a table: a label may be a whole text.
const LONGEST_CELL: usize = 60;

/// Columns of text: the first to the left, the others to the right. Of a long cell there is the beginning.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = (rows.iter())
        .map(|row| row.iter().map(|cell| shortened(cell)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if column == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shortened(cell: &str) -> String {
    match cell.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => format!("{}\u{2026}", &cell[..end]),
        None => cell.to_owned(),
    }
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = [["class", "f1"], ["a", "0.5"], ["long", "1"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "class   f1\na      0.5\nlong     1");
        // More than a width that can be formatted.
        let long = [vec!["é".repeat(70_000), "1".to_owned()]];
        assert_eq!(table(&long), format!("{}\u{2026}  1", "é".repeat(60)));
    }
}
