//! Packed files and archives are read as if they were unpacked, and what is wrong with them is a
//! sentence.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tempfile::TempDir;
use ulmfit_data::{CorpusFormat, CorpusOptions, Document, LabelKind, read_corpus};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const ROWS: &str = "text,label\nfine,pos\ndull,neg\n";
/// [`ROWS`], as `xz` packs them.
const ROWS_XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a301001c746578742c6c6162656c0a66\
                       696e652c706f730a64756c6c2c6e65670a000000001e45b793d354f0f10001351d441bb1e11fb6\
                       f37d010000000004595a";

/// Members of an archive: formats by their names, two that would lie elsewhere if anybody unpacked
/// them, and what is no text.
const MEMBERS: [(&str, &str); 7] = [
    ("data/rows.csv", ROWS),
    ("data/notes/a.txt", "One document\nof two lines"),
    ("../../outside.txt", "kept inside"),
    ("data/image.png", "\u{1}\u{2}"),
    ("data/.hidden.txt", "left by another program"),
    ("data/.ipynb_checkpoints/a-checkpoint.txt", "left too"),
    ("data/more.jsonl", "{\"text\": \"last\"}\n"),
];

fn expected() -> Vec<Document> {
    vec![
        Document::labeled("fine", "pos"),
        Document::labeled("dull", "neg"),
        Document {
            label: Some("data".into()),
            ..with_id("One document\nof two lines", "data/notes/a.txt")
        },
        with_id("kept inside", "../../outside.txt"),
        Document::new("last"),
    ]
}

fn with_id(text: &str, id: &str) -> Document {
    Document {
        id: Some(id.into()),
        ..Document::new(text)
    }
}

fn rows_xz() -> Vec<u8> {
    let digits = ROWS_XZ.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    compress_to_vec(bytes.as_ref(), CompressionLevel::Fastest)
}

fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // By hand: the builder refuses a path that leads outside.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn read(path: &Path) -> Result<(CorpusFormat, Vec<Document>), String> {
    read_with(path, &CorpusOptions::default())
}

fn read_as(path: &Path, format: CorpusFormat) -> Result<(CorpusFormat, Vec<Document>), String> {
    let options = CorpusOptions {
        format: Some(format),
        ..CorpusOptions::default()
    };
    read_with(path, &options)
}

fn read_with(
    path: &Path,
    options: &CorpusOptions,
) -> Result<(CorpusFormat, Vec<Document>), String> {
    let reader = read_corpus(path, options);
    let reader = reader.map_err(|error| error.to_string())?;
    let format = reader.format();
    let documents = reader.read_all().map_err(|error| error.to_string())?;
    Ok((format, documents))
}

