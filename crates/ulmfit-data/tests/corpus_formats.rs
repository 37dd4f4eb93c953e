//! Every format is read as its files have it, plain and compressed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;
use ulmfit_data::{CorpusFormat, CorpusOptions, DataError, Document, LabelKind, read_corpus};

fn write(folder: &TempDir, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, contents).unwrap();
    path
}

fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

fn read(path: &Path) -> (CorpusFormat, Vec<Document>) {
    read_with(path, &CorpusOptions::default())
}

fn read_with(path: &Path, options: &CorpusOptions) -> (CorpusFormat, Vec<Document>) {
    let reader = read_corpus(path, options).unwrap();
    (reader.format(), reader.read_all().unwrap())
}

fn with_id(document: Document, id: impl Into<Value>) -> Document {
    Document {
        id: Some(id.into()),
        ..document
    }
}

/// Writes a file plain and compressed and checks that both are read as told.
fn check(name: &str, contents: impl AsRef<[u8]>, format: CorpusFormat, expected: &[Document]) {
    let folder = TempDir::new().unwrap();
    let plain = write(&folder, name, contents.as_ref());
    assert_eq!(read(&plain), (format, expected.to_vec()), "{name}");
    let packed = write(&folder, &format!("{name}.gz"), gzip(contents.as_ref()));
    assert_eq!(read(&packed), (format, expected.to_vec()), "{name}.gz");
}

#[test]
fn trec_lines_have_their_coarse_class() {
    let lines =
        b"NUM:dist How far is it ?\r\n\nDESC:def What is an atom ?\nHUM:ind Who is Bj\xf6rk ?\n";
    let expected = [
        Document::labeled("How far is it ?", "NUM"),
        Document::labeled("What is an atom ?", "DESC"),
        Document::labeled("Who is Björk ?", "HUM"),
    ];
    check("TREC_10.label", lines, CorpusFormat::Trec, &expected);

    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.label", lines);
    let fine = CorpusOptions {
        label_column: Some("fine".into()),
        ..Default::default()
    };
    assert_eq!(
        read_with(&path, &fine).1[0].label.as_deref(),
        Some("NUM:dist")
    );
}

#[test]
fn csv_with_the_class_in_front_has_several_fields() {
    let rows =
        "\"3\",\"Title, one\",\"A \"\"quoted\"\" text\nof two lines\"\n\"1\",\"\",\"b\\c\"\n";
    let expected = [
        Document {
            fields: vec![
                "Title, one".into(),
                "A \"quoted\" text\nof two lines".into(),
            ],
            label: Some("3".into()),
            id: None,
        },
        Document {
            fields: vec![String::new(), "b\\c".into()],
            label: Some("1".into()),
            id: None,
        },
    ];
    check("train.csv", rows, CorpusFormat::ClassCsv, &expected);

    let folder = TempDir::new().unwrap();
    let path = write(&folder, "numbered.csv", "1,first text\n2,second text\n");
    let unlabeled = CorpusOptions {
        ignore_labels: true,
        ..CorpusOptions::default()
    };
    let expected = ["first text", "second text"].map(Document::new);
    let found = read_with(&path, &unlabeled);
    assert_eq!(found, (CorpusFormat::ClassCsv, expected.to_vec()));
}

#[test]
fn csv_finds_its_columns() {
    let rows = "\u{feff}id,Review,Sentiment\r\n1,\"good, really\",pos\r\n2,,neg\r\n";
    let expected = [
        with_id(Document::labeled("good, really", "pos"), "1"),
        with_id(Document::labeled("", "neg"), "2"),
    ];
    check("reviews.csv", rows, CorpusFormat::Csv, &expected);
}

#[test]
fn csv_takes_the_columns_it_is_told() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.csv", "text,body,stars\nx,y,5\n");
    let options = CorpusOptions {
        text_columns: vec!["body".into(), "text".into()],
        label_column: Some("STARS".into()),
        ..CorpusOptions::default()
    };
    let expected = Document {
        fields: vec!["y".into(), "x".into()],
        label: Some("5".into()),
        id: None,
    };
    assert_eq!(read_with(&path, &options).1, [expected]);
}

#[test]
fn csv_whose_columns_are_named_has_a_header_whatever_it_begins_with() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "pandas.csv", "0,1\npos,fine\nneg,dull\n");
    assert_eq!(read(&path).0, CorpusFormat::ClassCsv);
    let options = CorpusOptions {
        text_columns: vec!["1".into()],
        label_column: Some("0".into()),
        ..CorpusOptions::default()
    };
    let expected = [
        Document::labeled("fine", "pos"),
        Document::labeled("dull", "neg"),
    ];
    let found = read_with(&path, &options);
    assert_eq!(found, (CorpusFormat::Csv, expected.to_vec()));
}

