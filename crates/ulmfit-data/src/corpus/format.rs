//! The formats, their names, and how a path tells which it is.

use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{archive, delimited};
use crate::error::DataError;

/// How a corpus is stored. Every file but one of Parquet may be packed with gzip, Zstandard or xz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum CorpusFormat {
    /// `aclimdb`: the Large Movie Review Dataset, as a folder tree or as its archive. Labels are
    /// `pos` and `neg`; order is that of the paths. Where it is told from the layout, a folder of another
    /// class is an error; where it is named, such a folder is left out.
    AclImdb,
    /// `trec`: `COARSE:fine question` a line. Lines that are not UTF-8 are read as Windows-1252.
    Trec,
    /// `class-csv`: no header; the class, then one or more text fields (AG News, `DBpedia`, Yelp).
    ClassCsv,
    /// `csv`: comma-separated with a header line; quoted fields.
    Csv,
    /// `tsv`: tab-separated with a header line; quotation marks have no meaning, as the registered
    /// type `text/tab-separated-values` has it.
    Tsv,
    /// `jsonl`: a JSON object a line.
    JsonLines,
    /// `wiki-jsonl`: `{"id", "title", "text"}` a line; the document is the text.
    WikiJsonLines,
    /// `wikitext`: `WikiText` tokens; an article runs from its ` = Title = ` line to the next one.
    WikiText,
    /// `text`: one document a line (blank lines are none), or one a `.txt` file in a folder tree, by
    /// path. A folder in that folder is a class, and its name the label; but not a `train` or `test`
    /// with folders of its own, whose classes are had by naming it. Hidden files and folders are left
    /// out.
    PlainText,
    /// `parquet`: columns, of text without nesting; compressed with anything but Zstandard and LZO.
    Parquet,
    /// `archive`: a tar file, packed or not, or a zip file, whose members are read in the formats that
    /// their names tell, but for Parquet, which is an error; a `.txt` file is a document, of the class that
    /// its folder names as in `text`, and a folder called as the archive is the one that was archived.
    /// Where another format is named for an archive, the members that are called like its files are read
    /// in it, and no others.
    Archive,
}

impl CorpusFormat {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::AclImdb,
        Self::Trec,
        Self::ClassCsv,
        Self::Csv,
        Self::Tsv,
        Self::JsonLines,
        Self::WikiJsonLines,
        Self::WikiText,
        Self::PlainText,
        Self::Parquet,
        Self::Archive,
    ];

    /// The name used in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AclImdb => "aclimdb",
            Self::Trec => "trec",
            Self::ClassCsv => "class-csv",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::WikiJsonLines => "wiki-jsonl",
            Self::WikiText => "wikitext",
            Self::PlainText => "text",
            Self::Parquet => "parquet",
            Self::Archive => "archive",
        }
    }

    /// Tells the format of a file or folder from its name and layout. Of the contents only the first
    /// record of a `.csv` file is looked at: a number there and no header means `class-csv`.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] when the path cannot be read, [`DataError::UnknownLayout`] when it
    /// looks like none of the formats.
    pub fn detect(path: &Path) -> Result<Self, DataError> {
        let unknown = || DataError::UnknownLayout {
            path: path.to_owned(),
            choices: choices(),
        };
        let metadata = std::fs::metadata(path).map_err(|source| DataError::Read {
            path: path.to_owned(),
            source,
        })?;
        if metadata.is_dir() && crate::stored::is_encoded_corpus(path) {
            return Err(DataError::NoTexts {
                path: path.to_owned(),
            });
        }
        if metadata.is_dir() {
            let has_split = |folder: &Path| {
                ["train", "test"]
                    .iter()
                    .any(|split| folder.join(split).join("pos").is_dir())
            };
            let aclimdb = has_split(path) || has_split(&path.join("aclImdb"));
            return Ok(if aclimdb {
                Self::AclImdb
            } else {
                Self::PlainText
            });
        }
        let name = lower_name(path);
        let unpacked = without_packing(&name);
        let (_, extension) = unpacked.rsplit_once('.').ok_or_else(unknown)?;
        match extension {
            "tar" | "tgz" | "txz" if archive::is_aclimdb(path)? => Ok(Self::AclImdb),
            _ if archive_stem(path).is_some() => Ok(Self::Archive),
            "csv" if delimited::begins_with_class(path)? => Ok(Self::ClassCsv),
            _ => Self::of_name(unpacked).ok_or_else(unknown),
        }
    }

    /// Tells the format of a file in a folder or an archive from its path there; none for what is no text or
    /// hidden.
    pub(super) fn of_member(path: &Path) -> Option<Self> {
        // Such as macOS and Jupyter leave behind.
        if path.components().any(is_hidden) {
            return None;
        }
        Self::of_name(without_packing(&lower_name(path)))
    }

    /// The format that the names of this format's files tell: of a CSV file they do not say whether it
    /// has a header, and of JSON lines not what they are from.
    pub(super) const fn told_by_names(self) -> Self {
        match self {
            Self::ClassCsv => Self::Csv,
            Self::WikiJsonLines => Self::JsonLines,
            other => other,
        }
    }

    /// Tells the format of a file from its name in lower case.
    fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension {
            "label" => Some(Self::Trec),
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "tokens" | "raw" => Some(Self::WikiText),
            "txt" | "text" => Some(Self::PlainText),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Whether a part of a path is called as hidden files and folders are.
fn is_hidden(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if name.as_encoded_bytes().starts_with(b"."))
}

/// The name of an archive's file in lower case, without its endings; none for what is called otherwise.
pub(crate) fn archive_stem(path: &Path) -> Option<String> {
    let name = lower_name(path);
    let (stem, extension) = without_packing(&name).rsplit_once('.')?;
    ["tar", "tgz", "txz", "zip"]
        .contains(&extension)
        .then(|| stem.to_owned())
}

fn lower_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_ascii_lowercase()
}

/// A name without the ending that a packed file has.
fn without_packing(name: &str) -> &str {
    let mut endings = [".gz", ".zst", ".xz"].into_iter();
    endings
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name)
}

fn choices() -> String {
    CorpusFormat::ALL.map(CorpusFormat::as_str).join(", ")
}

impl fmt::Display for CorpusFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CorpusFormat {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| DataError::UnknownFormat {
                name: name.to_owned(),
                choices: choices(),
            })
    }
}

impl TryFrom<String> for CorpusFormat {
    type Error = DataError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<CorpusFormat> for &'static str {
    fn from(format: CorpusFormat) -> Self {
        format.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for format in CorpusFormat::ALL {
            assert_eq!(format.to_string().parse::<CorpusFormat>().unwrap(), format);
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(serde_json::from_str::<CorpusFormat>(&json).unwrap(), format);
        }
        assert_eq!(
            "xml".parse::<CorpusFormat>().unwrap_err().to_string(),
            "unknown corpus format \"xml\"; the formats are aclimdb, trec, class-csv, csv, tsv, \
             jsonl, wiki-jsonl, wikitext, text, parquet, archive"
        );
    }
}
