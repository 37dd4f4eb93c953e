//! Which columns hold the text and the label.

use std::path::Path;

use super::CorpusOptions;
use crate::error::DataError;

/// Columns taken for the text when none is named, best first.
const TEXT: [&str; 5] = ["text", "review", "sentence", "content", "question"];
/// Columns taken for the text together when there is none of [`TEXT`].
const TITLED_TEXT: [&str; 2] = ["title", "description"];
/// Columns taken for the label when none is named, best first.
const LABEL: [&str; 5] = ["label", "class", "sentiment", "category", "target"];

/// Places of the columns that matter.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) text: Vec<usize>,
    pub(super) label: Option<usize>,
    pub(super) id: Option<usize>,
}

impl Columns {
    /// Finds the columns by the options among the names there are, which `line` of the file gives.
    pub(super) fn find(
        names: &[String],
        options: &CorpusOptions,
        path: &Path,
        line: u64,
    ) -> Result<Self, DataError> {
        let text = text_columns(names, options, path, line)?;
        let label = label_column(names, options, path, line)?;
        if let (None, Some(name)) = (label, named_label(options)) {
            return Err(missing(names, format!("\"{name}\""), path, line));
        }
        let id = position(names, "id", path, line)?;
        Ok(Self { text, label, id })
    }
}

/// The columns of the text.
pub(super) fn text_columns(
    names: &[String],
    options: &CorpusOptions,
    path: &Path,
    line: u64,
) -> Result<Vec<usize>, DataError> {
    let find = |wanted: &str| position(names, wanted, path, line);
    if options.text_columns.is_empty() {
        let found = default_text(find)?;
        return found.ok_or_else(|| missing(names, "text".to_owned(), path, line));
    }
    let named = |wanted: &String| {
        find(wanted)?.ok_or_else(|| missing(names, format!("\"{wanted}\""), path, line))
    };
    options.text_columns.iter().map(named).collect()
}

/// The column of the label, if it is there and labels are read.
pub(super) fn label_column<N: AsRef<str>>(
    names: &[N],
    options: &CorpusOptions,
    path: &Path,
    line: u64,
) -> Found {
    match named_label(options) {
        _ if options.ignore_labels => Ok(None),
        Some(name) => position(names, name, path, line),
        None => first(&LABEL, |wanted| position(names, wanted, path, line)),
    }
}

/// The place of a name among those that are taken for the label's when none is named, the best first.
pub(super) fn label_rank(name: &str) -> Option<usize> {
    LABEL.iter().position(|label| is_alike(name, label))
}

/// The column of the label that the options name, where labels are read.
pub(super) fn named_label(options: &CorpusOptions) -> Option<&str> {
    let named = options.label_column.as_deref();
    named.filter(|_| !options.ignore_labels)
}

/// The error for a column that is not there.
pub(super) fn missing(names: &[String], wanted: String, path: &Path, line: u64) -> DataError {
    DataError::MissingColumn {
        path: path.to_owned(),
        line,
        wanted,
        there: names.to_vec(),
    }
}

pub(super) type Found = Result<Option<usize>, DataError>;

fn default_text(find: impl Fn(&str) -> Found) -> Result<Option<Vec<usize>>, DataError> {
    if let Some(place) = first(&TEXT, &find)? {
        return Ok(Some(vec![place]));
    }
    TITLED_TEXT.iter().map(|name| find(name)).collect()
}

/// The first of these columns that there is.
fn first(wanted: &[&str], find: impl Fn(&str) -> Found) -> Found {
    let mut found = wanted.iter().map(|name| find(name));
    found.find_map(Result::transpose).transpose()
}

/// The column of this name; spelled exactly so if there is one, else in any case.
fn position<N: AsRef<str>>(names: &[N], wanted: &str, path: &Path, line: u64) -> Found {
    let places = |matches: &dyn Fn(&str) -> bool| {
        let places = names.iter().enumerate();
        let places = places.filter(|(_, name)| matches(name.as_ref()));
        places.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let mut found = places(&|name| name == wanted);
    if found.is_empty() {
        found = places(&|name| is_alike(name, wanted));
    }
    match found[..] {
        [] => Ok(None),
        [place] => Ok(Some(place)),
        [place, ..] => Err(DataError::RepeatedColumn {
            path: path.to_owned(),
            line,
            name: names[place].as_ref().to_owned(),
        }),
    }
}

/// Whether two names are one but for case and the spaces around them.
fn is_alike(name: &str, wanted: &str) -> bool {
    name.trim().eq_ignore_ascii_case(wanted.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &str, options: &CorpusOptions) -> Result<Columns, DataError> {
        let names: Vec<String> = names.split(',').map(str::to_owned).collect();
        Columns::find(&names, options, Path::new("a.csv"), 1)
    }

    #[test]
    fn defaults() {
        let none = CorpusOptions::default();
        for (names, text, label) in [
            ("id,text,label", vec![1], Some(2)),
            ("Sentiment,Review", vec![1], Some(0)),
            ("title,description,class", vec![0, 1], Some(2)),
            ("sentence,text", vec![1], None),
        ] {
            let columns = find(names, &none).unwrap();
            assert_eq!((columns.text, columns.label), (text, label), "{names}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_no_name() {
        let none = CorpusOptions::default();
        for names in [
            "text,text,label",
            "Text,TEXT",
            "text,label,label",
            "id,ID,text,id",
        ] {
            let message = find(names, &none).unwrap_err().to_string();
            assert!(
                message.contains("two columns are named"),
                "{names}: {message}"
            );
        }
        // One of them is spelled exactly so, or nobody asks for them.
        assert_eq!(find("text,Text", &none).unwrap().text, [0]);
        assert_eq!(find("text,stars,stars", &none).unwrap().text, [0]);
    }

    #[test]
    fn a_missing_column_lists_those_there_are() {
        let options = CorpusOptions {
            text_columns: vec!["body".into()],
            ..Default::default()
        };
        assert_eq!(
            find("id,text", &options).unwrap_err().to_string(),
            "a.csv, line 1: no \"body\" column; the columns are id, text; name one of these"
        );
        assert_eq!(
            find("a,b", &CorpusOptions::default())
                .unwrap_err()
                .to_string(),
            "a.csv, line 1: no text column; the columns are a, b; name the text's with --text"
        );
        let options = CorpusOptions {
            label_column: Some("y".into()),
            ..Default::default()
        };
        assert!(find("text,label", &options).is_err());
        let options = CorpusOptions {
            ignore_labels: true,
            ..options
        };
        assert_eq!(find("text,label", &options).unwrap().label, None);
    }
}
