use serde_json::Value;

use crate::workplace::{Workplace, reviews};

#[test]
fn one_command_makes_a_model_that_predicts_and_says_how_good_it_is() {
    let place = Workplace::new();
    let data = reviews(60) + "60,one without a label,\n";
    place.write("data.csv", data);
    let printed = place
        .succeed("fit data.csv -o model.safetensors --recipe tiny.toml --pretrained none --seed 1");
    for expected in [
        "accuracy ",
        " % interval ",
        "TF-IDF with logistic regression on the same documents: ",
        "true \\ predicted",
        "ulmfit predict model.safetensors new.csv",
    ] {
        assert!(printed.contains(expected), "{expected:?} in {printed}");
    }
    let report = String::from_utf8(place.read("model.safetensors.md")).unwrap();
    assert!(report.starts_with("# model.safetensors\n"), "{report}");
    assert!(
        report.contains("## Measured on 6 documents held out"),
        "{report}"
    );
    assert!(!place.path("model.safetensors.work").exists());

    let answers = place.succeed("predict model.safetensors test.csv");
    assert_eq!(answers.lines().count(), 20);
    let described: Value =
        serde_json::from_str(&place.succeed("inspect model.safetensors --json")).unwrap();
    assert_eq!(described["members"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_folder_for_each_class_makes_a_model_whose_answers_name_the_files() {
    let place = Workplace::new();
    for class in ["ham", "spam"] {
        std::fs::create_dir_all(place.path("mail").join(class)).unwrap();
    }
    for number in 0..20 {
        place.write(&format!("mail/ham/{number}.txt"), "see you at the lake");
        place.write(&format!("mail/spam/{number}.txt"), "buy cheap watches");
    }
    place.write("mail/later.txt", "not sorted yet");
    let printed =
        place.succeed("fit mail -o model.safetensors --recipe tiny.toml --pretrained none --json");
    let summary: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summary["unlabeled"], 1, "{summary}");

    let answers = place.succeed("predict model.safetensors mail");
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 41);
    for (answer, id) in [
        (&answers[0], "ham/0.txt"),
        (&answers[20], "later.txt"),
        (&answers[21], "spam/0.txt"),
    ] {
        assert_eq!(answer["id"], id);
        assert!(["ham", "spam"].contains(&answer["label"].as_str().unwrap()));
    }
    let message = place.fail("fit mail -o m.safetensors --pretrained none --regression");
    assert!(
        message.contains("0.txt: the label \"ham\" is not a finite number"),
        "{message}"
    );
}

#[test]
fn of_data_with_splits_each_use_reads_its_own() {
    let place = Workplace::new();
    for (folder, count) in [
        ("train/neg", 10),
        ("train/pos", 10),
        ("train/unsup", 7),
        ("test/neg", 3),
        ("test/pos", 2),
    ] {
        std::fs::create_dir_all(place.path("aclImdb").join(folder)).unwrap();
        for number in 0..count {
            let text = format!("a film for {folder} {number}");
            place.write(&format!("aclImdb/{folder}/{number}_1.txt"), text);
        }
    }
    let counts = |command: &str, names: &[&str]| -> Vec<Value> {
        let printed: Value = serde_json::from_str(&place.succeed(command)).unwrap();
        let found = |name: &&str| printed.pointer(name).unwrap().clone();
        names.iter().map(found).collect()
    };
    assert_eq!(
        counts(
            "fit aclImdb --unlabeled aclImdb --validation aclImdb -o model.safetensors \
             --recipe tiny.toml --pretrained none --json",
            &["/trained_on", "/unlabeled", "/report/documents"],
        ),
        [20, 7, 5]
    );
    for command in [
        "evaluate model.safetensors aclImdb --json",
        "baseline aclImdb --test aclImdb --json",
    ] {
        assert_eq!(counts(command, &["/documents"]), [5], "{command}");
        let named = if command.starts_with("baseline") {
            "--test-split train"
        } else {
            "--split train"
        };
        let command = format!("{command} {named}");
        assert_eq!(counts(&command, &["/documents"]), [20], "{command}");
    }
}

#[test]
fn both_directions_more_text_and_given_documents_to_measure_on() {
    let place = Workplace::new();
    place.write("more.csv", reviews(80).replace("label", "stars"));
    let printed = place.succeed(
        "fit train.csv --unlabeled more.csv --validation test.csv -o both.safetensors \
         --recipe tiny.toml --pretrained none --direction both --json",
    );
    let summary: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(summary["trained_on"], 60);
    // Some of the 80 have the text of one to measure on.
    assert_eq!(summary["unlabeled"], 50);
    assert_eq!(summary["report"]["documents"], 20);
    let temperatures = &summary["calibration"]["temperatures"];
    assert_eq!(temperatures.as_array().map(Vec::len), Some(2));
    assert!(summary["baseline"]["accuracy"].as_f64().unwrap() > 0.9);
    // All 20 are among those to train on.
    let finished =
        place.run("fit train.csv --validation test.csv -o again.safetensors --recipe tiny.toml --pretrained none");
    assert!(
        finished
            .stderr
            .contains("20 of the documents to measure on are among those to train on"),
        "{}",
        finished.stderr
    );
}

#[test]
fn what_is_repeated_is_told_and_what_cannot_be_classes_is_refused() {
    let place = Workplace::new();
    place.write("one.csv", "text,label\na fine film,pos\n");
    let message = place.fail("fit one.csv -o m.safetensors --recipe tiny.toml --pretrained none");
    assert!(message.contains("at least two classes"), "{message}");

    for (text, expected) in [("a film", "the same text"), (" ", "no text")] {
        let row = format!("{text},pos\n{text},neg\n");
        place.write("same.csv", format!("text,label\n{}", row.repeat(20)));
        let message =
            place.fail("fit same.csv -o m.safetensors --recipe tiny.toml --pretrained none");
        assert_eq!(
            message,
            format!(
                "all 40 labeled documents have {expected}; name the column of the texts with --text"
            )
        );
    }
    let rows = "a film,pos\na film,neg\n".repeat(20);
    place.write(
        "repeated.csv",
        format!("text,label\n{rows}a play,pos\n ,neg\n"),
    );
    let finished =
        place.run("fit repeated.csv -o m.safetensors --recipe tiny.toml --pretrained none");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for expected in [
        "1 labeled document has no text",
        "39 documents repeat the text of another one, 20 of them with another label",
        "nothing will be measured",
    ] {
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    }

    let rows = (0..200).map(|i| format!("text {i},value {i}\n"));
    place.write(
        "ids.csv",
        format!("text,label\n{}", rows.collect::<String>()),
    );
    let message = place.fail("fit ids.csv -o m.safetensors --recipe tiny.toml --pretrained none");
    assert!(
        message.contains("200 different values in 200 rows") && message.contains("--label"),
        "{message}"
    );

    place.write("none.csv", "text,stars\na,1\n");
    let message = place.fail("fit none.csv -o m.safetensors --recipe tiny.toml --pretrained none");
    assert_eq!(
        message,
        "none.csv has no labels; name their column with --label, or put the text files of each class \
         in a folder of its own, right in the one that is named"
    );

    let message =
        place.fail("fit train.csv -o missing/m.safetensors --recipe tiny.toml --pretrained none");
    assert!(message.contains("cannot write to missing"), "{message}");
    let message = place.fail("fit train.csv -o ./train.csv --recipe tiny.toml --pretrained none");
    assert!(
        message.contains("./train.csv is read here and would be written over itself"),
        "{message}"
    );
    // Nor what else is read, or lies where the summary goes.
    place.write("m.safetensors.md", "a fine film\n");
    for (read, output) in [
        ("--tokenizer-file ids.csv", "ids.csv"),
        (
            "--unlabeled m.safetensors.md --format text",
            "m.safetensors",
        ),
    ] {
        let message = place.fail(&format!(
            "fit train.csv {read} -o {output} --recipe tiny.toml"
        ));
        assert!(
            message.contains("is read here and would be written over itself"),
            "{message}"
        );
    }
    let message = place.fail("fit train.csv -o . --recipe tiny.toml --pretrained none");
    assert!(message.starts_with(". names a folder"), "{message}");
}

#[test]
fn a_class_of_one_document_and_a_skew_are_no_obstacle() {
    let place = Workplace::new();
    let data = reviews(40) + "40,a rare thing indeed,other\n";
    place.write("data.csv", data);
    let finished =
        place.run("fit data.csv -o model.safetensors --recipe tiny.toml --pretrained none");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("1 label is trained on and never measured (other)"),
        "{}",
        finished.stderr
    );
}

