//! Corpora as iterators over documents, from paths and from streams.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::format::archive_stem;
use super::json_lines::JsonLinesReader;
use super::source::{Meter, Source};
use super::trec::TrecReader;
use super::wikitext::WikiTextReader;
use super::{
    CorpusFormat, CorpusOptions, Document, aclimdb, archive, delimited, parquet, plain_text,
};
use crate::error::DataError;

/// Documents of any format.
pub(super) type Documents = Box<dyn Iterator<Item = Result<Document, DataError>> + Send>;

/// Documents as they are read. Ends after the first error.
pub struct CorpusReader {
    documents: Documents,
    format: CorpusFormat,
    meter: Meter,
    failed: bool,
}

impl CorpusReader {
    /// Reads the first document, without which there is no corpus.
    fn start(
        mut documents: Documents,
        format: CorpusFormat,
        name: &Path,
        meter: Meter,
    ) -> Result<Self, DataError> {
        tracing::debug!(path = %name.display(), %format, "reading corpus");
        let Some(first) = documents.next().transpose()? else {
            return Err(DataError::Empty {
                path: name.to_owned(),
            });
        };
        Ok(Self {
            documents: Box::new(std::iter::once(Ok(first)).chain(documents)),
            format,
            meter,
            failed: false,
        })
    }

    /// The format that was named or found out.
    pub const fn format(&self) -> CorpusFormat {
        self.format
    }

    /// How many bytes of its files were read so far, packed as they are; 0 for a stream.
    pub fn bytes_read(&self) -> u64 {
        self.meter.load(Ordering::Relaxed)
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
    let format = options.format_of(path)?;
    let meter = Meter::default();
    let documents = match format {
        CorpusFormat::AclImdb => aclimdb::open(path, options, &meter)?,
        CorpusFormat::Archive => archive::members(path, options, &meter)?,
        // The format that is named is that of its members.
        _ if archive_stem(path).is_some() && !path.is_dir() => {
            archive::members(path, options, &meter)?
        }
        CorpusFormat::Parquet => Box::new(parquet::open(path, options, &meter)?),
        CorpusFormat::PlainText if path.is_dir() => plain_text::files(path, options, &meter)?,
        format => open(Source::open(path, &meter)?, format, options)?,
    };
    CorpusReader::start(documents, format, path, meter)
}

/// Reads a corpus from a stream, such as standard input, which messages call by `name`.
///
/// Documents come as soon as their last byte has: no more is read ahead than the stream hands out
/// at once. When no format is given, a stream that begins with `{` is read as JSON lines and any
/// other as CSV with a header.
///
/// # Errors
///
/// [`DataError::NotAStream`] for a format that needs a path, else any [`DataError`] about what comes
/// before the second document: the first is read here, as [`read_corpus`] does.
pub fn read_stream(
    stream: impl Read + Send + 'static,
    name: impl Into<PathBuf>,
    options: &CorpusOptions,
) -> Result<CorpusReader, DataError> {
    let mut source = Source::new(stream, name.into())?;
    let format = match options.format {
        Some(format) => format,
        None if source.first_byte()? == Some(b'{') => CorpusFormat::JsonLines,
        None => CorpusFormat::Csv,
    };
    let name = source.name.clone();
    let documents = open(source, format, options)?;
    CorpusReader::start(documents, format, &name, Meter::default())
}

pub(super) fn open(
    source: Source,
    format: CorpusFormat,
    options: &CorpusOptions,
) -> Result<Documents, DataError> {
    Ok(match format {
        CorpusFormat::AclImdb | CorpusFormat::Archive | CorpusFormat::Parquet => {
            return Err(DataError::NotAStream {
                path: source.name,
                format: format.as_str(),
            });
        }
        CorpusFormat::Trec => Box::new(TrecReader::new(source, options)?),
        CorpusFormat::ClassCsv => Box::new(delimited::class_csv(source, options)),
        CorpusFormat::Csv => Box::new(delimited::with_header(source, b',', options)?),
        CorpusFormat::Tsv => Box::new(delimited::with_header(source, b'\t', options)?),
        CorpusFormat::JsonLines => Box::new(JsonLinesReader::new(source, options)),
        CorpusFormat::WikiJsonLines => Box::new(JsonLinesReader::wiki(source)),
        CorpusFormat::WikiText => Box::new(WikiTextReader::new(source)),
        CorpusFormat::PlainText => plain_text::lines(source, options.keep_blank_lines),
    })
}
