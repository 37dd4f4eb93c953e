//! Documents as a stream, from a file or from standard input, to be answered row by row.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::bail;
use ulmfit_data::{CorpusFormat, CorpusOptions, CorpusReader, DataError, read_stream};

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
        let (_, extension) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
        match extension {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "txt" | "text" => Some(Self::Text),
            _ => None,
        }
    }
}

impl From<RecordFormat> for CorpusFormat {
    fn from(format: RecordFormat) -> Self {
        match format {
            RecordFormat::Csv => Self::Csv,
            RecordFormat::Tsv => Self::Tsv,
            RecordFormat::Jsonl => Self::JsonLines,
            RecordFormat::Text => Self::PlainText,
        }
    }
}

/// Opens a file, or standard input when `path` is `-`. `text` names the columns of the text. Every
/// row is a document, and of its columns only the text and the id are looked at.
///
/// # Errors
///
/// When there is nothing to read, the format is not known, or the first row cannot be read.
pub(crate) fn open(
    path: &Path,
    format: Option<RecordFormat>,
    text: &[String],
) -> anyhow::Result<CorpusReader> {
    let format = format.or_else(|| RecordFormat::of_path(path));
    let options = CorpusOptions {
        format: format.map(CorpusFormat::from),
        text_columns: text.to_vec(),
        ignore_labels: true,
        keep_blank_lines: true,
        ..CorpusOptions::default()
    };
    let (stream, name): (Box<dyn Read + Send>, &Path) = if path == Path::new("-") {
        (Box::new(io::stdin()), Path::new("standard input"))
    } else {
        let file = File::open(path).map_err(|source| DataError::Read {
            path: path.to_owned(),
            source,
        })?;
        if format.is_none() {
            bail!(
                "cannot tell the format of {}; name it with --format: csv, tsv, jsonl or text",
                path.display()
            );
        }
        (Box::new(file), path)
    };
    Ok(read_stream(stream, name, &options)?)
}
