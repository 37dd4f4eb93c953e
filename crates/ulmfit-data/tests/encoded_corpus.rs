//! Encoded corpora on disk: the same as in memory, whatever the threads and however often killed;
//! damaged ones are refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tempfile::TempDir;
use ulmfit_data::{
    CorpusOptions, CorpusSource, DataError, Direction, Document, EncodeOptions, EncodeOutcome,
    LabelKind, LmBatch, LmStream, LmStreamConfig, SequenceLength, TokenizedCorpus, Tokenizer,
    VocabConfig, encode_corpus, is_encoded_corpus, read_corpus, remove_encoded_corpus,
};

const FILES: [&str; 5] = [
    "corpus.json",
    "tokens.jsonl",
    "ids.bin",
    "ends.bin",
    "labels.bin",
];

fn source(path: PathBuf) -> CorpusSource {
    CorpusSource {
        path,
        options: CorpusOptions::default(),
    }
}

fn encode(
    sources: &[CorpusSource],
    folder: &Path,
    options: &EncodeOptions,
) -> Result<EncodeOutcome, DataError> {
    encode_corpus(sources, &Tokenizer::default(), folder, options, &mut |_| {})
}

/// A CSV file of as many short reviews, and where its corpus is to be.
fn reviews(count: usize) -> (TempDir, [CorpusSource; 1], PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = "text,label\n".to_owned();
    for i in 0..count {
        let label = ["pos", "neg", ""][i % 3];
        writeln!(
            csv,
            "\"Film number {} was w{}, w{}.\",{label}",
            i % 11,
            i % 97,
            i % 1013
        )
        .unwrap();
    }
    let path = folder.path().join("reviews.csv");
    fs::write(&path, csv).unwrap();
    let corpus = folder.path().join("reviews");
    (folder, [source(path)], corpus)
}

fn bytes(corpus: &Path) -> Vec<Vec<u8>> {
    let names: Vec<_> = fs::read_dir(corpus).unwrap().collect();
    assert_eq!(names.len(), FILES.len(), "nothing is left over");
    FILES
        .map(|name| fs::read(corpus.join(name)).unwrap())
        .into()
}

fn batches(corpus: &TokenizedCorpus, vocab_size: usize, config: &LmStreamConfig) -> Vec<LmBatch> {
    let documents: Vec<usize> = (0..corpus.len()).collect();
    let vocab = VocabConfig {
        min_freq: 1,
        max_size: vocab_size,
        ..VocabConfig::default()
    };
    let vocab = corpus.vocab(&documents, &vocab).unwrap();
    let stream = LmStream::new(corpus.encode_all(&vocab), config.clone()).unwrap();
    let batches = stream.epoch(1).chain(stream.epoch_in_order());
    batches.map(Result::unwrap).collect()
}

/// A word for a number, without digits and repeated letters, which the text rules rewrite.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu"];
    let digits = number.to_string().into_bytes().into_iter();
    digits
        .map(|digit| SYLLABLES[usize::from(digit - b'0')])
        .collect()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    /// A corpus on disk gives the very batches that it gives in memory, in both directions.
    #[test]
    fn on_disk_it_is_what_it_is_in_memory(
        texts in prop::collection::vec("[a-dA-D .!é]{0,40}", 2..30),
        labels in prop::collection::vec(prop::option::of("[xyz]"), 30),
        backward in any::<bool>(),
        seed in any::<u64>(),
        vocab_size in 9..40_usize,
    ) {
        let documents: Vec<Document> = texts
            .iter()
            .zip(labels)
            .map(|(text, label)| Document { label, ..Document::new(text) })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.jsonl");
        let lines: Vec<String> = documents
            .iter()
            .map(|d| serde_json::json!({ "text": d.text(), "label": d.label }).to_string())
            .collect();
        fs::write(&path, lines.join("\n")).unwrap();
        let place = folder.path().join("corpus");
        encode(&[source(path)], &place, &EncodeOptions::default()).unwrap();
        let stored = TokenizedCorpus::open(&place).unwrap();
        let memory = TokenizedCorpus::from_documents(&Tokenizer::default(), &documents);

        prop_assert_eq!((stored.len(), stored.n_tokens()), (memory.len(), memory.n_tokens()));
        prop_assert!(stored.labels().iter().eq(memory.labels().iter()));
        let config = LmStreamConfig {
            batch_size: 2,
            sequence_length: SequenceLength::Jittered { base: 7 },
            direction: if backward { Direction::Backward } else { Direction::Forward },
            seed,
        };
        prop_assume!(stored.n_tokens() > 2);
        prop_assert_eq!(
            batches(&stored, vocab_size, &config),
            batches(&memory, vocab_size, &config)
        );
    }
}

