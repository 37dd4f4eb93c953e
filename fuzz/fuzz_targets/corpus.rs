//! The corpus reader on any bytes in every format, packed and archived, and encoded corpora that are
//! damaged: no panic, errors that name the file, and the same documents however the bytes come.

#![no_main]

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use ulmfit_data::{
    CorpusFormat, CorpusOptions, CorpusSource, DataError, Document, EncodeOptions, LabelKind,
    TokenizedCorpus, Tokenizer, VocabConfig, encode_corpus, read_corpus, read_stream,
};
use ulmfit_fuzz::{Damage, Member, Short, damage_headers, gzip, tar, zip};

/// Most documents that are read of one input.
const MOST_DOCUMENTS: usize = 1 << 16;

#[derive(arbitrary::Arbitrary, Debug)]
enum Input {
    /// A file of any bytes.
    Bytes(u8, Options, Vec<u8>),
    /// A file that is what it says.
    Lines(u8, Options, Vec<Vec<Short>>, Vec<Damage>),
    /// An archive of any bytes.
    Archive(u8, Options, Vec<u8>),
    /// A whole archive, perhaps packed, with damage.
    Members(Options, Vec<Member>, [bool; 2], Vec<Damage>),
    /// A whole tar archive whose headers are damaged and have the right checksums.
    Headers(Vec<Member>, Vec<(u8, Damage)>, bool),
    /// Packed bytes with damage.
    Packed(u8, Vec<u8>, Vec<Damage>),
    /// An encoded corpus with damage; the checksums are put right where so asked.
    Encoded(u8, Vec<Damage>, bool),
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Options {
    flags: u8,
    split: u8,
    columns: Vec<Short>,
    label: Option<Short>,
}

/// Files as `gzip`, `zstd` and `xz` pack them.
const PACKED: [&[u8]; 3] = [
    b"\x1f\x8b\x08\0\0\0\0\0\0\xff+I\xad(\xd1\xc9IL\xca\xcc\xe1J\xcb\xccK\xd5)\xc8/\xe6\x02\0\xd9\xe4\xd0\xaa\x14\0\0\0",
    b"\x28\xb5\x2f\xfd\x04\x58\xa1\0\0text,label\nfine,pos\n\x44\x0f\xa4\x34",
    b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\x02\0!\x01\x16\0\0\0t/\xe5\xa3\x01\0\x1ctext,label\nfine,pos\ndull,neg\n\0\0\0\0\x1eE\xb7\x93\xd3T\xf0\xf1\0\x015\x1dD\x1b\xb1\xe1\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ",
];

fuzz_target!(|input: Input| {
    match input {
        Input::Bytes(format, options, bytes) => every_way(format, &options, &bytes),
        Input::Lines(format, options, rows, damage) => {
            let mut bytes = lines(format, &rows);
            Damage::apply(&damage, &mut bytes);
            every_way(format, &options, &bytes);
        }
        Input::Packed(kind, more, damage) => {
            let mut bytes = PACKED[usize::from(kind) % PACKED.len()].to_vec();
            bytes.extend(more);
            Damage::apply(&damage, &mut bytes);
            every_way(kind >> 2, &Options::default(), &bytes);
        }
        Input::Archive(kind, options, bytes) => archive(kind, &options, &bytes),
        Input::Members(options, members, [is_zip, packed], damage) => {
            let mut bytes = if is_zip { zip(&members) } else { tar(&members) };
            if packed && !is_zip {
                bytes = gzip(&bytes);
            }
            Damage::apply(&damage, &mut bytes);
            archive(u8::from(is_zip), &options, &bytes);
        }
        Input::Headers(members, damage, packed) => {
            let mut bytes = tar(&members);
            damage_headers(&mut bytes, &damage);
            let bytes = if packed { gzip(&bytes) } else { bytes };
            archive(0, &Options::default(), &bytes);
        }
        Input::Encoded(file, damage, right) => encoded(file, &damage, right),
    }
});

impl Default for Options {
    fn default() -> Self {
        Self {
            flags: 0,
            split: 0,
            columns: Vec::new(),
            label: None,
        }
    }
}

impl Options {
    fn read(&self, format: Option<CorpusFormat>) -> CorpusOptions {
        let columns = self.columns.iter().take(2).map(|column| column.0.clone());
        CorpusOptions {
            format,
            split: [None, None, Some("test"), Some("unsup")][usize::from(self.split % 4)]
                .map(str::to_owned),
            text_columns: if self.flags & 4 == 0 {
                Vec::new()
            } else {
                columns.collect()
            },
            label_column: match self.flags & 24 {
                8 => self.label.as_ref().map(|label| label.0.clone()),
                16 => Some("fine".to_owned()),
                _ => None,
            },
            labels: match self.flags & 96 {
                32 => LabelKind::Joined(";".to_owned()),
                64 => LabelKind::Number,
                _ => LabelKind::Name,
            },
            ignore_labels: self.flags & 1 != 0,
            keep_blank_lines: self.flags & 2 != 0,
        }
    }
}

fn formats(at: u8) -> Option<CorpusFormat> {
    CorpusFormat::ALL
        .get(usize::from(at) % (CorpusFormat::ALL.len() + 1))
        .copied()
}

/// Hands out as many bytes at a time as its number says, and stops before its last ones once.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

/// The documents of a reader; its error, if it has one, is a sentence about the file.
fn documents(
    reader: Result<impl Iterator<Item = Result<Document, DataError>>, DataError>,
    name: &str,
) -> (Vec<Document>, Option<String>) {
    let mut documents = Vec::new();
    let mut failed = None;
    match reader {
        Err(error) => failed = Some(error),
        Ok(reader) => {
            for document in reader.take(MOST_DOCUMENTS) {
                assert!(failed.is_none(), "nothing comes behind an error");
                match document {
                    Ok(document) => documents.push(document),
                    Err(error) => failed = Some(error),
                }
            }
        }
    }
    let message = failed.map(|error| {
        let message = error.to_string();
        assert!(
            message.contains(name) || matches!(error, DataError::TokenizerFile { .. }),
            "{message}"
        );
        assert!(
            message.len() < 16_384,
            "a message is a sentence: {}",
            message.len()
        );
        message
    });
    (documents, message)
}

/// A stream gives the same documents whole, in pieces, and packed.
fn every_way(format: u8, options: &Options, bytes: &[u8]) {
    let options = options.read(formats(format));
    let whole = documents(
        read_stream(Cursor::new(bytes.to_vec()), "name", &options),
        "name",
    );
    for document in &whole.0 {
        assert!(
            !document.fields.is_empty()
                && document.fields.iter().all(|field| !field.contains('\0'))
        );
    }
    let is_packed = [&b"\x1f\x8b"[..], b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"]
        .iter()
        .any(|mark| bytes.starts_with(mark));
    for size in [1, 7] {
        let trickle = Trickle(Cursor::new(bytes.to_vec()), size);
        let found = documents(read_stream(trickle, "name", &options), "name");
        // How much of a damaged stream is unpacked before the damage shows is up to the decoder.
        if is_packed && whole.1.is_some() {
            assert!(found.1.is_some());
        } else {
            assert_eq!(found, whole);
        }
    }
    if !is_packed {
        let packed = Cursor::new(gzip(bytes));
        assert_eq!(
            documents(read_stream(packed, "name", &options), "name"),
            whole
        );
    }
}

/// A file of rows that a format knows.
fn lines(format: u8, rows: &[Vec<Short>]) -> Vec<u8> {
    let mut out = String::new();
    let field =
        |row: &[Short], at: usize| row.get(at).map_or(String::new(), |field| field.0.clone());
    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let format = formats(format);
    match format {
        Some(CorpusFormat::Tsv) => out.push_str("text\tlabel\tid\n"),
        Some(CorpusFormat::Csv) | None => out.push_str("text,label,id\r\n"),
        _ => {}
    }
    for row in rows {
        let (a, b) = (field(row, 0), field(row, 1));
        let line = match format {
            Some(CorpusFormat::Csv) | None => {
                format!("{},{b},{}", quoted(a), quoted(field(row, 2)))
            }
            Some(CorpusFormat::ClassCsv) => format!("1,{},{b}", quoted(a)),
            Some(CorpusFormat::Tsv) => format!("{a}\t{b}\t1"),
            Some(CorpusFormat::JsonLines | CorpusFormat::WikiJsonLines) => {
                serde_json::json!({"text": a, "label": b, "id": row.len()}).to_string()
            }
            Some(CorpusFormat::WikiText) => format!(" = {a} = \n\n {b} "),
            Some(CorpusFormat::Trec) => format!("A:b {a}"),
            _ => a,
        };
        out.push_str(&line);
        out.push('\n');
    }
    out.into_bytes()
}

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

/// An archive is read twice to the same documents, and leaves nothing behind.
fn archive(kind: u8, options: &Options, bytes: &[u8]) {
    let folder = FOLDER.path().join("archives");
    fs::create_dir_all(&folder).expect("a folder");
    let name = ["a.tar", "a.zip", "a.tar.gz"][usize::from(kind) % 3];
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file");
    let format = [
        None,
        None,
        Some(CorpusFormat::AclImdb),
        Some(CorpusFormat::Archive),
    ][usize::from(kind >> 2) % 4];
    let options = options.read(format);
    let once = documents(read_corpus(&path, &options), name);
    assert_eq!(documents(read_corpus(&path, &options), name), once);
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    fs::remove_file(&path).expect("a file");
}

const FILES: [&str; 5] = [
    "corpus.json",
    "tokens.jsonl",
    "ids.bin",
    "ends.bin",
    "labels.bin",
];

/// A small encoded corpus.
static ENCODED: LazyLock<(PathBuf, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let source = FOLDER.path().join("source.csv");
    fs::write(
        &source,
        "text,label\none two,a\nthree,b\n\"\",\nfour one two two,a\n",
    )
    .expect("a file");
    let place = FOLDER.path().join("encoded");
    let sources = [CorpusSource {
        path: source,
        options: CorpusOptions::default(),
    }];
    encode_corpus(
        &sources,
        &Tokenizer::default(),
        &place,
        &EncodeOptions::default(),
        &mut |_| {},
    )
    .expect("a corpus");
    let files = FILES
        .iter()
        .map(|name| fs::read(place.join(name)).expect("a file"))
        .collect();
    (place, files)
});

/// A damaged corpus is refused by name or gives documents of the tokens that it has.
fn encoded(file: u8, damage: &[Damage], right: bool) {
    let (place, files) = &*ENCODED;
    let at = usize::from(file) % FILES.len();
    let mut bytes = files[at].clone();
    Damage::apply(damage, &mut bytes);
    fs::write(place.join(FILES[at]), &bytes).expect("a file");
    if right && at > 0 {
        let mut json: serde_json::Value = serde_json::from_slice(&files[0]).expect("a description");
        let key = FILES[at].split('.').next().unwrap_or_default();
        json[format!("{key}_file")] =
            serde_json::json!({"bytes": bytes.len(), "crc32": crc32fast::hash(&bytes)});
        let count = match at {
            1 => (
                "distinct_tokens",
                bytes.iter().filter(|byte| **byte == b'\n').count(),
            ),
            2 => ("tokens", bytes.len() / 2),
            _ => ("documents", bytes.len() / if at == 3 { 8 } else { 4 }),
        };
        json[count.0] = count.1.into();
        fs::write(place.join(FILES[0]), json.to_string()).expect("a file");
    }
    whole_or_refused(place);
    for at in [0, at] {
        fs::write(place.join(FILES[at]), &files[at]).expect("a file");
    }
}

fn whole_or_refused(place: &Path) {
    let corpus = match TokenizedCorpus::open(place) {
        Ok(corpus) => corpus,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(&place.display().to_string()), "{message}");
            assert!(message.len() < 16_384, "a message is a sentence");
            return;
        }
    };
    let lengths = corpus.places().lengths();
    assert_eq!(lengths.len(), corpus.len());
    assert_eq!(lengths.iter().sum::<usize>(), corpus.n_tokens());
    assert_eq!(corpus.labels().iter().len(), corpus.len());
    assert_eq!(corpus.tokens().len(), corpus.token_counts().len());
    let visit = |ids: &[u32]| assert!(ids.iter().all(|id| (*id as usize) < corpus.tokens().len()));
    corpus.places().for_each(visit).expect("ids");
    let all: Vec<usize> = (0..corpus.len()).collect();
    let vocab = corpus.vocab(&all, &VocabConfig::default()).expect("ids");
    corpus.encode_all(&vocab).load().expect("ids");
    ulmfit_data::CorpusStats::new(&corpus, &vocab).expect("ids");
    let counted: u64 = corpus.token_counts().iter().sum();
    assert_eq!(counted, corpus.n_tokens() as u64);
}
