//! Everything that can be wrong with a file is one sentence that names the file and the line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use ulmfit_data::{CorpusFormat, CorpusOptions, DataError, LabelKind, read_corpus};

/// The message for a file of these contents, with the folder's name taken out.
fn message(name: &str, contents: impl AsRef<[u8]>) -> String {
    message_with(name, contents, &CorpusOptions::default())
}

fn message_with(name: &str, contents: impl AsRef<[u8]>, options: &CorpusOptions) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    spoken(&folder, &error(&path, options))
}

fn error(path: &Path, options: &CorpusOptions) -> DataError {
    match read_corpus(path, options) {
        Err(error) => error,
        Ok(reader) => reader.read_all().expect_err("should not be readable"),
    }
}

fn spoken(folder: &TempDir, error: &DataError) -> String {
    let folder = folder.path().display().to_string();
    error
        .to_string()
        .replace(&format!("{folder}/"), "")
        .replace(&folder, "FOLDER")
}

fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_quotation_mark_behind_two_byte_order_marks_is_watched_too() {
    let contents = "\u{feff}\u{feff}\"text\nand,no,end";
    assert_eq!(
        message("marks.csv", contents),
        "marks.csv, line 1: a quotation mark opens a field that never closes; close it, or double it \
         if it is part of the text"
    );
}

#[test]
fn messages() {
    let long_line = "x".repeat(10);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty.csv", Vec::new()),
        ("empty.jsonl", Vec::new()),
        ("empty.txt", b"\n\n".to_vec()),
        ("empty.label", Vec::new()),
        ("header_only.csv", b"text,label\n".to_vec()),
        ("empty.txt.gz", gzip(b"")),
        ("latin1.csv", b"text,label\nok,1\n\"a\nb\xe9\",1\n".to_vec()),
        ("latin1.txt", b"ok\ncaf\xe9\n".to_vec()),
        ("utf16.txt", b"\xff\xfeo\0k\0\n\0".to_vec()),
        ("ragged.csv", b"text,label\na,1\nb,c,2\n".to_vec()),
        ("ragged.tsv", b"text\tlabel\n\"a\nb\t2\n".to_vec()),
        ("unclosed.csv", b"text,label\na,1\n\"b,2\nc,3\n".to_vec()),
        ("columns.csv", b"id,body\n1,a\n".to_vec()),
        ("class_only.csv", b"1,\"a\"\n2\n".to_vec()),
        ("columns.jsonl", br#"{"id":1,"body":"a"}"#.to_vec()),
        (
            "later.jsonl",
            b"{\"text\":\"a\"}\n{\"body\":\"a\"}\n".to_vec(),
        ),
        (
            "syntax.jsonl",
            b"{\"text\":\"a\"}\n{\"text\":\"a\"\n".to_vec(),
        ),
        ("list.jsonl", b"[1]\n".to_vec()),
        ("nested.jsonl", br#"{"text":["a"]}"#.to_vec()),
        ("shape.label", b"HUM:ind Who ?\nno class here\n".to_vec()),
        ("unknown.xyz", long_line.into_bytes()),
    ];
    let table: Vec<String> = cases
        .iter()
        .map(|(name, contents)| message(name, contents))
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn a_missing_column_that_was_asked_for_lists_those_there_are() {
    let options = CorpusOptions {
        text_columns: vec!["txt".into()],
        ..Default::default()
    };
    assert_eq!(
        message_with("a.csv", "text,label\na,1\n", &options),
        "a.csv, line 1: no \"txt\" column; the columns are text, label; name one of these"
    );
    let options = CorpusOptions {
        label_column: Some("other".into()),
        ..Default::default()
    };
    assert_eq!(
        message_with("a.label", "HUM:ind Who ?\n", &options),
        "a.label, line 1: no \"other\" column; the columns are coarse, fine; name one of these"
    );
}

#[test]
fn a_label_that_no_object_has_is_missed_behind_the_last() {
    let options = CorpusOptions {
        label_column: Some("topic".into()),
        ..Default::default()
    };
    let lines = "{\"text\":\"a\",\"id\":1}\n\n{\"text\":\"b\"}\n";
    assert_eq!(
        message_with("a.jsonl", lines, &options),
        "a.jsonl: no \"topic\" column; the columns are id, text; name one of these"
    );
    let unlabeled = CorpusOptions {
        ignore_labels: true,
        ..options
    };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, lines).unwrap();
    let documents = read_corpus(&path, &unlabeled).unwrap().read_all();
    assert_eq!(documents.unwrap().len(), 2);
}

#[test]
fn a_better_key_of_the_label_behind_the_first_is_an_error() {
    let first = "{\"text\":\"a\"}\n{\"text\":\"b\",\"class\":\"x\"}\n";
    for (key, found) in [("label", "label"), ("Class", "Class")] {
        let lines = format!(
            "{first}{{\"text\":\"c\",\"class\":\"y\"}}\n{{\"text\":\"d\",\"{key}\":\"z\"}}\n"
        );
        assert_eq!(
            message("a.jsonl", lines),
            format!(
                "a.jsonl, line 4: the label's key is \"class\" in rows before this one, which has \
                 \"{found}\"; name one of them with --label"
            )
        );
    }
    // One that is not as good is some other column.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(
        &path,
        format!("{first}{{\"text\":\"c\",\"target\":\"y\"}}\n"),
    )
    .unwrap();
    let reader = read_corpus(&path, &CorpusOptions::default()).unwrap();
    let labels = reader.map(|document| document.unwrap().label);
    assert!(labels.eq([None, Some("x".to_owned()), None]));
}