#[test]
fn crlf_ends_a_line_as_lf_does_in_quoted_fields_too() {
    let rows = "text,label\r\n\"one\r\ntwo\rthree\",pos\r\n\r\nfour,neg";
    let expected = [
        Document::labeled("one\ntwo\rthree", "pos"),
        Document::labeled("four", "neg"),
    ];
    check("windows.csv", rows, CorpusFormat::Csv, &expected);
    let lines = "{\"text\":\"one\\r\\ntwo\\rthree\",\"label\":\"pos\"}\r\n{\"text\":\"four\",\"label\":\"neg\"}";
    check("windows.jsonl", lines, CorpusFormat::JsonLines, &expected);
}

#[test]
fn a_blank_label_is_none_and_spaces_around_a_class_are_no_part_of_it() {
    let expected = [
        Document::labeled("a", "very good"),
        Document::new("b"),
        Document::new("c"),
    ];
    for (name, rows, format) in [
        (
            "a.csv",
            "text,label\na, very good\nb,\nc,\"  \"\n",
            CorpusFormat::Csv,
        ),
        (
            "a.tsv",
            "text\tlabel\na\tvery good \nb\t\nc\t \n",
            CorpusFormat::Tsv,
        ),
        (
            "a.jsonl",
            "{\"text\":\"a\",\"label\":\"very good \"}\n{\"text\":\"b\",\"label\":\"\"}\n\
             {\"text\":\"c\",\"label\":\" \"}",
            CorpusFormat::JsonLines,
        ),
    ] {
        check(name, rows, format, &expected);
    }
}

#[test]
fn spaces_around_a_name_in_a_list_are_no_part_of_it() {
    let lines = "{\"text\":\"a\",\"label\":[\"news \",\" sport\"]}\n{\"text\":\"b\",\"label\":[\"news\"]}\n";
    let expected = [
        Document::multi_labeled("a", ["news", "sport"]),
        Document::multi_labeled("b", ["news"]),
    ];
    check("a.jsonl", lines, CorpusFormat::JsonLines, &expected);
}

#[test]
fn json_lines_may_lack_a_label_in_any_row() {
    let lines = |key: &str| {
        format!(
            "{{\"text\":\"a\"}}\n{{\"text\":\"b\",\"{key}\":\"x\"}}\n{{\"text\":\"c\"}}\n\
             {{\"text\":\"d\",\"{key}\":\"y\"}}\n"
        )
    };
    let expected = [
        Document::new("a"),
        Document::labeled("b", "x"),
        Document::new("c"),
        Document::labeled("d", "y"),
    ];
    check(
        "a.jsonl",
        lines("label"),
        CorpusFormat::JsonLines,
        &expected,
    );
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.jsonl", lines("topic"));
    let options = CorpusOptions {
        label_column: Some("topic".into()),
        ..CorpusOptions::default()
    };
    assert_eq!(read_with(&path, &options).1, expected);
}

#[test]
fn json_lines_have_the_label_that_is_named_in_any_case() {
    let folder = TempDir::new().unwrap();
    let lines = "{\"text\":\"a\",\"category\":\"x\",\"Label\":\"y\"}\n{\"text\":\"b\",\"category\":\"z\"}\n\
                 {\"text\":\"c\",\"label\":\"w\"}\n";
    let path = write(&folder, "a.jsonl", lines);
    for (named, expected) in [
        ("label", [Some("y"), None, Some("w")]),
        ("category", [Some("x"), Some("z"), None]),
    ] {
        let options = CorpusOptions {
            label_column: Some(named.into()),
            ..CorpusOptions::default()
        };
        let documents = read_with(&path, &options).1;
        let labels = documents.iter().map(|document| document.label.as_deref());
        assert!(labels.eq(expected), "{named}");
    }
}

#[test]
fn tsv_has_no_quotes() {
    let rows = "sentence\tlabel\n\"open quote\t1\nsays \"hi\"\t0\n";
    let expected = [
        Document::labeled("\"open quote", "1"),
        Document::labeled("says \"hi\"", "0"),
    ];
    check("dev.tsv", rows, CorpusFormat::Tsv, &expected);
}

#[test]
fn json_lines_have_strings_numbers_and_nulls() {
    let lines = "{\"text\":\"a\\u0000b\",\"label\":1,\"id\":7}\n\n\
                 {\"label\":null,\"text\":\"c\",\"id\":\"b\"}\r\n{\"text\":null}";
    let expected = [
        with_id(Document::labeled("a b", "1"), 7),
        with_id(Document::new("c"), "b"),
        Document::new(""),
    ];
    check("a.jsonl", lines, CorpusFormat::JsonLines, &expected);
}