#[test]
fn the_number_of_threads_has_no_say_in_it() {
    let (folder, sources, place) = reviews(40_000);
    let mut corpora = Vec::new();
    for threads in [1, 4] {
        let place = place.with_extension(threads.to_string());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let options = EncodeOptions {
            max_counted: 500,
            ..EncodeOptions::default()
        };
        let pool = pool.build().unwrap();
        pool.install(|| encode(&sources, &place, &options)).unwrap();
        corpora.push(bytes(&place));
    }
    assert!(corpora[0] == corpora[1]);
    drop(folder);
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let (folder, sources, place) = reviews(60_000);
    for max_counted in [300, 1_000_000] {
        let options = EncodeOptions {
            max_counted,
            checkpoint_every: Duration::ZERO,
            ..EncodeOptions::default()
        };
        let whole = place.with_extension(format!("whole-{max_counted}"));
        encode(&sources, &whole, &options).unwrap();
        let parts = place.with_extension(format!("parts-{max_counted}"));
        let mut runs = 0;
        let mut documents = Vec::new();
        loop {
            let mut batches = 0;
            // Dies in its second batch, behind the checkpoint of the first.
            let mut observer = |progress: ulmfit_data::EncodeProgress| {
                documents.push(progress.documents);
                batches += 1;
                assert!(batches < 2, "killed");
            };
            let run = catch_unwind(AssertUnwindSafe(|| {
                encode_corpus(
                    &sources,
                    &Tokenizer::default(),
                    &parts,
                    &options,
                    &mut observer,
                )
            }));
            runs += 1;
            if let Ok(result) = run {
                assert_eq!(result.unwrap(), EncodeOutcome::Written);
                break;
            }
            assert!(!is_encoded_corpus(&parts), "half a corpus is none");
        }
        assert_eq!(runs, 4, "{documents:?}");
        assert!(bytes(&whole) == bytes(&parts), "bound {max_counted}");
    }
    drop(folder);
}

#[test]
fn what_is_there_already_is_not_made_again() {
    let (folder, sources, place) = reviews(50);
    let options = EncodeOptions::default();
    let again = |options| encode(&sources, &place, options).unwrap();
    assert_eq!(again(&options), EncodeOutcome::Written);
    let before = bytes(&place);
    assert_eq!(again(&options), EncodeOutcome::UpToDate);
    let fewer = EncodeOptions {
        max_tokens: 20,
        ..options.clone()
    };
    assert_eq!(again(&fewer), EncodeOutcome::Written);
    assert_ne!(bytes(&place), before);
    assert_eq!(TokenizedCorpus::open(&place).unwrap().tokens().len(), 20);
    assert_eq!(again(&options), EncodeOutcome::Written);
    assert_eq!(bytes(&place), before);
    // Damage is mended, and new text is read.
    fs::write(place.join("ids.bin"), "short").unwrap();
    assert_eq!(again(&options), EncodeOutcome::Written);
    let text = fs::read_to_string(&sources[0].path).unwrap() + "\"One more\",pos\n";
    fs::write(&sources[0].path, text).unwrap();
    assert_eq!(again(&options), EncodeOutcome::Written);
    assert_eq!(TokenizedCorpus::open(&place).unwrap().len(), 51);
    drop(folder);
}

