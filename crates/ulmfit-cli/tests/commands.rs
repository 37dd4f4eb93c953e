use serde_json::Value;

use crate::workplace::{Finished, Workplace};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

#[test]
fn from_raw_text_to_an_ensemble() {
    let place = Workplace::new();
    for direction in ["forward", "backward"] {
        let with = format!("--recipe tiny.toml --direction {direction} --seed 3 --json");
        let printed = place.succeed(&format!("pretrain train.csv {with} --run p-{direction}"));
        assert_eq!(json(&printed)["stage"], "pretrain");
        assert!(
            json(&printed)["metrics"]["valid_perplexity"]
                .as_f64()
                .unwrap()
                > 1.0
        );
        place.succeed(&format!(
            "finetune train.csv test.csv {with} --run f-{direction} \
             --pretrained p-{direction}/model.safetensors"
        ));
        let printed = place.succeed(&format!(
            "train train.csv {with} --run c-{direction} \
             --language-model f-{direction}/model.safetensors"
        ));
        assert!(
            json(&printed)["metrics"]["valid_accuracy"]
                .as_f64()
                .unwrap()
                >= 0.0
        );
        assert_eq!(json(&printed)["direction"], direction);
    }
    place.succeed(
        "ensemble c-forward/model.safetensors c-backward/model.safetensors --output both.safetensors",
    );
    let printed = place.succeed("evaluate both.safetensors test.csv --json");
    let report = json(&printed);
    for key in [
        "accuracy",
        "error_rate",
        "macro_f1",
        "per_class",
        "confusion",
        "labels",
        "documents",
        "seconds",
    ] {
        assert!(!report[key].is_null(), "{key} in {report}");
    }
    assert_eq!(report["documents"], 20);
    assert_eq!(report["labels"], serde_json::json!(["neg", "pos"]));

    let predict = |model: &str| lines(&place.succeed(&format!("predict {model} test.csv")));
    let [forward, backward, both] = [
        "c-forward/model.safetensors",
        "c-backward/model.safetensors",
        "both.safetensors",
    ]
    .map(predict);
    for ((forward, backward), both) in forward.iter().zip(&backward).zip(&both) {
        let probability = |answer: &Value| answer["probabilities"]["pos"].as_f64().unwrap();
        let mean = f64::midpoint(probability(forward), probability(backward));
        assert!((probability(both) - mean).abs() < 1e-6);
    }
    let inspected = json(&place.succeed("inspect both.safetensors --json"));
    assert_eq!(inspected["members"][1]["direction"], "backward");
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let place = Workplace::new();
    for run in ["a", "b"] {
        place.succeed(&format!(
            "finetune train.csv --recipe tiny.toml --seed 5 --run {run} --pretrained none"
        ));
    }
    for file in ["model.safetensors", "metrics.jsonl"] {
        assert!(
            place.read(&format!("a/{file}")) == place.read(&format!("b/{file}")),
            "{file}"
        );
    }
}

