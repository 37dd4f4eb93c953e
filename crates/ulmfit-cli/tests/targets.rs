use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::model_files::described;
use crate::workplace::Workplace;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(parsed).collect()
}

/// The topics of a text, by the words that are in it.
fn topics(i: usize) -> Vec<&'static str> {
    let there = [i.is_multiple_of(2), i.is_multiple_of(3)];
    let topics = ["news", "sport"].into_iter().zip(there);
    topics.filter(|it| it.1).map(|it| it.0).collect()
}

fn text(i: usize) -> String {
    let words = topics(i).join(" and ");
    format!("Number {i} is about {words} and so on")
}

/// A column of topics with semicolons between them.
fn separated(count: usize) -> String {
    let mut csv = "id,text,tags\n".to_owned();
    for i in (0..count).filter(|i| !topics(*i).is_empty()) {
        writeln!(csv, "{i},{},{}", text(i), topics(i).join("; ")).unwrap();
    }
    csv
}

/// Lists of topics.
fn listed(count: usize) -> String {
    let line = |i| json!({ "id": i, "text": text(i), "tags": topics(i) }).to_string();
    (0..count).map(line).collect::<Vec<_>>().join("\n")
}

/// A number each.
fn rated(count: usize) -> String {
    let mut csv = "text,stars\n".to_owned();
    for i in 0..count {
        let (word, stars) = [("good", "4.5"), ("bad", "1"), ("so so", "3")][i % 3];
        writeln!(csv, "A {word} film of the year {i},{stars}").unwrap();
    }
    csv
}

#[test]
fn several_labels_from_a_separator_to_predictions() {
    let place = Workplace::new();
    place.write("posts.csv", separated(70) + "99,one without a label,\n");
    place.write("test.csv", separated(20));
    let with = "--label tags --label-separator ; --recipe tiny.toml";
    let printed = place.run(&format!(
        "fit posts.csv {with} -o m.safetensors --pretrained none"
    ));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let intention = "47 labeled documents with 1.3 of 2 labels (news, sport) each, 1 more without";
    assert!(printed.stderr.contains(intention), "{}", printed.stderr);
    for expected in [
        "micro F1 ",
        "95 % interval",
        "all labels right in ",
        "TF-IDF with a logistic regression for each label on the same documents: micro F1 ",
        "probabilities are off by",
        "class  precision",
    ] {
        assert!(
            printed.stdout.contains(expected),
            "{expected}: {}",
            printed.stdout
        );
    }
    assert!(
        !printed.stdout.contains("true \\ predicted"),
        "{}",
        printed.stdout
    );

    // The model knows what its labels are.
    let report = parsed(&place.succeed("evaluate m.safetensors test.csv --label tags --json"));
    for key in [
        "micro_f1",
        "macro_f1",
        "exact_match",
        "per_label",
        "seconds",
    ] {
        assert!(!report[key].is_null(), "{key} in {report}");
    }
    assert_eq!(report["per_label"]["news"]["support"], 10);
    place.write("lists.jsonl", listed(20));
    let printed = place.succeed("evaluate m.safetensors lists.jsonl --label tags");
    assert!(
        printed.contains("documents in ") && printed.contains("sport"),
        "{printed}"
    );

    place.write("new.csv", "text,tags\na match,news;weather\n");
    let finished = place.run("evaluate m.safetensors new.csv --label tags --json");
    assert_eq!(
        parsed(&finished.stdout)["per_label"]["weather"]["support"],
        1
    );
    let warning = "not trained on 1 of the labels (weather), which count as missed";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);

    let answers = lines(&place.succeed("predict m.safetensors test.csv --threshold 0"));
    assert_eq!(answers[0]["labels"], json!(["news", "sport"]));
    let answers = lines(&place.succeed("predict m.safetensors test.csv --threshold 1 --top-k 1"));
    assert_eq!(answers[0]["labels"], json!([]));
    assert_eq!(answers[0]["probabilities"].as_object().unwrap().len(), 1);
    let csv = place.succeed("predict m.safetensors test.csv --threshold 0 --output-format csv");
    let mut rows = csv.lines();
    assert_eq!(
        rows.next(),
        Some("id,labels,probability_news,probability_sport")
    );
    assert!(rows.next().unwrap().starts_with("0,news;sport,0."), "{csv}");

    let report = "evaluate m.safetensors test.csv --label tags --json --threshold";
    let recall = |threshold| {
        let report = parsed(&place.succeed(&format!("{report} {threshold}")));
        report["per_label"]["news"]["recall"].clone()
    };
    assert_eq!([recall(0), recall(1)], [json!(1.0), json!(0.0)]);
    let printed =
        place.succeed("baseline test.csv --test test.csv --label tags --label-separator ;");
    assert!(printed.contains("micro F1 "), "{printed}");

    let inspected = parsed(&place.succeed("inspect m.safetensors --json"));
    assert_eq!(inspected["members"][0]["target"], "multi-label");
    place.succeed("quantize m.safetensors -o small.safetensors");
    place.succeed("predict small.safetensors test.csv --threshold 0.9");
    let finished = place.run("evaluate m.safetensors test.csv --label tags --regression");
    assert_eq!(finished.code, Some(2));
    let expected =
        "error: m.safetensors answers with several labels a document; leave out --regression";
    assert_eq!(finished.stderr.trim_end(), expected);
}