#[test]
fn sources_follow_each_other_and_progress_ends_at_their_size() {
    let (folder, [first], place) = reviews(30);
    let second = folder.path().join("more.txt");
    fs::write(&second, "One line\nanother line\n").unwrap();
    let sources = [first, source(second)];
    let mut last = None;
    encode_corpus(
        &sources,
        &Tokenizer::default(),
        &place,
        &EncodeOptions::default(),
        &mut |progress| last = Some(progress),
    )
    .unwrap();
    let last = last.unwrap();
    assert_eq!((last.documents, last.bytes_read), (32, last.bytes));
    let corpus = TokenizedCorpus::open(&place).unwrap();
    assert_eq!(corpus.len(), 32);
    assert_eq!(corpus.labels().get(0), Some("pos"));
    assert_eq!(corpus.labels().get(31), None);
    let documents = read_corpus(&sources[0].path, &sources[0].options).unwrap();
    let documents = documents.read_all().unwrap();
    let memory = TokenizedCorpus::from_documents(&Tokenizer::default(), &documents);
    assert_eq!(
        corpus.places().lengths()[..30],
        memory.places().lengths()[..]
    );
    drop(folder);
}

#[test]
fn rare_tokens_are_dropped_and_frequent_ones_counted_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    // 16,384 documents are a batch; each has a word of its own.
    let text = lines(50_000, |i| format!("often {}", word(i)));
    let path = folder.path().join("texts.txt");
    fs::write(&path, text).unwrap();
    let place = folder.path().join("corpus");
    let options = EncodeOptions {
        max_counted: 100,
        ..EncodeOptions::default()
    };
    encode(&[source(path)], &place, &options).unwrap();
    let corpus = TokenizedCorpus::open(&place).unwrap();
    let count = |token: &str| {
        let place = corpus.tokens().iter().position(|there| there == token);
        place.map(|place| corpus.token_counts()[place])
    };
    assert_eq!(count("often"), Some(50_000));
    assert_eq!(count("xxbos"), Some(50_000));
    assert_eq!(count(&word(7)), None);
    assert_eq!(corpus.n_tokens(), 150_000);
    let counted: u64 = corpus.token_counts().iter().sum();
    assert_eq!(counted, 150_000);
    assert!(corpus.n_unknown() > 40_000);
    // What became unknown stays unknown, though its id was another token's later.
    let mut unknown = 0;
    corpus
        .places()
        .for_each(|ids| unknown += ids.iter().filter(|&&id| id == 0).count() as u64)
        .unwrap();
    assert_eq!(unknown, corpus.n_unknown());
}

#[test]
fn ids_take_four_bytes_where_two_do_not_do() {
    let folder = tempfile::tempdir().unwrap();
    let text = lines(70_000, word);
    let path = folder.path().join("texts.txt");
    fs::write(&path, text).unwrap();
    // Two tokens a line: the mark of its beginning, and its word.
    for (max_tokens, bytes) in [(usize::MAX, 4), (65_537, 4), (65_536, 2)] {
        let place = folder.path().join(format!("corpus-{max_tokens}"));
        let options = EncodeOptions {
            max_tokens,
            ..EncodeOptions::default()
        };
        encode(&[source(path.clone())], &place, &options).unwrap();
        let size = fs::metadata(place.join("ids.bin")).unwrap().len();
        assert_eq!(size, bytes * 140_000);
        assert_eq!(TokenizedCorpus::open(&place).unwrap().n_tokens(), 140_000);
    }
}

#[test]
fn a_damaged_corpus_is_refused_by_name_with_the_remedy() {
    let (folder, sources, place) = reviews(200);
    encode(&sources, &place, &EncodeOptions::default()).unwrap();
    let refused = |what: &str| {
        let error = TokenizedCorpus::open(&place).expect_err(what).to_string();
        let named = error.contains(&place.display().to_string());
        let remedy = error.contains("encode its texts again") || error.contains("cannot read");
        assert!(named && remedy, "{what}: {error}");
    };
    for name in FILES {
        let path = place.join(name);
        let whole = fs::read(&path).unwrap();
        let step = (whole.len() / 60).max(1);
        // But for the last line end, which the description can do without.
        for at in (0..whole.len() - 1).step_by(step) {
            fs::write(&path, &whole[..at]).unwrap();
            refused(&format!("{name} cut at {at}"));
            let mut flipped = whole.clone();
            flipped[at] ^= 0x11;
            fs::write(&path, &flipped).unwrap();
            // Any change of the description either breaks it or is one of a name in it.
            if name != "corpus.json" || TokenizedCorpus::open(&place).is_err() {
                refused(&format!("{name} changed at {at}"));
            }
        }
        fs::write(&path, [&whole[..], &whole[..]].concat()).unwrap();
        refused(&format!("{name} twice"));
        fs::remove_file(&path).unwrap();
        refused(&format!("no {name}"));
        fs::write(&path, &whole).unwrap();
    }
    TokenizedCorpus::open(&place).unwrap();

    // Sizes that no memory would hold.
    let path = place.join("corpus.json");
    let text = fs::read_to_string(&path).unwrap();
    for key in ["documents", "tokens", "distinct_tokens"] {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("\"{key}\":")))
            .unwrap();
        let huge = format!("  \"{key}\": {},", u64::MAX);
        fs::write(&path, text.replace(line, &huge)).unwrap();
        refused(key);
    }
    let other = text.replace("\"version\": 1", "\"version\": 2");
    fs::write(&path, other).unwrap();
    let error = TokenizedCorpus::open(&place).unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
    drop(folder);
}