#[test]
fn predictions_come_in_the_order_of_the_input_whatever_the_format() {
    let place = Workplace::with_models();
    // More than two batches, of lengths that sorting would mix up.
    let texts: Vec<String> = (0..150)
        .map(|i| format!("{} film", "fine dull ".repeat(i * 7 % 13)))
        .collect();
    let rows = |separator: char| {
        let rows = texts
            .iter()
            .enumerate()
            .map(|(i, text)| format!("{i}{separator}{text}\n"));
        format!("id{separator}text\n{}", rows.collect::<String>())
    };
    let objects = texts.iter().enumerate();
    let objects = objects.map(|(i, text)| serde_json::json!({ "id": i, "text": text }).to_string());
    let objects = objects.collect::<Vec<_>>().join("\n");
    place.write("rows.csv", rows(','));
    place.write("rows.tsv", rows('\t'));
    place.write("rows.jsonl", &objects);
    let from_csv = lines(&place.succeed("predict model.safetensors rows.csv"));
    let ids = from_csv
        .iter()
        .map(|answer| answer["id"].as_str().unwrap().parse::<usize>().unwrap());
    assert!(ids.eq(0..150));
    let without_id = |answers: Vec<Value>| -> Vec<Value> {
        answers
            .into_iter()
            .map(|answer| answer["probabilities"].clone())
            .collect()
    };
    let expected = without_id(from_csv);
    let piped = |arguments: &str, input: &str| -> Vec<Value> {
        let Finished {
            code,
            stdout,
            stderr,
        } = place.pipe(arguments, input);
        assert_eq!(code, Some(0), "{stderr}");
        lines(&stdout)
    };
    let from_stdin = piped("predict model.safetensors", &objects);
    assert!(
        from_stdin
            .iter()
            .map(|answer| answer["id"].as_u64())
            .eq((0..150).map(Some))
    );
    assert_eq!(without_id(from_stdin), expected);
    assert_eq!(
        without_id(piped("predict model.safetensors -", &rows(','))),
        expected
    );
    assert_eq!(
        without_id(lines(&place.succeed("predict model.safetensors rows.tsv"))),
        expected
    );
    // Of what is labeled the labels do not matter.
    let questions = texts.iter().map(|text| format!("NUM:count {text}\n"));
    place.write("rows.label", questions.collect::<String>());
    let classes = texts.iter().map(|text| format!("1,{text}\n"));
    place.write("classes.csv", classes.collect::<String>());
    for name in ["rows.jsonl", "rows.label", "classes.csv"] {
        let answers = place.succeed(&format!("predict model.safetensors {name}"));
        assert_eq!(without_id(lines(&answers)), expected, "{name}");
    }
    // A pipe that has a name is read once, as standard input is.
    #[cfg(target_os = "linux")]
    assert_eq!(
        without_id(piped("predict model.safetensors /dev/stdin", &objects)),
        expected
    );
    let text = texts.join("\n");
    assert_eq!(
        without_id(piped("predict model.safetensors --format text", &text)),
        expected
    );
}

#[test]
fn each_document_is_classified_as_if_it_were_alone() {
    let place = Workplace::with_models();
    let long = "fine dull ".repeat(40);
    let together = place.pipe(
        "predict model.safetensors --format text",
        format!("fine\n{long}\n\ndull"),
    );
    let alone = place.pipe("predict model.safetensors --format text", "fine");
    let probability = |answer: &Value| answer["probabilities"]["pos"].as_f64().unwrap();
    let (together, alone) = (lines(&together.stdout), lines(&alone.stdout));
    assert_eq!(together.len(), 4);
    assert!((probability(&together[0]) - probability(&alone[0])).abs() < 1e-6);
}

