//! Streams are read as files are, and no further than they have come.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use ulmfit_data::{CorpusFormat, CorpusOptions, CorpusReader, DataError, Document, read_stream};

/// A pipe that hands out bytes one by one and counts them.
struct Pipe {
    bytes: io::Cursor<Vec<u8>>,
    read: Arc<AtomicUsize>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(&mut buffer[..1])?;
        self.read.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

fn pipe(bytes: impl Into<Vec<u8>>) -> (Pipe, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let pipe = Pipe {
        bytes: io::Cursor::new(bytes.into()),
        read: Arc::clone(&read),
    };
    (pipe, read)
}

fn open(bytes: &[u8], options: &CorpusOptions) -> Result<CorpusReader, DataError> {
    read_stream(pipe(bytes).0, "a pipe", options)
}

fn of_format(format: CorpusFormat) -> CorpusOptions {
    CorpusOptions {
        format: Some(format),
        ..CorpusOptions::default()
    }
}

fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_first_byte_tells_the_format() {
    let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
    for (text, format, id) in [
        ("id,text\r\n7,a\r\n", CorpusFormat::Csv, json!("7")),
        (
            "{\"id\": 7, \"text\": \"a\"}",
            CorpusFormat::JsonLines,
            json!(7),
        ),
    ] {
        for bytes in [
            text.as_bytes().to_vec(),
            marked(text),
            gzip(text.as_bytes()),
            gzip(&marked(text)),
        ] {
            let reader = open(&bytes, &CorpusOptions::default()).unwrap();
            assert_eq!(reader.format(), format);
            let expected = Document {
                id: Some(id.clone()),
                ..Document::new("a")
            };
            assert_eq!(reader.read_all().unwrap(), [expected], "{bytes:?}");
        }
    }
}

#[test]
fn every_format_of_one_file_is_read() {
    for (format, text, expected) in [
        (
            CorpusFormat::Trec,
            "HUM:ind a\n",
            Document::labeled("a", "HUM"),
        ),
        (CorpusFormat::ClassCsv, "1,a\n", Document::labeled("a", "1")),
        (
            CorpusFormat::Tsv,
            "text\tlabel\n\"a\t1\n",
            Document::labeled("\"a", "1"),
        ),
        (
            CorpusFormat::WikiJsonLines,
            "{\"text\":\"a\"}",
            Document::new("a"),
        ),
        (
            CorpusFormat::WikiText,
            " = a = \n\n b\n",
            Document::new(" = a = \n\n b"),
        ),
        (CorpusFormat::PlainText, "\na", Document::new("a")),
    ] {
        let reader = open(text.as_bytes(), &of_format(format)).unwrap();
        assert_eq!(reader.read_all().unwrap(), [expected], "{format}");
    }
}

#[test]
fn no_more_is_read_than_the_documents_that_were_asked_for() {
    let first_lines = [
        (CorpusFormat::Csv, "text\n\"a\n\"\n"),
        (CorpusFormat::Tsv, "text\na\n"),
        (CorpusFormat::JsonLines, "{\"text\":\"a\"}\n"),
        (CorpusFormat::PlainText, "a\n"),
    ];
    for (format, first) in first_lines {
        let second = first.lines().last().unwrap();
        let (pipe, read) = pipe(format!("{first}{second}\n\"open and bad\n"));
        let mut reader = read_stream(pipe, "a pipe", &of_format(format)).unwrap();
        assert_eq!(read.load(Ordering::Relaxed), first.len(), "{format}");
        reader.next().unwrap().unwrap();
        assert_eq!(read.load(Ordering::Relaxed), first.len(), "{format}");
    }
}

#[test]
fn documents_before_a_bad_one_come_first() {
    let mut reader = open(
        b"id,text\n1,fine\n2,caf\xe9\n3,fine\n",
        &CorpusOptions::default(),
    )
    .unwrap();
    assert_eq!(reader.next().unwrap().unwrap().text(), "fine");
    assert_eq!(
        reader.next().unwrap().unwrap_err().to_string(),
        "a pipe, line 3: not valid UTF-8; convert the file to UTF-8"
    );
    assert!(reader.next().is_none());
}

#[test]
fn what_a_stream_cannot_be_is_told() {
    let message = |bytes: &[u8], options: &CorpusOptions| match open(bytes, options) {
        Err(error) => error.to_string(),
        Ok(reader) => reader.read_all().unwrap_err().to_string(),
    };
    let none = CorpusOptions::default();
    assert_eq!(message(b"", &none), "a pipe holds no documents");
    assert_eq!(message(b"text,id\n", &none), "a pipe holds no documents");
    assert_eq!(
        message(b"1", &of_format(CorpusFormat::AclImdb)),
        "a pipe is a stream, and aclimdb cannot be read from one; give the path of a file or folder"
    );
    let cut = gzip(b"{\"text\":\"a\"}\n");
    let message = message(&cut[..15], &none);
    assert!(
        message.starts_with("a pipe is truncated or damaged ("),
        "{message}"
    );
}

#[test]
fn what_is_to_be_answered_is_read_row_by_row() {
    let rows = CorpusOptions {
        ignore_labels: true,
        keep_blank_lines: true,
        ..CorpusOptions::default()
    };
    let text = CorpusOptions {
        format: Some(CorpusFormat::PlainText),
        ..rows.clone()
    };
    let documents = open(b"\na\n \n", &text).unwrap().read_all().unwrap();
    assert_eq!(documents, ["", "a", " "].map(Document::new));
    // What would be a label may be anything.
    let object = br#"{"text": "a", "category": {"x": "y"}}"#;
    assert!(open(object, &CorpusOptions::default()).is_err());
    let documents = open(object, &rows).unwrap().read_all().unwrap();
    assert_eq!(documents, [Document::new("a")]);
}
