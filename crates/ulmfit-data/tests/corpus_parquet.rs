//! Parquet files: what is read of them, and what is refused with a sentence.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
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

/// A file of one row group with these columns.
fn write(path: &Path, columns: &str, rows: impl FnOnce(&mut SerializedRowGroupWriter<'_, File>)) {
    let schema = parse_message_type(&format!("message m {{ {columns} }}")).unwrap();
    let file = File::create(path).unwrap();
    let mut file = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    rows(&mut group);
    group.close().unwrap();
    file.close().unwrap();
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
    let schema = "required byte_array label (UTF8); required byte_array text (UTF8);";
    write(&path, schema, |group| {
        for values in [[" very good ", "", " "], ["a", "b", "c"]] {
            column::<ByteArrayType>(group, &strings(&values), None, None);
        }
    });
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
fn an_id_that_is_no_text_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.parquet");
    let uuid = FixedLenByteArray::from(vec![0xff; 16]);
    let columns = "required fixed_len_byte_array(16) id (UUID); required byte_array text (UTF8);";
    write(&path, columns, |group| {
        column::<FixedLenByteArrayType>(group, &[uuid], None, None);
        column::<ByteArrayType>(group, &strings(&["a"]), None, None);
    });
    let none = CorpusOptions::default();
    assert_eq!(read(&path, &none).unwrap(), [Document::new("a")]);
    let columns = "required byte_array id; required byte_array text;";
    write(&path, columns, |group| {
        column::<ByteArrayType>(group, &[ByteArray::from(vec![0xff, 0xfe])], None, None);
        column::<ByteArrayType>(group, &strings(&["a\r\nb"]), None, None);
    });
    assert_eq!(read(&path, &none).unwrap(), [Document::new("a\nb")]);
    // A time that is called infinity by databases.
    let columns = "required int64 id (TIMESTAMP_MICROS); required byte_array text (UTF8);";
    write(&path, columns, |group| {
        column::<Int64Type>(group, &[0, i64::MAX], None, None);
        column::<ByteArrayType>(group, &strings(&["a", "b"]), None, None);
    });
    let documents = read(&path, &none).unwrap();
    assert!(documents[0].id.as_ref().unwrap().is_string());
    assert_eq!(documents[1], Document::new("b"));
}

#[test]
fn a_value_that_cannot_be_written_as_text_names_its_row_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let text = "required byte_array text;";
    write(&path, text, |group| {
        let texts = [ByteArray::from("fine"), ByteArray::from(vec![b'a', 0xff])];
        column::<ByteArrayType>(group, &texts, None, None);
    });
    let none = CorpusOptions::default();
    assert_eq!(
        sentence(&path, &none),
        "a.parquet, row 2: column \"text\" has bytes that are not UTF-8; name another one, or write it \
         as text"
    );
    write(
        &path,
        &format!("required int32 label (DATE); {text}"),
        |group| {
            column::<Int32Type>(group, &[0, i32::MAX], None, None);
            column::<ByteArrayType>(group, &strings(&["a", "b"]), None, None);
        },
    );
    assert_eq!(
        sentence(&path, &none),
        "a.parquet, row 2: column \"label\" has a date or a time that is out of range; name another one, \
         or write it as text"
    );
    for (digits, length) in [(i32::MAX, 1), (9, 1000)] {
        let label = format!("required byte_array label (DECIMAL({digits},0)); {text}");
        write(&path, &label, |group| {
            column::<ByteArrayType>(group, &[ByteArray::from(vec![1; length])], None, None);
            column::<ByteArrayType>(group, &strings(&["a"]), None, None);
        });
        assert_eq!(
            sentence(&path, &none),
            "a.parquet, row 1: column \"label\" has a decimal of more than 76 digits; name another one, \
             or write it as text"
        );
    }
}

#[test]
fn a_packed_file_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet.gz");
    fs::write(&path, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]).unwrap();
    assert_eq!(
        sentence(&path, &CorpusOptions::default()),
        "a.parquet.gz is a Parquet file that is packed or in an archive, where it is not read; unpack \
         it, or name the format of an archive's other files with --format"
    );
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
