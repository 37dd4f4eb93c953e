//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

/// Everything that can go wrong between a file and a batch.
///
/// Messages are lowercase sentences. They name the file and, where there is one, the line (counted
/// from 1), and end with the remedy when the reader of the message can do something about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file or folder could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An encoded corpus that is not whole.
    #[error(
        "{} is not a whole encoded corpus ({reason}); encode its texts again",
        path.display()
    )]
    DamagedCorpus {
        /// The corpus's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Something else is where an encoded corpus is to be written.
    #[error(
        "{} is there already and is not an encoded corpus, or not that alone; name another place",
        path.display()
    )]
    NotACorpus {
        /// Where the corpus was to be written.
        path: PathBuf,
    },
    /// An encoded corpus where texts are needed.
    #[error(
        "{} is an encoded corpus, which holds tokens and no texts; name the files it was made from",
        path.display()
    )]
    NoTexts {
        /// The corpus's folder.
        path: PathBuf,
    },
    /// Another process writes the same encoded corpus.
    #[error(
        "another process is writing {}; wait for it, or name another place",
        path.display()
    )]
    CorpusInUse {
        /// The corpus's folder.
        path: PathBuf,
    },
    /// More labels than an encoded corpus holds, or one that is too long for a class.
    #[error("{}: {reason}", path.display())]
    TooManyLabels {
        /// The file or folder.
        path: PathBuf,
        /// What there is too much of, and what helps.
        reason: String,
    },
    /// A compressed file or an archive ends too early or does not decode.
    #[error("{} is truncated or damaged ({source}); fetch it again", path.display())]
    Damaged {
        /// The archive or compressed file.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// A compressed file or an archive that holds more than any corpus.
    #[error(
        "{} unpacks to more than {limit} bytes, which no text should; unpack it by other means and \
         look at it",
        path.display()
    )]
    UnpacksTooLarge {
        /// The archive or compressed file.
        path: PathBuf,
        /// The bound in bytes.
        limit: u64,
    },
    /// A compressed file that takes too much memory to unpack.
    #[error(
        "{} takes more than {limit} bytes of memory to unpack; unpack it by other means",
        path.display()
    )]
    UnpackingTooLarge {
        /// The compressed file.
        path: PathBuf,
        /// The bound in bytes.
        limit: u64,
    },
    /// The format could not be guessed from the path.
    #[error("cannot tell the format of {}; name it with --format: {choices}", path.display())]
    UnknownLayout {
        /// The file or folder.
        path: PathBuf,
        /// The format names there are.
        choices: String,
    },
    /// A format name that does not exist.
    #[error("unknown corpus format \"{name}\"; the formats are {choices}")]
    UnknownFormat {
        /// The name that was given.
        name: String,
        /// The format names there are.
        choices: String,
    },
    /// A format of several files, or one that is not read from front to back, in a stream.
    #[error(
        "{} is a stream, and {format} cannot be read from one; give the path of a file or folder",
        path.display()
    )]
    NotAStream {
        /// The name of the stream.
        path: PathBuf,
        /// The format.
        format: &'static str,
    },
    /// Texts that would be left out of what was taken for aclImdb by its layout.
    #[error(
        "{} looks like the format aclimdb, which would leave out {}; {} {}, whose folders are then the \
         classes, or leave it out with --format aclimdb",
        path.display(),
        left_out.display(),
        if *archived { "unpack it and name" } else { "name" },
        split.display()
    )]
    LeftOut {
        /// The corpus.
        path: PathBuf,
        /// The folder of another class, or a file or folder in that of a class.
        left_out: PathBuf,
        /// The folder of the split that it is in.
        split: PathBuf,
        /// Whether the corpus is an archive.
        archived: bool,
    },
    /// A split that the corpus does not have.
    #[error("{} has no split \"{split}\"; the splits are {choices}", path.display())]
    UnknownSplit {
        /// The corpus.
        path: PathBuf,
        /// The split that was asked for.
        split: String,
        /// The splits there are.
        choices: String,
    },
    /// Not one document was found.
    #[error(
        "{} holds no documents{}",
        path.display(),
        if path.is_dir() { "; of a folder only .txt and .text files are read, so name files of other formats \
                          themselves" } else { "" }
    )]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// Bytes that are not UTF-8.
    #[error("{}, line {line}: not valid UTF-8; convert the file to UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// A row with more or fewer columns than the first one.
    #[error(
        "{}, line {line}: expected {expected} columns and found {found}; {remedy}",
        path.display()
    )]
    RaggedRow {
        /// The file.
        path: PathBuf,
        /// The line on which the row starts, counted from 1.
        line: u64,
        /// Columns in the first row.
        expected: u64,
        /// Columns in this row.
        found: u64,
        /// What helps, which is another thing in CSV and in TSV.
        remedy: &'static str,
    },
    /// A quoted field that is still open at the end of the file.
    #[error(
        "{}, line {line}: a quotation mark opens a field that never closes; \
         close it, or double it if it is part of the text",
        path.display()
    )]
    UnclosedQuote {
        /// The file.
        path: PathBuf,
        /// The line of the opening quotation mark, counted from 1.
        line: u64,
    },
    /// A column that was asked for, or is needed, is not there.
    #[error(
        "{}: no {wanted} column; the columns are {}; {}",
        place(path, *line),
        listed(there),
        if wanted == "text" { "name the text's with --text" } else { "name one of these" }
    )]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; 0 for a file that has no lines.
        line: u64,
        /// The column that is missing, or what it is for.
        wanted: String,
        /// The columns that exist.
        there: Vec<String>,
    },
    /// A column that is needed, and two have its name.
    #[error(
        "{}: two columns are named \"{}\"; rename one of them",
        place(path, *line),
        brief(name)
    )]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; 0 for a file that has no lines.
        line: u64,
        /// The name.
        name: String,
    },
    /// A column of lists or records where one value a row is needed.
    #[error(
        "{}: column \"{column}\" is nested; name another one, or write it with one value a row",
        path.display()
    )]
    NestedColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A Parquet file whose compression is not read.
    #[error(
        "{} is compressed with {codec}, which is not read in Parquet; write it with Snappy, gzip, \
         Brotli, LZ4 or none",
        path.display()
    )]
    UnreadableParquet {
        /// The file.
        path: PathBuf,
        /// The compression.
        codec: &'static str,
    },
    /// A Parquet file that is packed as a whole, or in an archive: it is read at any place, and they are not.
    #[error(
        "{} is a Parquet file that is packed or in an archive, where it is not read; unpack it, or name \
         the format of an archive's other files with --format",
        path.display()
    )]
    PackedParquet {
        /// The file.
        path: PathBuf,
    },
    /// A line that does not have the shape its format calls for.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A file whose folder does not name a label of the kind that is read.
    #[error("{}: {reason}", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A row, of a file that has no lines, that does not have the shape it should.
    #[error("{}, row {row}: {reason}", path.display())]
    MalformedRow {
        /// The file.
        path: PathBuf,
        /// The row, counted from 1.
        row: u64,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A record over the bound on memory.
    #[error("{}, line {line}: a record of more than {limit} bytes; split it", path.display())]
    RecordTooLarge {
        /// The file.
        path: PathBuf,
        /// The line on which the record starts, counted from 1.
        line: u64,
        /// The bound in bytes.
        limit: u64,
    },
    /// A token list that cannot be a vocabulary.
    #[error("not a vocabulary: {reason}")]
    InvalidVocab {
        /// What is wrong with the list.
        reason: String,
    },
    /// What cannot be a subword tokenizer.
    #[error("not a tokenizer: {reason}")]
    InvalidTokenizer {
        /// What is wrong with it.
        reason: String,
    },
    /// A file that cannot be a subword tokenizer.
    #[error(
        "{} is not a tokenizer that can be used: {reason}; give a tokenizer.json of Unigram or BPE, \
         or a SentencePiece .model",
        path.display()
    )]
    TokenizerFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tokenizer that is asked for subwords and has none.
    #[error(
        "the {splitter} tokenizer has no pieces yet; train it on text, or give a tokenizer.json"
    )]
    UntrainedTokenizer {
        /// The splitter's name.
        splitter: &'static str,
    },
    /// A setting outside its range.
    #[error("{name} is {value}, but it must be {expected}")]
    InvalidSetting {
        /// The setting.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The values that make sense.
        expected: &'static str,
    },
    /// A corpus too small for its batch size: some row would have no input with a target.
    #[error(
        "{tokens} tokens are too few for {batch_size} rows, each of which needs two; \
         use a batch size of at most {largest}, or more text"
    )]
    TooFewTokens {
        /// Tokens in the corpus.
        tokens: usize,
        /// Rows that were asked for.
        batch_size: usize,
        /// The largest batch size that would work (0 when none does).
        largest: usize,
    },
    /// A list of predictions that does not match the documents it belongs to.
    #[error("{found} predictions for {expected} documents")]
    PredictionCount {
        /// Documents in the batches.
        expected: usize,
        /// Predictions that were given.
        found: usize,
    },
}

/// The file, and the line where there is one.
fn place(path: &Path, line: u64) -> String {
    match line {
        0 => path.display().to_string(),
        line => format!("{}, line {line}", path.display()),
    }
}

/// Most characters of a file that a message quotes.
const MOST_QUOTED: usize = 200;
/// Most columns that a message lists. Where a file is not what it is taken for, there may be millions.
const MOST_LISTED: usize = 30;

/// A text as a message may quote it: its beginning, where it is long.
pub(crate) fn brief(text: &str) -> String {
    match text.char_indices().nth(MOST_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MOST_LISTED)
        .map(|name| brief(name))
        .collect();
    match names.len().saturating_sub(MOST_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_quotes_the_beginning_of_what_is_long() {
        assert_eq!(brief("short"), "short");
        assert_eq!(brief(&"é".repeat(300)), "é".repeat(200) + "…");
        let names: Vec<String> = (0..32).map(|i| format!("c{i}")).collect();
        assert!(listed(&names).ends_with("c28, c29 and 2 more"));
        assert_eq!(listed(&names[..2]), "c0, c1");
    }
}