#[test]
fn the_vocabulary_is_as_large_as_asked_for() {
    let place = Workplace::new();
    let size = |more: &str| {
        place.succeed(&format!(
            "fit train.csv -o m.safetensors --recipe tiny.toml --pretrained none {more}"
        ));
        let described = place.succeed("inspect m.safetensors --json");
        let described: Value = serde_json::from_str(&described).unwrap();
        described["members"][0]["vocab_size"].as_u64().unwrap()
    };
    // Filled up to a multiple of eight, by eight more where it is one.
    assert_eq!(size("--vocab-size 16"), 24);
    assert!(size("") > 24);
}

#[test]
fn a_recipe_for_other_tokens_than_the_pretrained_models_is_refused() {
    let place = Workplace::with_models();
    let recipe = String::from_utf8(place.read("tiny.toml")).unwrap();
    place.write("cased.toml", recipe.replace("fastai-v2", "keep-case"));
    let message = place
        .fail("fit train.csv -o m.safetensors --recipe cased.toml --pretrained lm.safetensors");
    assert!(
        message.contains("made with another tokenizer than the recipe's [text]"),
        "{message}"
    );
}

#[test]
fn a_fit_of_other_documents_in_the_same_folder_is_refused() {
    let place = Workplace::new();
    let fit = "-o model.safetensors --recipe tiny.toml --pretrained none --work here";
    std::fs::create_dir(place.path("here")).unwrap();
    place.write("here/fit.json", "{");
    let message = place.fail(&format!("fit train.csv {fit}"));
    assert!(message.contains("fit.json is damaged"), "{message}");

    // What is there beside the work stays.
    std::fs::remove_file(place.path("here/fit.json")).unwrap();
    place.write("here/notes.txt", "mine");
    place.succeed(&format!("fit train.csv {fit}"));
    let left = std::fs::read_dir(place.path("here")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}

/// What a removal that was killed has left goes with the next one.
#[cfg(unix)]
#[test]
fn the_folder_behind_a_link_is_left_empty() {
    let place = Workplace::new();
    for folder in ["scratch", "scratch/finetune-forward.removed"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    std::os::unix::fs::symlink("scratch", place.path("link")).unwrap();
    place.succeed("fit train.csv -o m --recipe tiny.toml --pretrained none --work link");
    assert!(place.path("link").is_symlink());
    assert_eq!(std::fs::read_dir(place.path("link")).unwrap().count(), 0);
}

#[test]
fn a_limit_counts_labeled_documents() {
    let place = Workplace::new();
    let unlabeled = (0..90).map(|i| format!("{},one more film {i},\n", 60 + i));
    place.write("data.csv", reviews(60) + &unlabeled.collect::<String>());
    let printed = place.succeed(
        "fit data.csv --limit 30 -o model.safetensors --recipe tiny.toml --pretrained none --json",
    );
    let summary: Value = serde_json::from_str(&printed).unwrap();
    let measured = summary["report"]["documents"].as_u64().unwrap();
    assert_eq!(summary["trained_on"].as_u64().unwrap() + measured, 30);
    assert_eq!(summary["unlabeled"], 90);
}

/// Whoever was to read it has gone before there is anything to be read.
#[cfg(unix)]
#[test]
fn a_fit_that_nobody_listens_to_leaves_its_model_and_nothing_else() {
    use std::process::Stdio;
    let place = Workplace::new();
    let fit = "fit train.csv -o model.safetensors --recipe tiny.toml --pretrained none";
    for closed in ["stderr", "stdout"] {
        let mut command = place.command(fit);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // The other one stays open to the end: what is written fits into the pipe.
        if closed == "stderr" {
            drop(stderr);
        } else {
            drop(stdout);
        }
        assert_eq!(child.wait().unwrap().code(), Some(0), "{closed}");
        for file in ["model.safetensors", "model.safetensors.md"] {
            std::fs::remove_file(place.path(file)).unwrap();
        }
        assert!(!place.path("model.safetensors.work").exists(), "{closed}");
    }
}

#[test]
fn too_little_time_is_told_with_what_is_needed() {
    let place = Workplace::new();
    let message = place.fail(
        "fit train.csv -o m.safetensors --recipe tiny.toml --pretrained none --time-budget 1us",
    );
    assert!(
        message.contains("training takes 1 min on this machine"),
        "{message}"
    );
    let finished = place.run("fit train.csv -o m.safetensors --time-budget soon");
    assert_eq!(finished.code, Some(2));
}

/// A file may not grow past a limit here, which is what a full disk looks like to a program.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_a_fit_and_the_same_command_goes_on_when_there_is_room() {
    let place = Workplace::new();
    let fit = "fit train.csv -o model.safetensors --recipe tiny.toml --pretrained none --seed 1";
    let limited = |kilobytes: usize| {
        let binary = env!("CARGO_BIN_EXE_ulmfit");
        // In blocks of 512 bytes.
        let blocks = 2 * kilobytes;
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{binary}' {fit}");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).current_dir(place.path(""));
        crate::workplace::Finished::from(command.output().unwrap())
    };
    for (kilobytes, file) in [(1, "fit.json"), (20, "checkpoint-last.safetensors")] {
        let message = limited(kilobytes).failure(fit);
        assert!(
            message.contains("cannot write ")
                && message.contains(&format!("{file}: File too large")),
            "{kilobytes} kB: {message}"
        );
        assert!(!place.path("model.safetensors").exists());
        assert!(!place.path("model.safetensors.md").exists());
    }
    place.succeed(fit);
    let resumed = place.read("model.safetensors");
    place.succeed(&fit.replace("model.safetensors", "whole.safetensors"));
    assert!(
        resumed == place.read("whole.safetensors"),
        "what went on after a full disk differs"
    );
}