#[test]
fn the_most_probable_labels_come_first_and_csv_has_a_column_each() {
    let place = Workplace::with_models();
    let input = "{\"id\":7,\"text\":\"fine\"}\n{\"text\":\"dull, \\\"dull\\\"\"}\n";
    let all = place.pipe("predict model.safetensors", input).stdout;
    let all = lines(&all);
    let probability = |row: usize, label: &str| all[row]["probabilities"][label].as_f64().unwrap();

    let top = place
        .pipe("predict model.safetensors --top-k 1", input)
        .stdout;
    for (row, line) in lines(&top).iter().enumerate() {
        let label = all[row]["label"].as_str().unwrap();
        assert_eq!(line["label"], label);
        let expected = serde_json::json!({ label: probability(row, label) });
        assert_eq!(line["probabilities"], expected);
    }
    let ranked = place
        .pipe("predict model.safetensors --top-k 5", input)
        .stdout;
    let first = if probability(0, "pos") > probability(0, "neg") {
        "pos"
    } else {
        "neg"
    };
    let begins = format!("{{\"id\":7,\"label\":\"{first}\",\"probabilities\":{{\"{first}\":");
    assert!(ranked.starts_with(&begins), "{ranked}");

    let rows = |arguments: &str, input: &str| -> Vec<String> {
        let printed = place.pipe(&format!("predict model.safetensors {arguments}"), input);
        assert_eq!(printed.code, Some(0), "{}", printed.stderr);
        printed.stdout.lines().map(str::to_owned).collect()
    };
    let csv = rows("--output-format csv", input);
    assert_eq!(csv[0], "id,label,probability_neg,probability_pos");
    let cells: Vec<_> = csv[1].split(',').collect();
    assert_eq!(cells[..2], ["7", first]);
    assert!((cells[3].parse::<f64>().unwrap() - probability(0, "pos")).abs() < 1e-6);
    assert!(csv[2].starts_with(','), "{}", csv[2]);
    let csv = rows("--output-format csv --top-k 1", "text\nfine\n");
    assert_eq!(csv[0], "label,label_1,probability_1");
    assert!(
        csv[1].starts_with(&format!("{first},{first},")),
        "{}",
        csv[1]
    );

    // More than the documents that are answered together, the first of them without an id.
    let late = "{\"text\":\"a\"}\n".repeat(70) + "{\"id\":1,\"text\":\"a\"}\n";
    let finished = place.pipe("predict model.safetensors --output-format csv", late);
    let message = finished.failure("predict");
    assert!(message.starts_with("document 71 has an id"), "{message}");
    let finished = place.run("predict model.safetensors test.csv --top-k 0");
    assert_eq!(finished.code, Some(2));
}

#[test]
fn evaluate_reads_language_models_too() {
    let place = Workplace::with_models();
    let report = json(&place.succeed("evaluate lm.safetensors test.csv --json"));
    let (loss, perplexity) = (
        report["loss"].as_f64().unwrap(),
        report["perplexity"].as_f64().unwrap(),
    );
    assert!((loss.exp() - perplexity).abs() < 1e-9);
    let tokens = report["tokens"].as_f64().unwrap();
    assert!(tokens > 100.0);
    let bits = report["bits_per_character"].as_f64().unwrap();
    assert!(0.0 < bits && bits < loss / 2_f64.ln(), "{bits}");
    assert!((0.0..1.0).contains(&report["unknown"].as_f64().unwrap()));
    assert!(
        place
            .succeed("evaluate lm.safetensors test.csv")
            .contains("perplexity")
    );
    assert!(
        place
            .succeed("evaluate model.safetensors test.csv")
            .contains("true \\ predicted")
    );
}

#[test]
fn limits_draw_the_same_share_of_each_class() {
    let place = Workplace::with_models();
    let report =
        json(&place.succeed("evaluate model.safetensors test.csv --limit 10 --seed 4 --json"));
    assert_eq!(report["documents"], 10);
    assert_eq!(report["per_class"]["pos"]["support"], 5);
    let stats = json(&place.succeed("inspect train.csv --limit 12 --json"));
    assert_eq!(stats["labels"], serde_json::json!({ "neg": 6, "pos": 6 }));
}

