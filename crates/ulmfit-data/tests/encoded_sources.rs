//! Which sources are the same texts, so that a corpus of them is up to date.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use ulmfit_data::{
    CorpusOptions, CorpusSource, EncodeOptions, EncodeOutcome, TokenizedCorpus, Tokenizer,
    encode_corpus,
};

fn encode(path: PathBuf, folder: &Path) -> EncodeOutcome {
    let options = CorpusOptions::default();
    let sources = [CorpusSource { path, options }];
    let tokenizer = Tokenizer::default();
    let options = EncodeOptions::default();
    encode_corpus(&sources, &tokenizer, folder, &options, &mut |_| {}).unwrap()
}

#[test]
fn what_is_written_beside_the_texts_makes_no_other_texts() {
    let folder = tempfile::tempdir().unwrap();
    let texts = folder.path().join("mail");
    for class in ["ham", "spam"] {
        fs::create_dir_all(texts.join(class)).unwrap();
        fs::write(texts.join(class).join("1.txt"), "see you at the lake").unwrap();
    }
    let place = texts.join("corpus");
    let written = || encode(texts.clone(), &place);
    assert_eq!(written(), EncodeOutcome::Written);
    assert_eq!(written(), EncodeOutcome::UpToDate);
    fs::write(texts.join("ham/2.txt"), "or at the sea").unwrap();
    assert_eq!(written(), EncodeOutcome::Written);
}

#[test]
fn an_archive_with_another_name_may_have_other_classes() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    for class in ["ham", "spam"] {
        let mut header = tar::Header::new_gnu();
        let text = b"see you at the lake";
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let name = format!("mail/{class}/1.txt");
        builder.append_data(&mut header, name, &text[..]).unwrap();
    }
    let letters = folder.path().join("letters.tar");
    fs::write(&letters, builder.into_inner().unwrap()).unwrap();
    let place = folder.path().join("corpus");
    let labels = |path: PathBuf| {
        encode(path, &place);
        let corpus = TokenizedCorpus::open(&place).unwrap();
        let labels = corpus.labels().iter();
        labels.flatten().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(labels(letters.clone()), ["mail", "mail"]);
    let mail = folder.path().join("mail.tar");
    fs::rename(letters, &mail).unwrap();
    assert_eq!(labels(mail), ["ham", "spam"]);
}