#[test]
fn files_that_are_not_of_a_corpus_are_never_removed() {
    let (_folder, sources, place) = reviews(20);
    let keeps = |files: &[&str]| {
        let content = || files.iter().map(|name| fs::read(place.join(name)).unwrap());
        let before: Vec<_> = content().collect();
        let encoded = encode(&sources, &place, &EncodeOptions::default()).map(|_| ());
        for refused in [encoded, remove_encoded_corpus(&place)] {
            let error = refused.expect_err("something of the user's is there");
            assert!(matches!(error, DataError::NotACorpus { .. }), "{error}");
            assert!(content().eq(before.iter().cloned()), "{files:?}");
        }
    };
    fs::create_dir(&place).unwrap();
    fs::write(
        place.join("corpus.json"),
        r#"{"name": "another program's"}"#,
    )
    .unwrap();
    keeps(&["corpus.json"]);
    fs::write(place.join("tokens.jsonl"), "[1]\n").unwrap();
    keeps(&["corpus.json", "tokens.jsonl"]);
    fs::remove_dir_all(&place).unwrap();

    encode(&sources, &place, &EncodeOptions::default()).unwrap();
    fs::write(place.join("notes.txt"), "mine").unwrap();
    // Other texts than it was made from, so that it would be replaced.
    fs::write(&sources[0].path, "text,label\nother,words\n").unwrap();
    keeps(&[
        "notes.txt",
        "corpus.json",
        "tokens.jsonl",
        "ids.bin",
        "ends.bin",
        "labels.bin",
    ]);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_stays_and_gets_the_corpus() {
    let (folder, sources, place) = reviews(20);
    let link = folder.path().join("link");
    fs::create_dir(&place).unwrap();
    std::os::unix::fs::symlink(&place, &link).unwrap();
    let written = || encode(&sources, &link, &EncodeOptions::default()).unwrap();
    assert_eq!(written(), EncodeOutcome::Written);
    assert_eq!(written(), EncodeOutcome::UpToDate);
    // Other texts, so that the corpus is replaced.
    fs::write(&sources[0].path, "text,label\nother,words\n").unwrap();
    assert_eq!(written(), EncodeOutcome::Written);
    assert!(link.is_symlink());
    assert_eq!(TokenizedCorpus::open(&place).unwrap().len(), 1);
}

#[test]
fn a_folder_of_the_users_is_no_place_for_a_corpus_under_way() {
    let (folder, sources, place) = reviews(20);
    let partial = place.with_added_extension("partial");
    fs::create_dir(&partial).unwrap();
    for name in ["labels.bin", "notes.txt"] {
        fs::write(partial.join(name), "mine").unwrap();
    }
    for place in [place.as_path(), &folder.path().join("..")] {
        let error = encode(&sources, place, &EncodeOptions::default()).unwrap_err();
        assert!(matches!(error, DataError::NotACorpus { .. }), "{error}");
    }
    assert_eq!(fs::read(partial.join("labels.bin")).unwrap(), b"mine");
}

#[test]
fn what_is_left_of_a_corpus_is_replaced() {
    let (_folder, sources, place) = reviews(20);
    let encode = || encode(&sources, &place, &EncodeOptions::default()).unwrap();
    encode();
    // As after a removal that was killed, in the order in which files are removed.
    for name in ["tokens.jsonl", "ids.bin", "ends.bin", "labels.bin"] {
        fs::remove_file(place.join(name)).unwrap();
        assert!(TokenizedCorpus::open(&place).is_err(), "without {name}");
    }
    encode();
    TokenizedCorpus::open(&place).unwrap();
    fs::write(place.join("corpus.json"), "{").unwrap();
    encode();
    TokenizedCorpus::open(&place).unwrap();
    remove_encoded_corpus(&place).unwrap();
    assert!(!place.exists());
}

#[test]
fn ids_that_no_token_has_are_refused_even_with_the_right_checksum() {
    let (folder, sources, place) = reviews(20);
    encode(&sources, &place, &EncodeOptions::default()).unwrap();
    let ids = fs::read(place.join("ids.bin")).unwrap();
    let mut wrong = ids.clone();
    wrong[0..2].copy_from_slice(&[0xff, 0xff]);
    fs::write(place.join("ids.bin"), &wrong).unwrap();
    let path = place.join("corpus.json");
    let text = fs::read_to_string(&path).unwrap();
    let [before, after] = [&ids, &wrong].map(|bytes| crc32fast::hash(bytes).to_string());
    assert!(text.contains(&before));
    fs::write(&path, text.replace(&before, &after)).unwrap();
    let error = TokenizedCorpus::open(&place).unwrap_err();
    assert!(matches!(error, DataError::DamagedCorpus { .. }), "{error}");
    drop(folder);
}

#[test]
fn counts_that_do_not_add_up_are_refused_even_with_the_right_checksum() {
    let (folder, sources, place) = reviews(20);
    encode(&sources, &place, &EncodeOptions::default()).unwrap();
    let tokens = fs::read_to_string(place.join("tokens.jsonl")).unwrap();
    let json = fs::read_to_string(place.join("corpus.json")).unwrap();
    for count in ["7", "18446744073709551615"] {
        let (line, rest) = tokens.split_once('\n').unwrap();
        assert_eq!(line, "[\"xxunk\",0]");
        let wrong = format!("[\"xxunk\",{count}]\n{rest}");
        fs::write(place.join("tokens.jsonl"), &wrong).unwrap();
        let mut facts: serde_json::Value = serde_json::from_str(&json).unwrap();
        let crc32 = crc32fast::hash(wrong.as_bytes());
        facts["tokens_file"] = serde_json::json!({ "bytes": wrong.len(), "crc32": crc32 });
        fs::write(place.join("corpus.json"), facts.to_string()).unwrap();
        let error = TokenizedCorpus::open(&place).unwrap_err().to_string();
        assert!(error.contains("do not add up"), "{error}");
    }
    drop(folder);
}

#[test]
fn what_cannot_be_encoded_says_why_and_leaves_no_corpus() {
    let (folder, sources, place) = reviews(20);
    fs::create_dir(&place).unwrap();
    fs::write(place.join("precious.txt"), "mine").unwrap();
    let error = encode(&sources, &place, &EncodeOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is not an encoded corpus, or not that alone; name another place"),
        "{error}"
    );
    assert!(place.join("precious.txt").is_file());

    let bad = folder.path().join("bad.csv");
    fs::write(&bad, "text,label\na,b\nonly\n").unwrap();
    let place = folder.path().join("bad");
    let error = encode(&[source(bad)], &place, &EncodeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
    assert!(!is_encoded_corpus(&place));

    let many = folder.path().join("many.csv");
    let rows = lines(70_000, |i| format!("a,{i}"));
    fs::write(&many, format!("text,label\n{rows}")).unwrap();
    let mut source = source(many);
    let encode = |source: &CorpusSource| {
        let sources = std::slice::from_ref(source);
        encode(sources, &place, &EncodeOptions::default())
    };
    let message = encode(&source).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{}: ", source.path.display()))
            && message.contains("65536 different labels")
            && message.contains("--label"),
        "{message}"
    );
    // Numbers are as many as they like, and nobody counts what is not read.
    source.options.labels = LabelKind::Number;
    encode(&source).unwrap();
    let corpus = TokenizedCorpus::open(&place).unwrap();
    assert_eq!(corpus.labels().get(69_999), Some("69999"));
    source.options = CorpusOptions {
        ignore_labels: true,
        ..CorpusOptions::default()
    };
    encode(&source).unwrap();
    let corpus = TokenizedCorpus::open(&place).unwrap();
    assert_eq!(corpus.labels().get(69_999), None);
}
