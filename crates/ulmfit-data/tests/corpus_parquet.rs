//! Parquet files: what is read of them, and what is refused with a sentence.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use ulmfit_data::{CorpusOptions, DataError, Document, read_corpus, read_stream};

const SCHEMA: &str = "message reviews {
    required int64 id;
    optional group votes (LIST) { repeated group list { optional int64 element; } }
    optional byte_array text (UTF8);
    optional int64 label;
}";

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) {
    let mut writer = group.next_column().unwrap().unwrap();
    let typed = writer.typed::<T>();
    typed.write_batch(values, definition, repetition).unwrap();
    writer.close().unwrap();
}

fn strings(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|&text| ByteArray::from(text)).collect()
}

/// Two row groups of two rows; the last row has neither a text nor a label.
fn reviews(folder: &Path, compression: Compression) -> PathBuf {
    let path = folder.join("reviews.parquet");
    let properties = WriterProperties::builder().set_compression(compression);
    let mut file = SerializedFileWriter::new(
        File::create(&path).unwrap(),
        Arc::new(parse_message_type(SCHEMA).unwrap()),
        Arc::new(properties.build()),
    )
    .unwrap();
    for (ids, texts, labels) in [
        ([1, 2], &["good", "b\u{e4}d\0"][..], &[1, 0][..]),
        ([3, 4], &["long ".repeat(2_000).as_str()][..], &[1][..]),
    ] {
        let there: &[i16] = if texts.len() == 2 { &[1, 1] } else { &[1, 0] };
        let mut group = file.next_row_group().unwrap();
        column::<Int64Type>(&mut group, &ids, None, None);
        column::<Int64Type>(&mut group, &[7, 8], Some(&[3, 3, 0]), Some(&[0, 1, 0]));
        column::<ByteArrayType>(&mut group, &strings(texts), Some(there), None);
        column::<Int64Type>(&mut group, labels, Some(there), None);
        group.close().unwrap();
    }
    file.close().unwrap();
    path
}

fn read(path: &Path, options: &CorpusOptions) -> Result<Vec<Document>, DataError> {
    read_corpus(path, options)?.read_all()
}

fn sentence(path: &Path, options: &CorpusOptions) -> String {
    let error = read(path, options).unwrap_err();
    let folder = path.parent().unwrap().display().to_string();
    error.to_string().replace(&format!("{folder}/"), "")
}

#[test]
fn rows_are_documents_however_they_are_compressed() {
    let folder = tempfile::tempdir().unwrap();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::BROTLI(parquet::basic::BrotliLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let path = reviews(folder.path(), compression);
        let documents = read(&path, &CorpusOptions::default()).unwrap();
        let fields: Vec<&str> = documents.iter().map(|it| it.fields[0].as_str()).collect();
        assert_eq!(fields, ["good", "b\u{e4}d ", &"long ".repeat(2_000), ""]);
        let labels: Vec<_> = documents.iter().map(|it| it.label.as_deref()).collect();
        assert_eq!(labels, [Some("1"), Some("0"), Some("1"), None]);
        let ids: Vec<_> = documents.iter().map(|it| it.id.clone().unwrap()).collect();
        assert_eq!(ids, [1, 2, 3, 4].map(serde_json::Value::from));
    }
}

#[test]
fn a_blank_label_is_none_and_spaces_around_a_class_are_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.parquet");
    let schema = "message m { required byte_array label (UTF8); required byte_array text (UTF8); }";
    let mut file = SerializedFileWriter::new(
        File::create(&path).unwrap(),
        Arc::new(parse_message_type(schema).unwrap()),
        Arc::default(),
    )
    .unwrap();
    let mut group = file.next_row_group().unwrap();
    for values in [[" very good ", "", " "], ["a", "b", "c"]] {
        column::<ByteArrayType>(&mut group, &strings(&values), None, None);
    }
    group.close().unwrap();
    file.close().unwrap();
    let documents = read(&path, &CorpusOptions::default()).unwrap();
    let labels: Vec<_> = documents.iter().map(|it| it.label.as_deref()).collect();
    assert_eq!(labels, [Some("very good"), None, None]);
}

#[test]
fn columns_are_named_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = reviews(folder.path(), Compression::SNAPPY);
    let options = CorpusOptions {
        text_columns: vec!["label".into(), "TEXT".into(), "label".into()],
        label_column: Some("id".into()),
        ..CorpusOptions::default()
    };
    let first = &read(&path, &options).unwrap()[0];
    assert_eq!(first.fields, ["1", "good", "1"]);
    assert_eq!(first.label.as_deref(), Some("1"));
}

#[test]
fn nested_columns_are_refused_only_where_they_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = reviews(folder.path(), Compression::SNAPPY);
    let options = CorpusOptions {
        label_column: Some("votes".into()),
        ..CorpusOptions::default()
    };
    assert_eq!(
        sentence(&path, &options),
        "reviews.parquet: column \"votes\" is nested; name another one, or write it with one value \
         a row"
    );
    let options = CorpusOptions {
        text_columns: vec!["body".into()],
        ..CorpusOptions::default()
    };
    assert_eq!(
        sentence(&path, &options),
        "reviews.parquet: no \"body\" column; the columns are id, votes, text, label; name one of \
         these"
    );
}

#[test]
fn damage_anywhere_is_a_sentence_or_other_documents() {
    let folder = tempfile::tempdir().unwrap();
    let path = reviews(folder.path(), Compression::SNAPPY);
    let whole = fs::read(&path).unwrap();
    for end in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..end]).unwrap();
        let sentence = sentence(&path, &CorpusOptions::default());
        assert!(sentence.starts_with("reviews.parquet"), "{sentence}");
    }
    for place in (0..whole.len()).step_by(2) {
        for bits in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= bits;
            fs::write(&path, &bytes).unwrap();
            // Text has no checksum, so that some damage is other text.
            drop(read(&path, &CorpusOptions::default()));
        }
    }
}

#[test]
fn a_stream_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = reviews(folder.path(), Compression::SNAPPY);
    let options = CorpusOptions {
        format: Some("parquet".parse().unwrap()),
        ..CorpusOptions::default()
    };
    let error = read_stream(File::open(path).unwrap(), "a pipe", &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a pipe is a stream, and parquet cannot be read from one; give the path of a file or folder"
    );
}
