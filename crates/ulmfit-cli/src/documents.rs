//! Documents out of what the command line names.

use std::path::{Path, PathBuf};

use anyhow::bail;
use ulmfit_data::corpus::is_label_list;
use ulmfit_data::{
    CorpusFormat, CorpusOptions, CorpusSource, Document, EncodeOptions, EncodeOutcome, LabelKind,
    PartSize, TokenizedCorpus, Tokenizer, TokenizerTrainer, VocabConfig, encode_corpus,
    is_encoded_corpus, read_corpus, stratified_sample,
};
use ulmfit_train::TrainError;

use crate::args::{CorpusArgs, GlobalArgs, LayoutArgs, StageArgs, WantedTokenizer};
use crate::failure::UsageError;
use crate::progress::{Count, EncodingBar};

/// Documents between two updates of what is shown.
const DOCUMENTS_PER_UPDATE: usize = 1000;

/// Which documents are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CorpusRequest<'a> {
    pub(crate) data: &'a [PathBuf],
    pub(crate) split: &'a [String],
    /// What to read of data with splits where none is named; none for what is trained on.
    pub(crate) default_split: Option<&'a str>,
    pub(crate) layout: &'a LayoutArgs,
    /// 0 for all of them.
    pub(crate) limit: usize,
}

impl<'a> From<&'a CorpusArgs> for CorpusRequest<'a> {
    fn from(args: &'a CorpusArgs) -> Self {
        Self {
            data: &args.data,
            split: &args.split,
            default_split: None,
            layout: &args.layout,
            limit: args.limit,
        }
    }
}

impl CorpusRequest<'_> {
    /// Every split of every path, in order.
    pub(crate) fn sources(&self) -> anyhow::Result<Vec<CorpusSource>> {
        sources(self)
    }

    /// Reads every split of every path in order, and draws the sample that was asked for.
    pub(crate) fn read(&self, seed: u64, global: &GlobalArgs) -> anyhow::Result<Vec<Document>> {
        let count = Count::new("documents read", global.quiet);
        let mut documents = Vec::new();
        for source in self.sources()? {
            for document in read_corpus(&source.path, &source.options)? {
                documents.push(document?);
                if documents.len().is_multiple_of(DOCUMENTS_PER_UPDATE) {
                    count.set(documents.len());
                }
            }
        }
        count.clear();
        Ok(sample(documents, self.limit, seed, &self.layout.labels))
    }
}

fn sources(request: &CorpusRequest<'_>) -> anyhow::Result<Vec<CorpusSource>> {
    let mut sources = Vec::new();
    for path in request.data {
        if request.split.is_empty() {
            let split = match request.default_split {
                Some(split) => default_split(path, request.layout.format, split)?,
                None => None,
            };
            sources.push(source(path, split, request.layout));
            continue;
        }
        ensure_splits(path, request.layout.format)?;
        let splits = request.split.iter();
        sources.extend(splits.map(|split| source(path, Some(split.as_str()), request.layout)));
    }
    Ok(sources)
}

/// Fails for data of a format that has no splits.
pub(crate) fn ensure_splits(path: &Path, format: Option<CorpusFormat>) -> anyhow::Result<()> {
    let format = format_of(path, format)?;
    if has_splits(format) {
        return Ok(());
    }
    Err(UsageError(format!(
        "{} is of the format {format}, which has no splits; leave out --split and name the file of the \
         split",
        path.display()
    ))
    .into())
}

/// This split of data with splits; none of other data.
pub(crate) fn default_split<'a>(
    path: &Path,
    format: Option<CorpusFormat>,
    split: &'a str,
) -> anyhow::Result<Option<&'a str>> {
    Ok(has_splits(format_of(path, format)?).then_some(split))
}

fn format_of(path: &Path, format: Option<CorpusFormat>) -> anyhow::Result<CorpusFormat> {
    Ok(match format {
        Some(format) => format,
        None => CorpusFormat::detect(path)?,
    })
}

fn has_splits(format: CorpusFormat) -> bool {
    format == CorpusFormat::AclImdb
}

/// One path, as the layout says it is to be read.
pub(crate) fn source(path: &Path, split: Option<&str>, layout: &LayoutArgs) -> CorpusSource {
    CorpusSource {
        path: path.to_owned(),
        options: CorpusOptions {
            format: layout.format,
            split: split.map(str::to_owned),
            text_columns: layout.text.clone(),
            label_column: layout.label.clone(),
            labels: layout.labels.clone(),
            ignore_labels: layout.ignore_labels,
            ..CorpusOptions::default()
        },
    }
}

/// The arguments of a stage that learns from texts alone. Their labels are left unread, whatever they are,
/// unless a sample is to have its share of each class.
pub(crate) fn texts_alone(args: &StageArgs) -> StageArgs {
    let mut args = args.clone();
    args.corpus.layout.ignore_labels = args.corpus.limit == 0;
    args
}

/// Reads every split of every path in order, and draws the sample that was asked for.
pub(crate) fn read(
    args: &CorpusArgs,
    seed: u64,
    global: &GlobalArgs,
) -> anyhow::Result<Vec<Document>> {
    CorpusRequest::from(args).read(seed, global)
}

/// As [`read`], for documents that a model is measured on: of data with splits, the test split unless
/// another is named.
pub(crate) fn read_to_measure(
    args: &CorpusArgs,
    seed: u64,
    global: &GlobalArgs,
) -> anyhow::Result<Vec<Document>> {
    let request = CorpusRequest {
        default_split: Some("test"),
        ..CorpusRequest::from(args)
    };
    request.read(seed, global)
}