#[test]
fn lines_are_counted_with_blank_ones_whatever_ends_them() {
    for (rows, line) in [
        ("text,label\na,1\nb,c,2\n", 3),
        ("text,label\n\n\na,1\n\nb,c,2", 6),
        ("\n\ntext,label\n\"a\n\nb\",1\n\nb,c,2\n", 8),
    ] {
        for end in ["\n", "\r\n"] {
            let message = message("a.csv", rows.replace('\n', end));
            let expected = format!("a.csv, line {line}: expected 2 columns and found 3; ");
            assert!(message.starts_with(&expected), "{rows:?}: {message}");
        }
    }
    assert_eq!(
        message("a.csv", b"text\r\n\r\n\"a\r\nb\xe9\"\r\n"),
        "a.csv, line 4: not valid UTF-8; convert the file to UTF-8"
    );
    let numbers = CorpusOptions {
        labels: LabelKind::Number,
        ..Default::default()
    };
    let message = message_with("a.csv", "text,label\r\n\r\n\r\na,good\r\n", &numbers);
    assert!(message.starts_with("a.csv, line 4: the label"), "{message}");
}

#[test]
fn labels_that_are_not_of_the_kind_name_their_line() {
    let with = |labels: LabelKind| CorpusOptions {
        labels,
        ..Default::default()
    };
    let numbers = with(LabelKind::Number);
    assert_eq!(
        message_with("a.csv", "text,label\na,1\nb,\nc,good\n", &numbers),
        "a.csv, line 4: the label \"good\" is not a finite number; name the column of the numbers \
         with --label, or leave out --regression for classes"
    );
    let message = message_with("a.jsonl", "{\"text\":\"a\",\"label\":true}\n", &numbers);
    assert!(
        message.starts_with("a.jsonl, line 1: the label \"true\""),
        "{message}"
    );
    let names = with(LabelKind::Joined(";".into()));
    assert_eq!(
        message_with("a.tsv", "text\tlabel\na\tnews;\n", &names),
        "a.tsv, line 2: the label \"news;\" has an empty name in it; write one \";\" between two \
         names, and none before or behind them"
    );
    let list = |list: &str| {
        let line = format!("{{\"text\":\"a\",\"label\":{list}}}\n");
        message_with("a.jsonl", &line, &CorpusOptions::default())
    };
    assert_eq!(
        list("[\"\"]"),
        "a.jsonl, line 1: \"label\" has an empty name in its list"
    );
    assert!(list("[1]").contains("expected a string or a short list of strings"));
}

#[test]
fn a_truncated_archive_is_an_error() {
    let mut archive = tar::Builder::new(Vec::new());
    // Text that does not compress well, so that half of the archive lacks half of the text.
    let text: String = (0..20_000_u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    for name in ["aclImdb/train/neg/0_1.txt", "aclImdb/train/pos/0_9.txt"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    let plain = archive.into_inner().unwrap();
    let packed = gzip(&plain);
    for (name, bytes) in [("a.tar", &plain), ("a.tar.gz", &packed)] {
        for share in [0.3, 0.6, 0.9] {
            let cut = &bytes[..(bytes.len() as f64 * share) as usize];
            let message = message(name, cut);
            // Of a plain archive, only the end of the padding can be missed without harm.
            assert!(
                message.starts_with(&format!("{name} is truncated or damaged (")),
                "{message}"
            );
            assert!(message.ends_with("; fetch it again"), "{message}");
        }
    }
    // Only the checksum is missing.
    assert!(message("a.tar.gz", &packed[..packed.len() - 4]).contains("truncated or damaged"));
    assert!(message("a.jsonl.gz", &gzip(b"{\"text\":\"a\"}\n")[..15]).contains("truncated"));
}

#[test]
fn an_archive_of_something_else_holds_no_documents() {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    for name in [
        "other/a.txt",
        "aclImdb/train/pos/a.bin",
        "train/pos/deeper/a.bin",
    ] {
        archive.append_data(&mut header, name, &b"a"[..]).unwrap();
    }
    // An entry that would write outside a folder, were anything written, is only looked at.
    assert_eq!(
        message("a.tar", archive.into_inner().unwrap()),
        "a.tar holds no documents"
    );
    assert!(message("noise.tar", vec![0x5a; 4096]).contains("noise.tar"));
}

#[test]
fn paths_that_are_not_there() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.csv");
    let message = spoken(&folder, &error(&missing, &CorpusOptions::default()));
    assert!(
        message.starts_with("cannot read missing.csv: "),
        "{message}"
    );
    assert_eq!(
        spoken(&folder, &error(folder.path(), &CorpusOptions::default())),
        "FOLDER holds no documents; of a folder only .txt and .text files are read, so name files of \
         other formats themselves"
    );
    let options = CorpusOptions {
        format: Some(CorpusFormat::AclImdb),
        split: Some("dev".into()),
        ..CorpusOptions::default()
    };
    assert_eq!(
        spoken(&folder, &error(folder.path(), &options)),
        "FOLDER has no split \"dev\"; the splits are train, test, unsup"
    );
}

#[test]
fn reading_ends_with_the_first_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, "{\"text\":\"a\"}\nnot json\n{\"text\":\"b\"}\n").unwrap();
    let read: Vec<bool> = read_corpus(&path, &CorpusOptions::default())
        .unwrap()
        .map(|document| document.is_ok())
        .collect();
    assert_eq!(read, [true, false]);
}

#[test]
fn what_can_be_repaired_is_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "\u{feff}text,label\r\na\0b,1\r\n,2\r\n").unwrap();
    let documents = read_corpus(&path, &CorpusOptions::default())
        .unwrap()
        .read_all()
        .unwrap();
    let texts: Vec<_> = documents
        .iter()
        .map(|document| document.text().into_owned())
        .collect();
    assert_eq!(texts, ["a b", ""]);
}
