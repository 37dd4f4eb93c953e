//! Documents as a stream, from files or from standard input, to be answered one by one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ulmfit_data::{CorpusOptions, CorpusReader, DataError, read_corpus, read_stream};

/// Opens a file, a folder or an archive, or standard input when `path` is `-`. Every row is a document,
/// and nothing of it is looked at but its text and its id.
///
/// # Errors
///
/// When there is nothing to read, the format is not known, or the first row cannot be read.
pub(crate) fn open(path: &Path, options: CorpusOptions) -> Result<CorpusReader, DataError> {
    let options = CorpusOptions {
        ignore_labels: true,
        keep_blank_lines: true,
        ..options
    };
    let (stream, name): (Box<dyn Read + Send>, &Path) = if path == Path::new("-") {
        (Box::new(io::stdin()), Path::new("standard input"))
    } else {
        let unreadable = |source| DataError::Read {
            path: path.to_owned(),
            source,
        };
        let metadata = path.metadata().map_err(unreadable)?;
        if metadata.is_file() || metadata.is_dir() {
            return read_corpus(path, &options);
        }
        // A pipe can be read but once, so that its format is told as that of standard input.
        (Box::new(File::open(path).map_err(unreadable)?), path)
    };
    read_stream(stream, name, &options)
}