/// The tokenizer that is wanted. Subwords are trained on the texts unless they are given.
pub(crate) fn tokenizer<'a>(
    request: impl Into<CorpusRequest<'a>>,
    wanted: WantedTokenizer,
    global: &GlobalArgs,
) -> anyhow::Result<Tokenizer> {
    let train = |trainer: &mut TokenizerTrainer| -> anyhow::Result<()> {
        let count = Count::new("documents read for subwords", global.quiet);
        let (mut part, mut read) = (Vec::new(), 0);
        let mut size = PartSize::default();
        for source in request.into().sources()? {
            for document in read_corpus(&source.path, &source.options)? {
                let document = document?;
                let is_full = size.add(&document);
                part.push(document);
                if is_full {
                    trainer.extend(&part);
                    read += part.len();
                    count.set(read);
                    part.clear();
                }
            }
        }
        trainer.extend(&part);
        count.clear();
        Ok(())
    };
    made(wanted, train)
}

/// The tokenizer that is wanted. Subwords are trained on these documents unless they are given.
pub(crate) fn tokenizer_of(
    documents: impl FnOnce() -> Result<Vec<Document>, TrainError>,
    wanted: WantedTokenizer,
) -> anyhow::Result<Tokenizer> {
    made(wanted, |trainer| {
        trainer.extend(&documents()?);
        Ok(())
    })
}

/// The tokenizer that is wanted, of subwords that are given or that `train` shows the texts of.
fn made(
    wanted: WantedTokenizer,
    train: impl FnOnce(&mut TokenizerTrainer) -> anyhow::Result<()>,
) -> anyhow::Result<Tokenizer> {
    if wanted.subwords.is_some() {
        return Ok(Tokenizer::from_parts(wanted.config, wanted.subwords)?);
    }
    let mut trainer = TokenizerTrainer::new(wanted.config)?;
    if trainer.reads_text() {
        train(&mut trainer)?;
    }
    let vocab = VocabConfig {
        max_size: wanted.max_size,
        ..VocabConfig::default()
    };
    Ok(trainer.finish(&vocab)?)
}

/// Opens the encoded corpus that is named, or encodes the texts that are, into `place`; and draws
/// the sample that was asked for.
pub(crate) fn tokenized(
    args: &CorpusArgs,
    tokenizer: impl FnOnce() -> anyhow::Result<Tokenizer>,
    place: &Path,
    seed: u64,
    global: &GlobalArgs,
) -> anyhow::Result<TokenizedCorpus> {
    let corpus = if let Some(path) = args.data.iter().find(|path| is_encoded_corpus(path)) {
        if args.data.len() > 1 || !args.split.is_empty() || !args.layout.is_default() {
            return Err(UsageError(format!(
                "{} is an encoded corpus, which is given by itself, without --split, --format, --text \
                 and --label; to join it with others, encode all their texts together",
                path.display()
            ))
            .into());
        }
        TokenizedCorpus::open(path)?
    } else {
        let tokenizer = tokenizer()?;
        encode(args, &tokenizer, place, &EncodeOptions::default(), global)?;
        TokenizedCorpus::open(place)?
    };
    if args.limit == 0 || args.limit >= corpus.len() {
        return Ok(corpus);
    }
    let labels: Vec<_> = corpus.labels().iter().collect();
    let drawn = draw(&labels, args.limit, seed, &args.layout.labels);
    Ok(corpus.select(&drawn))
}

/// Encodes texts into `place`, unless they are there already.
pub(crate) fn encode(
    args: &CorpusArgs,
    tokenizer: &Tokenizer,
    place: &Path,
    options: &EncodeOptions,
    global: &GlobalArgs,
) -> anyhow::Result<EncodeOutcome> {
    let sources = CorpusRequest::from(args).sources()?;
    let mut bar = EncodingBar::new(global.quiet);
    let mut observer = |progress| bar.show(progress);
    Ok(encode_corpus(
        &sources,
        tokenizer,
        place,
        options,
        &mut observer,
    )?)
}

/// The places of so many documents, in rising order: of each class its share, and of labels that are no
/// classes any.
fn draw(labels: &[Option<&str>], limit: usize, seed: u64, kind: &LabelKind) -> Vec<usize> {
    let mut there = labels.iter().flatten();
    if *kind == LabelKind::Name && !there.any(|label| is_label_list(label)) {
        stratified_sample(labels, limit, seed)
    } else {
        stratified_sample(&vec![(); labels.len()], limit, seed)
    }
}

/// Of each class its share, drawn by the seed, in the order of the data; 0 for all. Documents
/// without a label are a class of their own.
pub(crate) fn sample(
    documents: Vec<Document>,
    limit: usize,
    seed: u64,
    kind: &LabelKind,
) -> Vec<Document> {
    if limit == 0 || limit >= documents.len() {
        return documents;
    }
    let labels: Vec<_> = documents
        .iter()
        .map(|document| document.label.as_deref())
        .collect();
    let drawn = draw(&labels, limit, seed, kind);
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
        let name = LabelKind::Name;
        let drawn = sample((0..100).map(document).collect(), 20, 7, &name);
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
        assert_eq!(sample(unlabeled(), 4, 1, &name).len(), 4);
        assert_eq!(sample(unlabeled(), 0, 1, &name).len(), 9);
        // Numbers, nearly all of which differ, are drawn from all over.
        let number = |i: usize| Document::labeled("", i.to_string());
        let drawn = sample((0..100).map(number).collect(), 20, 7, &LabelKind::Number);
        let large = drawn.iter().filter(|d| d.label.as_deref() > Some("5"));
        assert!((5..=15).contains(&large.count()) && drawn.len() == 20);
    }
}
