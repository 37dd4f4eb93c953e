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
        let missing = |wanted: String| DataError::MissingColumn {
            path: path.to_owned(),
            line,
            wanted,
            there: names.to_vec(),
        };
        let named =
            |name: &String| position(names, name).ok_or_else(|| missing(format!("\"{name}\"")));
        let text = if options.text_columns.is_empty() {
            default_text(names).ok_or_else(|| missing("text".to_owned()))?
        } else {
            options
                .text_columns
                .iter()
                .map(named)
                .collect::<Result<_, _>>()?
        };
        let label = match &options.label_column {
            _ if options.ignore_labels => None,
            Some(name) => Some(named(name)?),
            None => LABEL.iter().find_map(|name| position(names, name)),
        };
        let id = position(names, "id");
        Ok(Self { text, label, id })
    }
}

fn default_text(names: &[String]) -> Option<Vec<usize>> {
    let one = TEXT
        .iter()
        .find_map(|name| position(names, name))
        .map(|place| vec![place]);
    one.or_else(|| {
        TITLED_TEXT
            .iter()
            .map(|name| position(names, name))
            .collect()
    })
}

/// The column of this name; spelled exactly so if there is one, else in any case.
fn position(names: &[String], wanted: &str) -> Option<usize> {
    names.iter().position(|name| name == wanted).or_else(|| {
        names
            .iter()
            .position(|name| name.trim().eq_ignore_ascii_case(wanted.trim()))
    })
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
    fn a_missing_column_lists_those_there_are() {
        let options = CorpusOptions {
            text_columns: vec!["body".into()],
            ..Default::default()
        };
        assert_eq!(
            find("id,text", &options).unwrap_err().to_string(),
            "a.csv, line 1: no \"body\" column; the columns are id, text; name the one to use"
        );
        assert_eq!(
            find("a,b", &CorpusOptions::default())
                .unwrap_err()
                .to_string(),
            "a.csv, line 1: no text column; the columns are a, b; name the one to use"
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