#[test]
fn wikipedia_lines_are_their_text() {
    let folder = TempDir::new().unwrap();
    let lines = br#"{"id": 1, "title": "T", "text": "One.\nTwo.", "label": "x"}"#;
    let path = write(&folder, "wiki-00.jsonl.gz", gzip(lines));
    let options = CorpusOptions {
        format: Some(CorpusFormat::WikiJsonLines),
        ..Default::default()
    };
    assert_eq!(
        read_with(&path, &options).1,
        [with_id(Document::new("One.\nTwo."), 1)]
    );
}

#[test]
fn wikitext_is_cut_at_titles() {
    let text = " \n = First = \n \n Some <unk> text . \n = not a title = \n \n = = Section = = \n \n \
                x = y . \n \n = Second = \n \n More . \n";
    let first = " = First = \n \n Some <unk> text . \n = not a title = \n \n = = Section = = \n \n \
                 x = y . \n ";
    let expected = [
        Document::new(first),
        Document::new(" = Second = \n \n More . "),
    ];
    check("wiki.valid.tokens", text, CorpusFormat::WikiText, &expected);
}

#[test]
fn plain_text_is_a_document_a_line_or_a_file() {
    let expected = [Document::new("one"), Document::new(" two ")];
    check(
        "a.txt",
        "\u{feff}one\n\n \n two \r\n",
        CorpusFormat::PlainText,
        &expected,
    );

    let folder = TempDir::new().unwrap();
    write(&folder, "b.txt", "b\n");
    write(&folder, "a/c.txt", "c\nd");
    write(&folder, "a/b.txt.gz", gzip(b"e"));
    write(&folder, "notes.md", "not read");
    write(&folder, "a/b/c.txt", "f");
    let expected = [
        with_id(Document::labeled("f", "a"), "a/b/c.txt"),
        with_id(Document::labeled("e", "a"), "a/b.txt.gz"),
        with_id(Document::labeled("c\nd", "a"), "a/c.txt"),
        with_id(Document::new("b\n"), "b.txt"),
    ];
    assert_eq!(
        read(folder.path()),
        (CorpusFormat::PlainText, expected.to_vec())
    );
    let unlabeled = CorpusOptions {
        ignore_labels: true,
        ..CorpusOptions::default()
    };
    let (_, documents) = read_with(folder.path(), &unlabeled);
    assert!(documents.iter().all(|document| document.label.is_none()));
    let numbers = CorpusOptions {
        labels: LabelKind::Number,
        ..CorpusOptions::default()
    };
    let error = read_corpus(folder.path(), &numbers).unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with(
            "c.txt: the label \"a\" is not a finite number; name the column of the numbers with \
             --label, or leave out --regression for classes"
        ),
        "{message}"
    );
}

#[test]
fn text_files_in_a_folder_are_known_by_any_of_their_endings() {
    let folder = TempDir::new().unwrap();
    write(&folder, "A.TXT", "a");
    write(&folder, "b.text", "b");
    write(&folder, "c.Txt.GZ", gzip(b"c"));
    for name in [
        "._1.txt",
        ".hidden.txt",
        "txt",
        "d.txt.bak",
        ".ipynb_checkpoints/a-checkpoint.txt",
        ".venv/lib/LICENSE.txt",
    ] {
        write(&folder, name, "not read");
    }
    let expected = [("a", "A.TXT"), ("b", "b.text"), ("c", "c.Txt.GZ")];
    let expected = expected.map(|(text, id)| with_id(Document::new(text), id));
    assert_eq!(read(folder.path()).1, expected);
}