#[test]
fn packed_files_are_known_by_their_first_bytes() {
    let folder = TempDir::new().unwrap();
    let rows = &expected()[..2];
    let two_frames = [zstd("text,label\nfine,pos\n"), zstd("dull,neg\n")].concat();
    let skippable = [
        &[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
        &zstd(ROWS),
    ]
    .concat();
    for (name, bytes) in [
        ("rows.csv.zst", zstd(ROWS)),
        ("frames.csv.zst", two_frames),
        ("rows.csv.xz", rows_xz()),
        // Whatever their names are.
        ("zstd.csv", zstd(ROWS)),
        ("xz.csv", rows_xz()),
    ] {
        let path = write(&folder, name, bytes);
        let found = read(&path).unwrap();
        assert_eq!(found, (CorpusFormat::Csv, rows.to_vec()), "{name}");
    }
    // A file may begin with a frame that holds no data, but then it is not known for what it is.
    let path = write(&folder, "skippable.csv.zst", skippable);
    read(&path).unwrap_err();
    let text = write(&folder, "a.txt.zst", zstd("one\ntwo\n"));
    assert_eq!(read(&text).unwrap().1.len(), 2);
}

#[test]
fn archives_are_read_as_folders_that_nobody_unpacks() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for (name, bytes) in [
        ("all.tar", tar(&MEMBERS)),
        ("all.tar.zst", zstd(tar(&MEMBERS))),
        ("all.zip", zip(&MEMBERS)),
    ] {
        let path = inner.join(name);
        fs::write(&path, bytes).unwrap();
        assert_eq!(
            read(&path).unwrap(),
            (CorpusFormat::Archive, expected()),
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_tar_whose_first_name_begins_like_a_zip_is_none() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.tar", tar(&[("PKU/a.txt", "one")]));
    let (_, documents) = read(&path).unwrap();
    assert_eq!(documents.len(), 1);
}

#[test]
fn members_are_read_in_the_format_that_is_named_if_they_are_called_so() {
    let folder = TempDir::new().unwrap();
    let members = [
        ("ag_news_csv/readme.txt", "What this is."),
        ("ag_news_csv/train.csv", "\"3\",\"Title\",\"Text\"\n"),
        (
            "wiki.jsonl",
            "{\"text\": \"An article\", \"label\": \"x\"}\n",
        ),
    ];
    let class_first = Document {
        fields: vec!["Title".into(), "Text".into()],
        label: Some("3".into()),
        id: None,
    };
    for (name, bytes) in [("a.zip", zip(&members)), ("a.tar.zst", zstd(tar(&members)))] {
        let path = write(&folder, name, bytes);
        for (format, expected) in [
            (CorpusFormat::ClassCsv, class_first.clone()),
            (
                CorpusFormat::JsonLines,
                Document::labeled("An article", "x"),
            ),
            (CorpusFormat::WikiJsonLines, Document::new("An article")),
            (
                CorpusFormat::PlainText,
                Document {
                    label: Some("ag_news_csv".into()),
                    ..with_id("What this is.", "ag_news_csv/readme.txt")
                },
            ),
        ] {
            let found = read_as(&path, format).unwrap();
            assert_eq!(found, (format, vec![expected]), "{name}");
        }
        let message = read_as(&path, CorpusFormat::Tsv).unwrap_err();
        assert!(message.ends_with("holds no documents"), "{message}");
    }
}

#[test]
fn folders_in_an_archive_are_classes_as_in_a_folder() {
    let folder = TempDir::new().unwrap();
    let members = [
        ("Mail/spam/1.txt", "buy"),
        ("Mail/ham/2.text", "hello"),
        ("Mail/notes.txt", "about it"),
        ("Mail/train/spam/3.txt", "more"),
    ];
    let unwrapped = members.map(|(name, text)| (&name["Mail/".len()..], text));
    let dotted = members.map(|(name, text)| (name.replace("Mail", "."), text));
    let dotted = dotted.each_ref().map(|(name, text)| (name.as_str(), *text));
    let labels = |path: &Path, options: &CorpusOptions| {
        let documents = read_with(path, options).unwrap().1.into_iter();
        documents.map(|it| it.label).collect::<Vec<_>>()
    };
    for (name, bytes) in [
        // The folder itself, or what is in it.
        ("mail.zip", zip(&members)),
        ("mail.tar.zst", zstd(tar(&members))),
        ("a.zip", zip(&unwrapped)),
        ("a.tar", tar(&dotted)),
    ] {
        let path = write(&folder, name, bytes);
        let expected = [Some("spam"), Some("ham"), None, None].map(|it| it.map(str::to_owned));
        assert_eq!(labels(&path, &CorpusOptions::default()), expected, "{name}");
        let unlabeled = CorpusOptions {
            ignore_labels: true,
            ..CorpusOptions::default()
        };
        assert!(labels(&path, &unlabeled).iter().all(Option::is_none));
    }
    let numbers = CorpusOptions {
        labels: LabelKind::Number,
        ..CorpusOptions::default()
    };
    let message = read_with(&folder.path().join("mail.zip"), &numbers).unwrap_err();
    assert!(
        message.contains("mail.zip/Mail/spam/1.txt: the label \"spam\" is not a finite number"),
        "{message}"
    );
}

#[test]
fn parquet_in_an_archive_is_refused_unless_another_format_is_named() {
    let folder = TempDir::new().unwrap();
    let members = [("a.csv", ROWS), ("a.parquet", "PAR1")];
    let path = write(&folder, "data.zip", zip(&members));
    assert_eq!(
        read(&path).unwrap_err(),
        format!(
            "{}/a.parquet is a Parquet file that is packed or in an archive, where it is not read; \
             unpack it, or name the format of an archive's other files with --format",
            path.display()
        )
    );
    let found = read_as(&path, CorpusFormat::Csv).unwrap();
    assert_eq!(found.1, expected()[..2]);
}

#[test]
fn a_reader_of_an_archive_can_be_left_before_its_end() {
    let folder = TempDir::new().unwrap();
    let text = "many words\n".repeat(1 << 20);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    archive.start_file("lines.jsonl", options).unwrap();
    let line = format!("{{\"text\": \"{}\"}}\n", text.replace('\n', " "));
    archive.write_all(line.as_bytes()).unwrap();
    archive.write_all(line.as_bytes()).unwrap();
    let path = write(&folder, "a.zip", archive.finish().unwrap().into_inner());
    let mut reader = read_corpus(&path, &CorpusOptions::default()).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().fields[0].len(), text.len());
}

#[test]
fn truncated_and_damaged_ones_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let files = [
        ("a.csv.zst", zstd(ROWS)),
        ("a.csv.xz", rows_xz()),
        ("a.tar", tar(&MEMBERS)),
        ("a.tar.zst", zstd(tar(&MEMBERS))),
        ("a.zip", zip(&MEMBERS)),
    ];
    for (name, whole) in files {
        let mut refused = 0;
        let step = (whole.len() / 40).max(1);
        for at in (1..whole.len()).step_by(step) {
            for damaged in [whole[..at].to_vec(), {
                let mut flipped = whole.clone();
                flipped[at] ^= 0x55;
                flipped
            }] {
                let path = write(&folder, name, damaged);
                // Whatever comes of it, it neither panics nor hangs, and a message names the file.
                if let Err(message) = read(&path) {
                    assert!(message.contains(name), "{name} at {at}: {message}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 20, "{name}: {refused}");
        let path = write(&folder, name, &whole[..whole.len() * 3 / 5]);
        let message = read(&path).unwrap_err();
        assert!(
            message.contains("truncated or damaged") && message.contains("fetch it again"),
            "{message}"
        );
    }
}

#[test]
fn an_archive_that_ends_within_a_small_member_is_refused_with_the_remedy() {
    let folder = TempDir::new().unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    packed
        .write_all(&tar(&[("x.txt", "One document")]))
        .unwrap();
    let packed = packed.finish().unwrap();
    // A header of gzip, one of the block, one of the member, and a part of its text.
    let path = write(&folder, "a.tar.gz", &packed[..10 + 5 + 512 + 5]);
    let message = read_as(&path, CorpusFormat::Archive).unwrap_err();
    assert!(
        message.contains("a.tar.gz/x.txt is truncated or damaged (")
            && message.ends_with("; fetch it again"),
        "{message}"
    );
}

#[test]
fn an_archive_without_texts_and_a_bad_member_say_so() {
    let folder = TempDir::new().unwrap();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    archive.start_file("image.png", options).unwrap();
    let path = write(&folder, "a.zip", archive.finish().unwrap().into_inner());
    assert!(
        read(&path)
            .unwrap_err()
            .ends_with("a.zip holds no documents")
    );

    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("rows.csv", options).unwrap();
    archive.write_all(b"text,label\na,b\nonly\n").unwrap();
    let path = write(&folder, "b.zip", archive.finish().unwrap().into_inner());
    let message = read(&path).unwrap_err();
    assert!(message.contains("b.zip/rows.csv, line 3"), "{message}");
}
