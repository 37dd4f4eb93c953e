use serde_json::Value;

use crate::workplace::{Workplace, reviews};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_stage_on_an_encoded_corpus_is_the_stage_on_its_texts() {
    let place = Workplace::new();
    place.succeed("encode train.csv test.csv -o texts.corpus --recipe tiny.toml");
    for (stage, limit) in [
        ("pretrain", ""),
        (
            "finetune",
            "--limit 31 --direction backward --pretrained none",
        ),
    ] {
        let with = format!("--recipe tiny.toml --seed 3 {limit}");
        place.succeed(&format!(
            "{stage} train.csv test.csv {with} --run {stage}-texts"
        ));
        place.succeed(&format!("{stage} texts.corpus {with} --run {stage}-corpus"));
        for file in ["model.safetensors", "metrics.jsonl"] {
            let [texts, corpus] =
                ["texts", "corpus"].map(|it| place.read(&format!("{stage}-{it}/{file}")));
            assert!(texts == corpus, "{stage}: {file}");
        }
        // What only served the run is gone.
        assert!(!place.path(&format!("{stage}-texts/corpus")).exists());
    }
    place.succeed("finetune train.csv --recipe tiny.toml --run lm --pretrained none");
    place.succeed("encode train.csv -o train.corpus");
    let with = "--recipe tiny.toml --language-model lm/model.safetensors --limit 40";
    for data in ["train.csv", "train.corpus"] {
        place.succeed(&format!("train {data} {with} --run classifier-{data}"));
    }
    let [texts, corpus] = ["train.csv", "train.corpus"]
        .map(|data| place.read(&format!("classifier-{data}/model.safetensors")));
    assert!(texts == corpus);
}

#[test]
fn a_stage_removes_no_corpus_but_its_own() {
    let place = Workplace::with_models();
    place.succeed("encode train.csv -o run/corpus --recipe tiny.toml");
    let before = place.read("run/corpus/ids.bin");
    let stage = |data: &str, run: &str| format!("pretrain {data} --recipe tiny.toml --run {run}");
    for resume in ["", " --resume"] {
        assert_eq!(
            place.fail(&(stage("test.csv", "run") + resume)),
            "run/corpus is there already, where the texts of this run are to be encoded, and the run did \
             not make it; name another folder with --run, or move it away"
        );
    }
    assert_eq!(
        place.fail(&stage("train.csv", "run/corpus")),
        "run/corpus is an encoded corpus, in which nothing else may be; name another folder with --run"
    );
    place.succeed(&stage("run/corpus", "run"));
    assert!(place.read("run/corpus/ids.bin") == before);

    // What a stage left behind that came to nothing is its own.
    place.write("one.csv", "text,label\nfine,pos\ndull,pos\n");
    let train = |data: &str| {
        format!("train {data} --recipe tiny.toml --run c --language-model lm.safetensors")
    };
    place.fail(&train("one.csv"));
    assert!(place.path("c/corpus").exists());
    place.succeed(&train("train.csv"));
    for name in ["corpus", "corpus.of-run"] {
        assert!(!place.path("c").join(name).exists(), "{name}");
    }
}

#[test]
fn what_was_encoded_is_left_alone_until_something_changes() {
    let place = Workplace::new();
    let encode = || json(&place.succeed("encode train.csv -o out --json"));
    let first = encode();
    assert_eq!(
        (&first["documents"], &first["up_to_date"]),
        (&60.into(), &false.into())
    );
    assert_eq!(encode()["up_to_date"], true);
    place.write("train.csv", reviews(61));
    let again = encode();
    assert_eq!(
        (&again["documents"], &again["up_to_date"]),
        (&61.into(), &false.into())
    );
    assert!(!place.path("out.partial").exists());
    let few = json(&place.succeed("encode train.csv -o few --max-tokens 12 --json"));
    assert_eq!(few["distinct_tokens"], 12);
    assert!(few["unknown"].as_u64().unwrap() > 0);
}

#[test]
fn what_does_not_fit_an_encoded_corpus_is_said() {
    let place = Workplace::new();
    place.succeed("encode train.csv -o a.corpus");
    for (more, what) in [
        (
            "test.csv",
            "a.corpus is an encoded corpus, which is given by itself",
        ),
        (
            "--text body",
            "without --split, --format, --text and --label",
        ),
        (
            "--label stars",
            "without --split, --format, --text and --label",
        ),
    ] {
        let arguments =
            format!("finetune a.corpus {more} --recipe tiny.toml --run run --pretrained none");
        let message = place.misuse(&arguments);
        assert!(message.contains(what), "{arguments}: {message}");
    }
    for (arguments, what) in [
        (
            "baseline a.corpus --test test.csv",
            "a.corpus is an encoded corpus, which holds tokens and no texts",
        ),
        (
            "encode a.corpus -o b.corpus",
            "name the files it was made from",
        ),
        ("encode missing.csv -o b.corpus", "cannot read missing.csv"),
        (
            "encode train.csv -o train.csv",
            "is not an encoded corpus, or not that alone; name another place",
        ),
    ] {
        let message = place.fail(arguments);
        assert!(message.contains(what), "{arguments}: {message}");
    }
    let ids = place.read("a.corpus/ids.bin");
    place.write("a.corpus/ids.bin", &ids[..ids.len() - 1]);
    for command in [
        "finetune a.corpus --recipe tiny.toml --run run --pretrained none",
        "inspect a.corpus",
    ] {
        let message = place.fail(command);
        assert!(
            message.starts_with("a.corpus is not a whole encoded corpus (ids.bin has ")
                && message.ends_with("encode its texts again"),
            "{message}"
        );
    }
}

#[test]
fn inspect_tells_what_splits_share_and_reads_encoded_corpora() {
    let place = Workplace::new();
    let of_texts = json(&place.succeed("inspect train.csv --json"));
    place.succeed("encode train.csv -o train.corpus");
    let mut of_corpus = json(&place.succeed("inspect train.corpus --json"));
    of_corpus["name"] = "train.csv".into();
    assert_eq!(of_texts, of_corpus);
    assert_eq!(
        of_texts["labels"],
        serde_json::json!({ "neg": 30, "pos": 30 })
    );
    // Reviews repeat from the 71st on.
    place.write("longer.csv", reviews(80));
    let longer = json(&place.succeed("inspect longer.csv --json"));
    assert_eq!(longer["duplicate_documents"], 10);

    // All of its documents are among those of the other.
    let both = json(&place.succeed("inspect train.corpus test.csv --json"));
    assert_eq!(both["parts"][1]["documents_also_in"]["train.corpus"], 20);
    let told = place.succeed("inspect train.csv test.csv");
    for what in [
        "20 (100.00 %) are in train.csv too",
        "█",
        "coverage",
        "half ",
    ] {
        assert!(told.contains(what), "{what} in {told}");
    }
}

#[test]
fn labels_that_are_no_classes_are_in_no_language_models_way() {
    let place = Workplace::new();
    let long = "word ".repeat(1000);
    let rows = (0..60).map(|i| format!("A fine film of number {i},{long}\n"));
    let rows: String = rows.collect();
    place.write("articles.csv", format!("text,target\n{rows}"));
    place.succeed("pretrain articles.csv --recipe tiny.toml --run general");
    place.succeed("finetune articles.csv --recipe tiny.toml --run tuned --pretrained none");
    let message = place.fail("encode articles.csv -o articles.corpus");
    assert!(
        message.starts_with("articles.csv: \"word word"),
        "{message}"
    );
    assert!(message.contains("--label"), "{message}");
}