#[test]
fn the_baseline_is_measured_like_a_classifier() {
    let place = Workplace::new();
    let report = json(&place.succeed("baseline train.csv --test test.csv --test-limit 10 --json"));
    assert_eq!(report["documents"], 10);
    assert_eq!(report["accuracy"], 1.0);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    assert!(
        place
            .succeed("baseline train.csv --test test.csv")
            .contains("macro F1")
    );
    // A column that no score for each document and class could be kept of.
    let mut ids = vec!["text,label".to_owned()];
    ids.extend((0..16_400).map(|i| format!("a film,{i}")));
    place.write("ids.csv", ids.join("\n"));
    let message = place.fail("baseline ids.csv --test test.csv");
    let expected = "ids.csv: 16400 different labels of 16400 documents are too many for classes; ";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn tokens_come_in_the_order_of_the_input() {
    let place = Workplace::new();
    let input = "{\"id\": 7, \"text\": \"I LOVED it!!!\"}\n{\"id\": \"b\", \"text\": \"\"}\n";
    let out = place.pipe("tokenize --rules fastai --jsonl", input);
    let tokens = serde_json::json!(["xxbos", "i", "xxup", "loved", "it", "xxrep", "3", "!"]);
    let expected = [
        serde_json::json!({ "id": 7, "tokens": tokens }),
        serde_json::json!({ "id": "b", "tokens": ["xxbos"] }),
    ];
    assert_eq!(lines(&out.stdout), expected);
    let out = place.pipe("tokenize", "Fine<br />film\nDull\n");
    assert_eq!(out.stdout, "xxbos xxmaj fine \\n film\nxxbos xxmaj dull\n");
}

#[test]
fn subwords_travel_with_the_model() {
    let place = Workplace::new();
    let with = "train.csv --recipe tiny.toml --tokenizer unigram";
    place.succeed(&format!("pretrain {with} --vocab-size 100 --run p"));
    place.succeed(&format!(
        "finetune {with} --run f --pretrained p/model.safetensors"
    ));
    place
        .succeed("train train.csv --recipe tiny.toml --run c --language-model f/model.safetensors");
    let member = |model: &str| {
        let printed = json(&place.succeed(&format!("inspect {model}/model.safetensors --json")));
        let member = printed["members"].get(0).unwrap_or(&printed);
        (member["tokenizer"].clone(), member["vocab_size"].clone())
    };
    let (tokenizer, vocab_size) = member("p");
    assert_eq!(tokenizer["splitter"], "unigram");
    assert!(tokenizer["pieces"].as_u64().unwrap() <= 100, "{tokenizer}");
    assert_eq!(vocab_size.as_u64().unwrap() % 8, 0);
    for model in ["f", "c"] {
        assert_eq!(member(model), (tokenizer.clone(), vocab_size.clone()));
    }
    place.succeed("evaluate c/model.safetensors test.csv");
    let out = place.pipe("tokenize --model c/model.safetensors --ids", "Zyzzyva\n");
    assert!(out.stdout.starts_with("xxbos/2 xxmaj/8 "), "{}", out.stdout);
    let other =
        place.run("finetune train.csv --recipe tiny.toml --run g --pretrained p/model.safetensors");
    assert_eq!(other.code, Some(1));
    assert!(
        other.stderr.contains("another tokenizer"),
        "{}",
        other.stderr
    );
    let none = place.pipe("tokenize --tokenizer bpe", "a");
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("no pieces yet"), "{}", none.stderr);
    place.write("bad.json", "{}");
    let bad = place.pipe("tokenize --tokenizer-file bad.json", "a");
    assert!(
        bad.stderr.contains("bad.json is not a tokenizer"),
        "{}",
        bad.stderr
    );
}

#[test]
fn inspect_tells_what_data_and_models_are() {
    let place = Workplace::with_models();
    let stats = json(&place.succeed("inspect train.csv --json"));
    assert_eq!(stats["documents"], 60);
    assert!(
        place
            .succeed("inspect train.csv")
            .contains("label       pos: 30 (50.00 %)")
    );
    let model = json(&place.succeed("inspect model.safetensors --json"));
    assert_eq!(
        model["members"][0]["labels"],
        serde_json::json!(["neg", "pos"])
    );
    assert_eq!(model["members"][0]["provenance"]["stage"], "classifier");
    assert!(
        place
            .succeed("inspect lm.safetensors")
            .contains("language-model")
    );
}

#[test]
fn whoever_has_read_enough_is_no_failure() {
    use std::io::Read;
    use std::process::Stdio;
    let place = Workplace::with_models();
    place.write(
        "long.txt",
        "a line of words that fills the pipe\n".repeat(20_000),
    );
    for arguments in [
        "tokenize long.txt",
        "predict model.safetensors long.txt --output-format csv --quiet",
    ] {
        let mut command = place.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut some = [0; 60];
        child.stdout.take().unwrap().read_exact(&mut some).unwrap();
        let output = child.wait_with_output().unwrap();
        let left = (output.status.code(), output.stderr.len());
        assert_eq!(left, (Some(0), 0), "{arguments}");
    }
}