const REVIEWS: [(&str, &str); 8] = [
    ("aclImdb/train/pos/1_9.txt", "p1"),
    ("aclImdb/train/pos/0_10.txt", "p0"),
    ("aclImdb/train/neg/0_1.txt", "n0"),
    ("aclImdb/train/unsup/0_0.txt", "u0"),
    ("aclImdb/test/neg/0_2.txt", "t0"),
    ("aclImdb/test/pos/0_8.txt", "t1"),
    ("aclImdb/train/urls_pos.txt", "not read"),
    ("aclImdb/README", "not read"),
];

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn aclimdb_is_the_same_as_a_folder_and_as_an_archive() {
    let folder = TempDir::new().unwrap();
    for (name, text) in REVIEWS {
        write(&folder, name, text);
    }
    let packed = TempDir::new().unwrap();
    let paths = [
        folder.path().to_owned(),
        folder.path().join("aclImdb"),
        write(&packed, "aclImdb.tar", tar(&REVIEWS)),
        write(&packed, "aclImdb_v1.tar.gz", gzip(&tar(&REVIEWS))),
        write(&packed, "aclImdb.tgz", gzip(&tar(&REVIEWS))),
    ];
    let train = vec![
        with_id(Document::labeled("n0", "neg"), "neg/0_1.txt"),
        with_id(Document::labeled("p0", "pos"), "pos/0_10.txt"),
        with_id(Document::labeled("p1", "pos"), "pos/1_9.txt"),
    ];
    let test = vec![
        with_id(Document::labeled("t0", "neg"), "neg/0_2.txt"),
        with_id(Document::labeled("t1", "pos"), "pos/0_8.txt"),
    ];
    for path in paths {
        assert_eq!(
            read(&path),
            (CorpusFormat::AclImdb, train.clone()),
            "{}",
            path.display()
        );
        for (split, expected) in [
            ("train", train.clone()),
            ("test", test.clone()),
            ("unsup", vec![with_id(Document::new("u0"), "unsup/0_0.txt")]),
        ] {
            let options = CorpusOptions {
                split: Some(split.into()),
                ..Default::default()
            };
            assert_eq!(read_with(&path, &options).1, expected, "{split}");
        }
    }
    // Reading an archive leaves nothing behind.
    assert_eq!(fs::read_dir(packed.path()).unwrap().count(), 3);
}

#[test]
fn what_looks_like_aclimdb_and_has_another_class_is_not_read_without_it() {
    let files = [
        ("reviews/train/neg/0.txt", "n"),
        ("reviews/train/neutral/0.txt", "m"),
        ("reviews/train/pos/0.txt", "p"),
        ("reviews/train/.cache/0.txt", "hidden"),
        ("reviews/test/neg/0.txt", "t"),
        ("reviews/test/pos/0.txt", "u"),
    ];
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        write(&folder, name, text);
    }
    let reviews = folder.path().join("reviews");
    let archive = write(&folder, "reviews.tar.gz", gzip(&tar(&files)));
    for (path, left_out, name, split) in [
        (
            &reviews,
            "reviews/train/neutral",
            "name",
            reviews.join("train"),
        ),
        (
            &archive,
            "reviews.tar.gz/reviews/train/neutral",
            "unpack it and name",
            "reviews/train".into(),
        ),
    ] {
        let error = read_corpus(path, &CorpusOptions::default()).unwrap_err();
        let expected = format!(
            "{} looks like the format aclimdb, which would leave out {}; {name} {}, whose folders are then \
             the classes, or leave it out with --format aclimdb",
            path.display(),
            folder.path().join(left_out).display(),
            split.display()
        );
        assert_eq!(error.to_string(), expected);
        // The other split has no other class.
        let test = CorpusOptions {
            split: Some("test".into()),
            ..CorpusOptions::default()
        };
        assert_eq!(read_with(path, &test).1.len(), 2);
        let named = CorpusOptions {
            format: Some(CorpusFormat::AclImdb),
            ..CorpusOptions::default()
        };
        assert_eq!(read_with(path, &named).1.len(), 2);
    }
    let (format, documents) = read(&reviews.join("train"));
    let labels: Vec<_> = documents
        .iter()
        .filter_map(|it| it.label.as_deref())
        .collect();
    assert_eq!(format, CorpusFormat::PlainText);
    assert_eq!(labels, ["neg", "neutral", "pos"]);
}

#[test]
fn what_looks_like_aclimdb_and_has_other_names_is_not_read_without_them() {
    for other in ["pos/1.TXT", "pos/1.text", "neg/2023/1.txt", "pos/1.txt.gz"] {
        let name = format!("reviews/train/{other}");
        let files = [
            ("reviews/train/neg/0.txt", "n"),
            ("reviews/train/pos/0.txt", "p"),
            ("reviews/train/pos/.1.txt", "hidden"),
            ("reviews/train/pos/notes.md", "no text"),
            (&name, "other"),
        ];
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            write(&folder, name, text);
        }
        let reviews = folder.path().join("reviews");
        let archive = write(&folder, "reviews.tar.gz", gzip(&tar(&files)));
        for path in [reviews, archive] {
            let error = read_corpus(&path, &CorpusOptions::default()).unwrap_err();
            assert!(matches!(error, DataError::LeftOut { .. }), "{error}");
            assert!(error.to_string().contains(other), "{error}");
            let named = CorpusOptions {
                format: Some(CorpusFormat::AclImdb),
                ..CorpusOptions::default()
            };
            assert_eq!(read_with(&path, &named).1.len(), 2, "{other}");
        }
    }
}
