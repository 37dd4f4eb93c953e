use serde_json::Value;

use crate::workplace::Workplace;

const TINY: &str = "--vocab 50 --emb 8 --hid 12 --layers 2 --bs 2 --bptt 5 --steps 3 --docs 4 \
                    --doc-len 11 --peak 32 --threads 1";

/// What `bench` prints with `--json`: one line.
fn measured(place: &Workplace, arguments: &str) -> Value {
    let printed = place.succeed(&format!("bench {arguments} --json"));
    assert_eq!(printed.lines().count(), 1, "{printed}");
    serde_json::from_str(&printed).unwrap()
}

/// Checks that these keys have positive numbers, and which others there are.
fn check(result: &Value, positive: &[&str], others: &[&str]) {
    for key in positive {
        assert!(
            result[key].as_f64().is_some_and(|number| number > 0.0),
            "{key}: {result}"
        );
    }
    let mut expected = [positive, others, &["tool", "what"]].concat();
    // Where there is no /proc it is null.
    expected.push("peak_rss_bytes");
    expected.sort_unstable();
    let mut keys = result.as_object().unwrap().keys().collect::<Vec<_>>();
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(result["tool"], "ulmfit");
    assert_eq!(result["threads"], 1);
    assert_eq!(
        result["peak_rss_bytes"].is_u64(),
        cfg!(target_os = "linux"),
        "{result}"
    );
    let [least, middle, most] = ["min_s", "median_s", "max_s"].map(|key| result[key].as_f64());
    assert!(least <= middle && middle <= most, "{result}");
}

/// The tokens of a pass, from its rate and its time.
fn tokens(result: &Value) -> f64 {
    let [rate, seconds] =
        ["tokens_per_second", "median_s"].map(|key| result[key].as_f64().unwrap());
    rate * seconds
}

const TIMES: [&str; 5] = ["tokens_per_second", "median_s", "min_s", "max_s", "threads"];

#[test]
fn bench_measures_training_steps() {
    let result = measured(&Workplace::new(), &format!("train-lm {TINY}"));
    let positive = [&TIMES[..], &["params", "gflops", "peak_gflops"]].concat();
    check(&result, &positive, &[]);
    assert_eq!(result["what"], "train-lm");
    // Layers of 8 to 12 and 12 to 8 with a bias each, the embedding and the decoder's bias.
    let layers = 4 * 12 * (8 + 12 + 1) + 4 * 8 * (12 + 8 + 1);
    assert_eq!(result["params"], layers + 50 * 8 + 50);
    let rate = 10.0 / result["median_s"].as_f64().unwrap();
    assert!((result["tokens_per_second"].as_f64().unwrap() / rate - 1.0).abs() < 1e-9);
}

#[test]
fn bench_measures_classification_of_a_batch_and_of_one_document() {
    let place = Workplace::new();
    let positive = [&TIMES[..], &["documents", "gflops", "peak_gflops"]].concat();
    for (more, documents) in [("", 4), ("--bs 1 --docs 3", 3), ("--bs 3 --docs 2", 3)] {
        // The last of an option that is given twice would be refused.
        let options = TINY.replace("--bs 2", "").replace("--docs 4", "");
        let more = if more.is_empty() {
            "--bs 2 --docs 4"
        } else {
            more
        };
        let result = measured(&place, &format!("classify {options} {more}"));
        check(&result, &positive, &[]);
        assert_eq!(result["documents"], documents, "{more}");
    }
}

/// With a folder `texts`, of which `a.txt` and `b.txt` are the first two texts by name.
fn place_with_texts() -> Workplace {
    let place = Workplace::new();
    std::fs::create_dir(place.path("texts")).unwrap();
    for (name, text) in [
        ("b.txt", "A fine film."),
        ("a.txt", "Dull!"),
        ("c.txt", "One more text that is not read."),
        ("0.md", "Nor is this."),
    ] {
        place.write(&format!("texts/{name}"), text);
    }
    place
}

#[test]
fn bench_measures_classification_of_texts() {
    let place = place_with_texts();
    let tiny = TINY.replace("--docs 4", "--docs 2");
    let result = measured(&place, &format!("predict --texts texts {tiny}"));
    let positive = [&TIMES[..], &["documents", "gflops", "peak_gflops"]].concat();
    check(&result, &positive, &[]);
    assert_eq!(result["documents"], 2);
    assert!((tokens(&result) - 9.0).abs() < 1e-6, "{result}");
}

#[test]
fn bench_measures_tokenization_of_the_first_texts_by_name() {
    let place = place_with_texts();
    let result = measured(
        &place,
        "tokenize --texts texts --docs 2 --steps 1 --threads 1",
    );
    let positive = [&TIMES[..], &["documents"]].concat();
    check(&result, &positive, &["gflops", "peak_gflops"]);
    assert!(result["gflops"].is_null() && result["peak_gflops"].is_null());
    assert_eq!(result["documents"], 2);
    // xxbos xxmaj dull !, and xxbos a fine film .
    assert!((tokens(&result) - 9.0).abs() < 1e-6, "{result}");
}

#[test]
fn bench_prints_a_table_for_people() {
    let printed = Workplace::new().succeed(&format!("bench train-lm {TINY}"));
    let names = printed.lines().map(|line| line.split("  ").next().unwrap());
    assert_eq!(
        names.take(9).collect::<Vec<_>>(),
        [
            "tokens a second",
            "median, s",
            "fastest, s",
            "slowest, s",
            "threads",
            "weights",
            "dense products, GFLOP/s",
            "large product, GFLOP/s",
            if cfg!(target_os = "linux") {
                "peak memory, MB"
            } else {
                ""
            },
        ]
    );
}

#[test]
fn bench_refuses_what_it_cannot_measure() {
    let place = Workplace::new();
    for (arguments, expected) in [
        ("train-lm --bs 0", "invalid value '0' for '--bs <N>'"),
        ("classify --steps -1", "unexpected argument '-1'"),
        (
            "classify --docs ten",
            "invalid value 'ten' for '--docs <N>'",
        ),
        ("tokenize", "--texts <DIR>"),
        ("predict", "--texts <DIR>"),
        ("train", "invalid value 'train' for '<WORK>'"),
    ] {
        let finished = place.run(&format!("bench {arguments}"));
        assert_eq!(finished.code, Some(2), "{arguments}: {}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    }
    std::fs::create_dir(place.path("empty")).unwrap();
    for (arguments, expected) in [
        (
            "tokenize --texts nowhere",
            "nowhere is not a folder of .txt files",
        ),
        (
            "tokenize --texts train.csv",
            "train.csv is not a folder of .txt files",
        ),
        ("tokenize --texts empty", "empty has no .txt files"),
        (
            "train-lm --emb 100000",
            "d_embedding is 100000, which is not from 1 to 65536",
        ),
        (
            "train-lm --bs 10000000 --bptt 10000000",
            "10000000 rows of 10000000 tokens are more than the 1048576 tokens that are timed at once; ask \
             for fewer or shorter ones",
        ),
        (
            "classify --docs 10000000 --doc-len 10000000",
            "10000000 rows of 10000000 tokens are more than the 268435456 tokens that are timed at once; ask \
             for fewer or shorter ones",
        ),
        (
            "classify --bptt 70000",
            "bptt is 70000, which is not from 1 to 65536",
        ),
    ] {
        let message = place.fail(&format!("bench {arguments}"));
        assert!(message.ends_with(expected), "{message}");
    }
}
