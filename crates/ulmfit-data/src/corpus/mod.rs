//! Documents out of the files people have.
//!
//! [`read_corpus`] tells the format from the path, or is told, and returns an iterator that reads as
//! it goes. What is repaired on the way, for every format: gzip is unpacked (it is known by its
//! first bytes), a byte-order mark is dropped, CRLF ends a line as LF does, and a NUL byte becomes a
//! space. Everything else that is wrong is a [`DataError`] that names the file and the line.
//! A document without text is a document; a file without documents is an error.

mod aclimdb;
mod columns;
mod delimited;
mod format;
mod json_lines;
mod plain_text;
mod quotes;
mod source;
mod trec;
mod wikitext;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::DataError;

pub use format::CorpusFormat;
pub use source::{MAX_ARCHIVED_DOCUMENT_BYTES, MAX_RECORD_BYTES};

/// One text, perhaps in several fields, perhaps with a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Document {
    /// The text, or a title and a text and the like. Several fields are marked with `xxfld` by
    /// [`Tokenizer::tokenize_fields`](crate::Tokenizer::tokenize_fields).
    pub fields: Vec<String>,
    /// The class, as the file spells it.
    pub label: Option<String>,
}

impl Document {
    /// A document of one field without a label.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            fields: vec![text.into()],
            label: None,
        }
    }

    /// A document of one field with a label.
    pub fn labeled(text: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            fields: vec![text.into()],
            label: Some(label.into()),
        }
    }

    /// The whole text; several fields are joined by line ends.
    pub fn text(&self) -> Cow<'_, str> {
        match self.fields.as_slice() {
            [field] => Cow::Borrowed(field),
            fields => Cow::Owned(fields.join("\n")),
        }
    }
}

/// What to read from a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorpusOptions {
    /// The format; told from the path when not given.
    pub format: Option<CorpusFormat>,
    /// For aclImdb: `train` (when not given), `test` or `unsup`. Other formats have no splits.
    pub split: Option<String>,
    /// For CSV, TSV and JSON lines: the columns that make up the text, in order. When not given:
    /// the first there is of `text`, `review`, `sentence`, `content` and `question`, in any case, or
    /// `title` with `description`.
    pub text_columns: Vec<String>,
    /// For CSV, TSV and JSON lines: the column of the label. When not given: the first there is of
    /// `label`, `class`, `sentiment`, `category` and `target`, in any case, or no label. For
    /// TREC: `coarse` (when not given) or `fine`.
    pub label_column: Option<String>,
}

/// Documents as they are read. Ends after the first error.
pub struct CorpusReader {
    documents: Box<dyn Iterator<Item = Result<Document, DataError>> + Send>,
    format: CorpusFormat,
    failed: bool,
}

impl CorpusReader {
    /// The format that was named or found out.
    pub const fn format(&self) -> CorpusFormat {
        self.format
    }

    /// All documents that are left.
    ///
    /// # Errors
    ///
    /// The first error that reading meets.
    pub fn read_all(self) -> Result<Vec<Document>, DataError> {
        self.collect()
    }
}

impl fmt::Debug for CorpusReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CorpusReader")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Iterator for CorpusReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let document = self.documents.next();
        self.failed = matches!(document, Some(Err(_)));
        document
    }
}

/// Opens a corpus: a file, a folder or an archive.
///
/// # Errors
///
/// Any [`DataError`] about the path, the format, or what comes before the second document: the
/// first is read here, so that an empty file, a wrong encoding or a missing column shows at
/// once.
pub fn read_corpus(
    path: impl AsRef<Path>,
    options: &CorpusOptions,
) -> Result<CorpusReader, DataError> {
    let path = path.as_ref();
    let format = match options.format {
        Some(format) => format,
        None => CorpusFormat::detect(path)?,
    };
    tracing::debug!(path = %path.display(), %format, "reading corpus");
    let mut documents = open(path, format, options)?;
    let first = match documents.next() {
        Some(first) => first?,
        None => {
            return Err(DataError::Empty {
                path: path.to_owned(),
            });
        }
    };
    let documents = Box::new(std::iter::once(Ok(first)).chain(documents));
    Ok(CorpusReader {
        documents,
        format,
        failed: false,
    })
}

type Documents = Box<dyn Iterator<Item = Result<Document, DataError>> + Send>;

fn open(
    path: &Path,
    format: CorpusFormat,
    options: &CorpusOptions,
) -> Result<Documents, DataError> {
    Ok(match format {
        CorpusFormat::AclImdb => aclimdb::open(path, options)?,
        CorpusFormat::Trec => Box::new(trec::TrecReader::open(path, options)?),
        CorpusFormat::ClassCsv => Box::new(delimited::class_csv(path)?),
        CorpusFormat::Csv => Box::new(delimited::with_header(path, b',', options)?),
        CorpusFormat::Tsv => Box::new(delimited::with_header(path, b'\t', options)?),
        CorpusFormat::JsonLines => Box::new(json_lines::JsonLinesReader::open(path, options)?),
        CorpusFormat::WikiJsonLines => Box::new(json_lines::JsonLinesReader::open_wiki(path)?),
        CorpusFormat::WikiText => Box::new(wikitext::WikiTextReader::open(path)?),
        CorpusFormat::PlainText => plain_text::open(path)?,
    })
}
