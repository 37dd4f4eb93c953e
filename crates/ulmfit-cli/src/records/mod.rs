//! Documents as a stream, from a file or from standard input, each with the id of its row.
//!
//! `ulmfit_data::read_corpus` reads data sets from paths. What is to be classified may come from a
//! pipe, one row at a time, and answers must be matched to rows: so here the input is any reader,
//! and a record keeps its `id` as the row has it. What is repaired and what is refused is the same,
//! with the same sentences.

mod delimited;
mod input;
mod json_lines;
mod quotes;

use std::path::Path;

use anyhow::bail;
use serde_json::Value;
use ulmfit_data::{DataError, Document};

use self::input::Input;

/// A document to classify.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// The column `id`, if there is one.
    pub(crate) id: Option<Value>,
    pub(crate) document: Document,
}

/// Records as they are read. To be left alone after the first error.
pub(crate) type Records = Box<dyn Iterator<Item = Result<Record, DataError>>>;

/// How records are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RecordFormat {
    /// Comma-separated, with a header line
    Csv,
    /// Tab-separated, with a header line; quotation marks have no meaning
    Tsv,
    /// A JSON object a line
    Jsonl,
    /// A document a line
    Text,
}

impl RecordFormat {
    /// Tells the format from a file's name.
    fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        match name
            .strip_suffix(".gz")
            .unwrap_or(&name)
            .rsplit_once('.')?
            .1
        {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "txt" | "text" => Some(Self::Text),
            _ => None,
        }
    }

    /// Tells the format from the first byte: JSON lines begin with a brace, all else is CSV.
    fn of_first_byte(byte: u8) -> Self {
        if byte == b'{' { Self::Jsonl } else { Self::Csv }
    }
}

/// Opens a file, or standard input when `path` is `-`. `text` names the columns of the text.
///
/// # Errors
///
/// When there is nothing to read, or the first lines show that it cannot be read.
pub(crate) fn open(
    path: &Path,
    format: Option<RecordFormat>,
    text: &[String],
) -> anyhow::Result<Records> {
    let mut input = Input::open(path)?;
    let Some(first) = input.first_byte()? else {
        return Err(DataError::Empty {
            path: input.name().to_owned(),
        }
        .into());
    };
    let format = match format.or_else(|| RecordFormat::of_path(path)) {
        Some(format) => format,
        None if path == Path::new("-") => RecordFormat::of_first_byte(first),
        None => bail!(
            "cannot tell the format of {}; name it with --format: csv, tsv, jsonl or text",
            path.display()
        ),
    };
    Ok(match format {
        RecordFormat::Csv => Box::new(delimited::Rows::open(input, b',', text)?),
        RecordFormat::Tsv => Box::new(delimited::Rows::open(input, b'\t', text)?),
        RecordFormat::Jsonl => Box::new(json_lines::Objects::new(input, text)),
        RecordFormat::Text => Box::new(input.lines().map(|line| {
            Ok(Record {
                id: None,
                document: Document::new(line?),
            })
        })),
    })
}

/// Columns taken for the text when none is named, best first; as `ulmfit_data` has them.
const TEXT: [&str; 5] = ["text", "review", "sentence", "content", "question"];
/// Columns taken for the text together when there is none of [`TEXT`].
const TITLED_TEXT: [&str; 2] = ["title", "description"];

/// The places of the text's columns among the names there are; or what is wanted and not there.
fn text_columns(names: &[&str], wanted: &[String]) -> Result<Vec<usize>, String> {
    let place = |wanted: &str| {
        let exact = names.iter().position(|name| *name == wanted);
        exact.or_else(|| {
            names
                .iter()
                .position(|name| name.trim().eq_ignore_ascii_case(wanted))
        })
    };
    if !wanted.is_empty() {
        let named = |name: &String| place(name).ok_or_else(|| format!("\"{name}\""));
        return wanted.iter().map(named).collect();
    }
    let one = TEXT.into_iter().find_map(place).map(|column| vec![column]);
    one.or_else(|| TITLED_TEXT.into_iter().map(place).collect())
        .ok_or_else(|| "text".to_owned())
}

/// A text with NUL characters written as spaces: no tokenizer has a use for them.
fn without_nul(text: &str) -> String {
    text.replace('\0', " ")
}
