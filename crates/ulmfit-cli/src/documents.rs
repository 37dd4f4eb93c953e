//! Documents out of what the command line names.

use std::path::Path;

use anyhow::bail;
use ulmfit_data::{CorpusFormat, CorpusOptions, Document, read_corpus, stratified_sample};

use crate::args::{CorpusArgs, GlobalArgs, LayoutArgs};
use crate::progress::Count;

/// Documents between two updates of what is shown.
const DOCUMENTS_PER_UPDATE: usize = 1000;

/// Reads every split of every path in order, and draws the sample that was asked for.
pub(crate) fn read(
    args: &CorpusArgs,
    seed: u64,
    global: &GlobalArgs,
) -> anyhow::Result<Vec<Document>> {
    let count = Count::new("documents read", global.quiet);
    let mut documents = Vec::new();
    for path in &args.data {
        if args.split.is_empty() {
            append(&mut documents, path, None, &args.layout, &count)?;
        }
        for split in &args.split {
            append(&mut documents, path, Some(split), &args.layout, &count)?;
        }
    }
    count.clear();
    Ok(sample(documents, args.limit, seed))
}

fn append(
    documents: &mut Vec<Document>,
    path: &Path,
    split: Option<&String>,
    layout: &LayoutArgs,
    count: &Count,
) -> anyhow::Result<()> {
    let options = CorpusOptions {
        format: layout.format,
        split: split.cloned(),
        text_columns: layout.text.clone(),
        label_column: layout.label.clone(),
        ..CorpusOptions::default()
    };
    let reader = read_corpus(path, &options)?;
    if split.is_some() && reader.format() != CorpusFormat::AclImdb {
        bail!(
            "{} is of the format {}, which has no splits; leave out --split and name the file of the split",
            path.display(),
            reader.format()
        );
    }
    for document in reader {
        documents.push(document?);
        if documents.len().is_multiple_of(DOCUMENTS_PER_UPDATE) {
            count.set(documents.len());
        }
    }
    Ok(())
}

/// Of each class its share, drawn by the seed, in the order of the data; 0 for all. Documents
/// without a label are a class of their own.
fn sample(documents: Vec<Document>, limit: usize, seed: u64) -> Vec<Document> {
    if limit == 0 || limit >= documents.len() {
        return documents;
    }
    let labels: Vec<_> = documents
        .iter()
        .map(|document| document.label.as_deref())
        .collect();
    let drawn = stratified_sample(&labels, limit, seed);
    let mut drawn = drawn.into_iter().peekable();
    let all = documents.into_iter().enumerate();
    all.filter(|(index, _)| drawn.next_if_eq(index).is_some())
        .map(|(_, document)| document)
        .collect()
}

/// Fails unless every document has a label.
pub(crate) fn check_labeled(documents: &[Document]) -> anyhow::Result<()> {
    match documents
        .iter()
        .position(|document| document.label.is_none())
    {
        None => Ok(()),
        Some(index) => bail!(
            "document {} has no label to compare with; name the column with --label",
            index + 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_order_and_shares() {
        let document = |i: usize| {
            Document::labeled(i.to_string(), if i.is_multiple_of(4) { "a" } else { "b" })
        };
        let drawn = sample((0..100).map(document).collect(), 20, 7);
        assert_eq!(
            drawn
                .iter()
                .filter(|d| d.label.as_deref() == Some("a"))
                .count(),
            5
        );
        let numbers = drawn.iter().map(|d| d.text().parse::<usize>().unwrap());
        assert!(numbers.is_sorted() && drawn.len() == 20);
        let unlabeled = || {
            (0..9)
                .map(|i| Document::new(i.to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(sample(unlabeled(), 4, 1).len(), 4);
        assert_eq!(sample(unlabeled(), 0, 1).len(), 9);
    }
}