#[test]
fn lists_of_labels_need_no_separator() {
    let place = Workplace::new();
    place.write("posts.jsonl", listed(60));
    let printed = place.succeed(
        "fit posts.jsonl --label tags --recipe tiny.toml -o m.safetensors --direction both --json --pretrained none",
    );
    let summary = parsed(&printed);
    assert_eq!(summary["target"], "multi-label");
    assert_eq!(summary["trained_on"], 54);
    assert!(
        summary["baseline"]["micro_f1"].as_f64().unwrap() > 0.8,
        "{summary}"
    );
    // A document of an empty list is one with none of the labels.
    assert_eq!(summary["report"]["documents"], 6);
    let answers = lines(&place.succeed("predict m.safetensors posts.jsonl"));
    assert!(answers[0]["labels"].is_array());

    place.succeed("finetune posts.jsonl --recipe tiny.toml --run lm --pretrained none");
    let train =
        "train posts.jsonl --label tags --recipe tiny.toml --language-model lm/model.safetensors";
    place.succeed(&format!("{train} --run c"));
    place.succeed("ensemble m.safetensors c/model.safetensors --output all.safetensors");
    let report =
        parsed(&place.succeed("baseline posts.jsonl --label tags --test posts.jsonl --json"));
    assert!(report["micro_f1"].as_f64().unwrap() > 0.8, "{report}");
}

/// As where one document has the list `["a;b"]`, and another `["b"]`.
#[test]
fn labels_that_could_not_be_told_apart_in_csv_are_refused_there() {
    let place = Workplace::with_models();
    let model = described(&place.read("model.safetensors"), |description| {
        description["format_version"] = 5.into();
        let classifier = &mut description["members"][0]["kind"]["classifier"];
        classifier["labels"] = json!(["a;b", "b"]);
        classifier["target"] = json!({ "multi-label": { "separator": null } });
    });
    place.write("m.safetensors", model);
    let message = place.misuse("predict m.safetensors test.csv --output-format csv");
    assert_eq!(
        message,
        "error: the label \"a;b\" has \";\" in it, which stands between several labels in CSV; use \
         --output-format jsonl\n"
    );
    let answers = lines(&place.succeed("predict m.safetensors test.csv --threshold 0"));
    assert_eq!(answers[0]["labels"], json!(["a;b", "b"]));
    // It is no member of an ensemble with the one that it was made of.
    let message = place.fail("ensemble model.safetensors m.safetensors --output e.safetensors");
    assert_eq!(
        message,
        "model.safetensors answers with one of the labels neg, pos, and m.safetensors with any of the \
         labels a;b, b; join classifiers that were trained on the same labels"
    );
}

#[test]
fn numbers_that_nothing_can_be_learned_from_are_no_baseline() {
    let place = Workplace::new();
    place.write(
        "far.csv",
        "text,label\na film,1e308\na film,-1e308\na play,5\n",
    );
    let message = place.fail("baseline far.csv --test far.csv --regression");
    assert_eq!(
        message,
        "far.csv: the numbers are too large or too close together to be learned; write them in another \
         unit"
    );
}

