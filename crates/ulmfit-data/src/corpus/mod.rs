//! Documents out of the files people have.
//!
//! [`read_corpus`] tells the format from the path, or is told, and returns an iterator that reads as
//! it goes; [`read_stream`] does so with a pipe or whatever else can be read from. A [`Document`]
//! has its text, its label and its row's `id`.
//!
//! What is repaired on the way, for every format: gzip, Zstandard and xz are unpacked (they are known by
//! their first bytes; of Parquet only what it packs itself), a byte-order mark is dropped, CRLF ends a
//! line as LF does, and a NUL byte becomes a space. Everything else that is wrong is a [`DataError`] that
//! names the file and the line. A document without text is a document; a file without documents is an
//! error.

mod aclimdb;
mod archive;
mod columns;
mod delimited;
mod document;
mod format;
mod json_lines;
mod json_row;
mod label;
mod lines;
mod packed;
mod parquet;
mod plain_text;
mod quotes;
mod reader;
mod source;
mod tar_entries;
mod text;
mod trec;
mod wikitext;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
pub use document::Document;
pub use format::CorpusFormat;
pub(crate) use format::archive_stem;
pub use label::{LABEL_END, LabelKind, is_label_list, label_names, label_number};
pub(crate) use plain_text::text_files;
pub use reader::{CorpusReader, read_corpus, read_stream};
pub use source::{MAX_ARCHIVED_DOCUMENT_BYTES, MAX_RECORD_BYTES, MAX_UNPACKED_BYTES};

/// What to read from a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorpusOptions {
    /// The format; told from the path, or of a stream from its first byte, when not given.
    pub format: Option<CorpusFormat>,
    /// For aclImdb: `train` (when not given), `test` or `unsup`. Other formats have no splits.
    pub split: Option<String>,
    /// For CSV, TSV, JSON lines and Parquet: the columns that make up the text, in order. When not given:
    /// the first there is of `text`, `review`, `sentence`, `content` and `question`, in any case, or
    /// `title` with `description`.
    pub text_columns: Vec<String>,
    /// For CSV, TSV, JSON lines and Parquet: the column of the label. When not given: the first there is of
    /// `label`, `class`, `sentiment`, `category` and `target`, in any case, or no label. In JSON lines, a row
    /// without it has no label, and it is missing where no row has it; when not given, it is that of the first
    /// row with any of these, and a row behind it with a better one is an error. For TREC: `coarse` (when
    /// not given) or `fine`.
    pub label_column: Option<String>,
    /// For CSV, TSV, JSON lines, Parquet and folders of text files, archived or not: what a label is; one
    /// that is not of the kind is an error.
    #[serde(skip_serializing_if = "LabelKind::is_name")]
    pub labels: LabelKind,
    /// For CSV, TSV, JSON lines, Parquet and folders of text files, archived or not: read no labels, whatever
    /// columns and folders are called, as is right for documents that are yet to be classified.
    pub ignore_labels: bool,
    /// For plain text with a document a line: a blank line is a document without text, so that
    /// documents and lines are as many. When not set, blank lines are left out.
    pub keep_blank_lines: bool,
}

impl CorpusOptions {
    /// The format of a file or folder: the one that is given, or what [`CorpusFormat::detect`] tells. Columns
    /// are called by names in a header, so a CSV file of which one is named has a header, whatever it begins
    /// with.
    ///
    /// # Errors
    ///
    /// As [`CorpusFormat::detect`].
    pub(crate) fn format_of(&self, path: &Path) -> Result<CorpusFormat, DataError> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let names_columns = !self.text_columns.is_empty() || self.label_column.is_some();
        Ok(match CorpusFormat::detect(path)? {
            CorpusFormat::ClassCsv if names_columns => CorpusFormat::Csv,
            format => format,
        })
    }
}
