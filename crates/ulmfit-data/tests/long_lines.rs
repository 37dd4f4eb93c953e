//! Lines of several megabytes are read like any other, and what is said of them is no longer than of
//! others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Read};

use ulmfit_data::{CorpusFormat, CorpusOptions, DataError, Document, Tokenizer, read_stream};

/// Bytes of the long part of each line.
const LENGTH: usize = 4 << 20;

fn read(
    stream: impl Read + Send + 'static,
    format: CorpusFormat,
) -> Result<Vec<Document>, DataError> {
    let options = CorpusOptions {
        format: Some(format),
        ..CorpusOptions::default()
    };
    read_stream(stream, "pipe", &options)?.read_all()
}

fn repeated(byte: u8) -> impl Read + Send {
    io::repeat(byte).take(LENGTH as u64)
}

#[test]
fn a_line_of_megabytes_is_a_document() {
    for (format, before, behind) in [
        (CorpusFormat::Csv, "label,text\nx,", "\ny,short\n"),
        (CorpusFormat::Csv, "label,text\nx,\"", "\"\ny,short\n"),
        (CorpusFormat::Tsv, "label\ttext\nx\t", "\ny\tshort\n"),
        (CorpusFormat::ClassCsv, "x,", "\ny,short\n"),
        (
            CorpusFormat::JsonLines,
            "{\"label\":\"x\",\"text\":\"",
            "\"}\n{\"label\":\"y\",\"text\":\"short\"}\n",
        ),
        (CorpusFormat::Trec, "x:a ", "\ny:a short\n"),
    ] {
        let stream = before
            .as_bytes()
            .chain(repeated(b'a'))
            .chain(behind.as_bytes());
        let documents = read(stream, format).unwrap();
        assert_eq!(documents.len(), 2, "{format}");
        assert_eq!(documents[0].fields[0].len(), LENGTH, "{format}");
        assert_eq!(documents[1], Document::labeled("short", "y"), "{format}");
        let tokens = Tokenizer::default().tokenize(&documents[0].fields[0]);
        assert_eq!(tokens, ["xxbos", "xxrep", "4194304", "a"]);
    }
    for format in [CorpusFormat::PlainText, CorpusFormat::WikiText] {
        let documents = read(repeated(b'a').chain(&b"\n"[..]), format).unwrap();
        assert_eq!(documents[0].fields[0].len(), LENGTH, "{format}");
    }
}

#[test]
fn a_message_about_a_long_line_is_a_sentence() {
    for (format, before, byte) in [
        (CorpusFormat::Csv, "", b'a'),
        (CorpusFormat::Csv, "", b','),
        (CorpusFormat::Csv, "text\n", b','),
        (CorpusFormat::Tsv, "", b'\t'),
        (CorpusFormat::JsonLines, "\"", b'a'),
        (CorpusFormat::JsonLines, "", b'['),
        (CorpusFormat::JsonLines, "{\"", b'a'),
        (CorpusFormat::Trec, "", b'a'),
        (CorpusFormat::PlainText, "", 0xff),
    ] {
        let stream = before
            .as_bytes()
            .chain(repeated(byte))
            .chain(&b"\":1}\n"[..]);
        let stream = stream.chain(&b"\n"[..]);
        let message = read(stream, format).unwrap_err().to_string();
        assert!(message.starts_with("pipe"), "{message}");
        assert!(message.len() < 8000, "{format}: {} bytes", message.len());
    }
    // A string in place of an object is quoted by its beginning.
    let stream = b"\"".chain(repeated(b'a')).chain(&b"\"\n"[..]);
    let message = read(stream, CorpusFormat::JsonLines)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("expected a map") || message.contains('…'),
        "{message}"
    );
    assert!(message.len() < 400, "{} bytes", message.len());
}

#[test]
fn lists_in_a_line_take_no_memory_beside_it() {
    // As a tree of values this line would have 300 MB.
    let lists = io::Cursor::new("{\"a\":0},".repeat(LENGTH / 8));
    let stream = b"{\"x\":[".chain(lists).chain(&b"0],\"text\":\"a\"}\n"[..]);
    let documents = read(stream, CorpusFormat::JsonLines).unwrap();
    assert_eq!(documents, [Document::new("a")]);
}