#[test]
fn a_run_that_is_interrupted_says_how_to_go_on() {
    let place = Workplace::new();
    let recipe = include_str!("tiny.toml").replace("epochs = 2", "epochs = 5000");
    place.write("long.toml", recipe);
    let arguments =
        "finetune train.csv --recipe long.toml --run run --checkpoint-every 0 --pretrained none";
    let mut command = place.command(arguments);
    let mut child = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    crate::resume::wait_for(&mut child, || {
        place.path("run/checkpoint-last.safetensors").exists()
    });
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    let finished: Finished = child.wait_with_output().unwrap().into();
    let message = finished.failure(arguments);
    assert!(
        message.starts_with("stopped at step ") && message.contains("--resume"),
        "{message}"
    );
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2() {
    let place = Workplace::with_models();
    for (arguments, expected) in [
        (
            "inspect model.safetensors --split test",
            "a model file has no splits; leave out --split",
        ),
        (
            "inspect train.csv model.safetensors",
            "model.safetensors is a model file, which is inspected by itself",
        ),
        (
            "inspect model.safetensors --limit 3",
            "a model file has no documents; leave out --limit",
        ),
        (
            "inspect model.safetensors --text body",
            "a model file has no documents",
        ),
        ("tokenize --ids train.csv", "name a model with --model"),
        ("tokenize --vocab-size 3 train.csv", "leave it out"),
        (
            "encode train.csv -o c --vocab-size 3",
            "leave out --vocab-size, or bound the tokens of the corpus with --max-tokens",
        ),
        ("encode train.csv -o c --max-tokens 0", "--max-tokens <N>"),
        (
            "encode train.csv -o c --tokenizer-file no.json --vocab-size 3",
            "cannot be used with",
        ),
        (
            "devices --threads 0",
            "invalid value '0' for '--threads <N>'",
        ),
        (
            "devices --threads 100000",
            "invalid value '100000' for '--threads <N>'",
        ),
    ] {
        let message = place.misuse(arguments);
        assert!(message.contains(expected), "{arguments}: {message}");
    }
}

#[test]
fn a_dashboard_that_cannot_be_had_is_told_before_texts_are_encoded() {
    let place = Workplace::new();
    let message =
        place.fail("finetune train.csv --recipe tiny.toml --run run --pretrained none --tui");
    assert!(message.contains("--tui"), "{message}");
    assert!(!place.path("run").exists());
}

#[test]
fn a_device_that_was_not_built_in_says_how_to_get_it() {
    let place = Workplace::with_models();
    let devices = json(&place.succeed("devices --json"));
    let devices = devices.as_array().unwrap();
    assert!(devices.iter().any(|device| device["built"] == true));
    assert_eq!(place.succeed("devices").lines().count(), devices.len());
    for device in devices.iter().filter(|device| device["built"] == false) {
        let name = device["device"].as_str().unwrap();
        let message = place.fail(&format!(
            "predict model.safetensors test.csv --device {name}"
        ));
        assert!(
            message.contains(&format!("was built without {name}; build it with")),
            "{message}"
        );
    }
}

#[test]
fn a_language_model_is_measured_on_texts_whatever_their_labels_are() {
    let place = Workplace::with_models();
    let rows = [1, 2].map(|i| format!("{{\"text\": \"A fine film {i}\", \"category\": [{{}}]}}\n"));
    place.write("texts.jsonl", rows.concat());
    let printed = place.succeed("evaluate lm.safetensors texts.jsonl");
    assert!(printed.contains("perplexity"), "{printed}");
    assert!(
        place
            .fail("evaluate model.safetensors texts.jsonl")
            .contains("category")
    );
}