#[test]
fn numbers_from_a_column_to_predictions() {
    let place = Workplace::new();
    place.write("reviews.csv", rated(60));
    let with = "--label stars --regression --recipe tiny.toml";
    let printed = place.run(&format!(
        "fit reviews.csv {with} -o m.safetensors --pretrained none"
    ));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let intention = "60 labeled documents with numbers from 1 to 4.5";
    assert!(printed.stderr.contains(intention), "{}", printed.stderr);
    for expected in [
        "R² ",
        "mean absolute error ",
        "root mean squared error ",
        "TF-IDF with ridge regression on the same documents: R² ",
    ] {
        assert!(
            printed.stdout.contains(expected),
            "{expected}: {}",
            printed.stdout
        );
    }
    let report = parsed(&place.succeed("evaluate m.safetensors reviews.csv --label stars --json"));
    for key in [
        "r2",
        "mean_absolute_error",
        "root_mean_squared_error",
        "pearson",
    ] {
        assert!(report[key].is_f64(), "{key} in {report}");
    }
    place.write(
        "large.csv",
        "text,stars\na good film,1e200\na bad film,-1e200\n",
    );
    let message = place.fail("evaluate m.safetensors large.csv --label stars");
    assert_eq!(
        message,
        "large.csv: the numbers are too large to be compared; write them in the unit of m.safetensors"
    );
    let printed =
        place.succeed("baseline reviews.csv --test reviews.csv --label stars --regression");
    assert!(printed.starts_with("R² "), "{printed}");
    let finished = place.run("evaluate m.safetensors reviews.csv --label stars --threshold 0.3");
    assert_eq!(finished.code, Some(2));
    assert!(
        finished
            .stderr
            .contains("several labels a document, which alone have a --threshold"),
        "{}",
        finished.stderr
    );
    let limited = place
        .succeed("evaluate m.safetensors reviews.csv --label stars --regression --limit 10 --json");
    assert_eq!(parsed(&limited)["documents"], 10);
    let answers = lines(&place.succeed("predict m.safetensors reviews.csv"));
    assert!(answers.iter().all(|answer| answer["value"].is_f64()));
    let csv = place.succeed("predict m.safetensors reviews.csv --output-format csv");
    assert_eq!(csv.lines().next(), Some("value"));
    let finished = place.run("predict m.safetensors reviews.csv --top-k 1");
    assert_eq!(finished.code, Some(2));
    assert!(
        finished.stderr.contains("answers with a number"),
        "{}",
        finished.stderr
    );

    place.succeed("finetune reviews.csv --recipe tiny.toml --run lm --pretrained none");
    let printed = place.succeed(&format!(
        "train reviews.csv {with} --run c --language-model lm/model.safetensors --json"
    ));
    let metrics = &parsed(&printed)["metrics"];
    assert!(
        metrics["valid_loss"].is_f64() && metrics["valid_accuracy"].is_null(),
        "{metrics}"
    );
}

#[test]
fn labels_and_models_of_the_wrong_kind_are_told() {
    let place = Workplace::with_models();
    place.write("words.csv", "text,label\na,1\nb,2\nc,good\n");
    place.write("gaps.csv", "text,label\na,x;y\nb,x;;y\n");
    place.write("one.csv", "text,label\na,x\nb,x\n");
    place.write(
        "same.csv",
        format!("text,label\n{}", "a,3\nb,3\n".repeat(20)),
    );
    let numbers = (0..40).map(|i| format!("text {i},{i}.5\n"));
    place.write(
        "numbers.csv",
        format!("text,label\n{}", numbers.collect::<String>()),
    );
    for (arguments, expected) in [
        (
            "words.csv --regression",
            "words.csv, line 4: the label \"good\" is not a finite number; name the column of the \
             numbers with --label, or leave out --regression for classes",
        ),
        (
            "gaps.csv --label-separator ;",
            "gaps.csv, line 3: the label \"x;;y\" has an empty name in it; write one \";\" between two \
             names, and none before or behind them",
        ),
        ("one.csv --label-separator ;", "\"x\" is the only label"),
        (
            "same.csv --regression",
            "every document to train on has the number 3",
        ),
        (
            "numbers.csv",
            "where they are numbers to be predicted, say so with --regression",
        ),
    ] {
        let message = place.fail(&format!(
            "fit {arguments} -o m.safetensors --recipe tiny.toml --pretrained none"
        ));
        assert!(message.contains(expected), "{message}");
    }
    for (arguments, expected) in [
        (
            "predict model.safetensors test.csv --threshold 0.3",
            "model.safetensors answers with the most probable label alone, which needs no --threshold",
        ),
        (
            "predict model.safetensors test.csv --threshold 1.5",
            "a probability is from 0 to 1",
        ),
        (
            "evaluate model.safetensors test.csv --label-separator ;",
            "model.safetensors answers with one label a document; leave out --label-separator",
        ),
        (
            "evaluate lm.safetensors test.csv --regression",
            "lm.safetensors is a language model, which has no labels; leave out --regression",
        ),
        (
            "fit words.csv -o m.safetensors --regression --label-separator ;",
            "cannot be used with",
        ),
    ] {
        let finished = place.run(arguments);
        assert_eq!(finished.code, Some(2), "{arguments}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(expected),
            "{arguments}: {}",
            finished.stderr
        );
    }
}
