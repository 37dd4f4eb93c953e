use crate::workplace::{Workplace, reviews};

const TRAIN: &str = "--recipe tiny.toml --run run --language-model lm.safetensors";

#[test]
fn data_that_cannot_be_read_is_named_with_its_line() {
    let place = Workplace::with_models();
    for (name, bytes, expected) in [
        ("empty.csv", &b""[..], "empty.csv holds no documents"),
        (
            "header.csv",
            b"text,label\n",
            "header.csv holds no documents",
        ),
        (
            "latin1.csv",
            b"text,label\nfine,pos\ncaf\xe9,neg\n",
            "latin1.csv, line 3: not valid UTF-8",
        ),
        (
            "quotes.csv",
            b"text,label\nfine,pos\n\"dull,neg\nfine,pos\n",
            "quotes.csv, line 3: a quotation mark opens",
        ),
        (
            "ragged.csv",
            b"text,label\nfine,pos\ndull,neg,more\n",
            "ragged.csv, line 3: expected 2 columns and found 3",
        ),
        (
            "columns.csv",
            b"body,stars\nfine,5\n",
            "no text column; the columns are body, stars",
        ),
        (
            "one.csv",
            b"text,label\nfine,pos\ndull,pos\n",
            "every document has the label \"pos\"",
        ),
        (
            "object.jsonl",
            b"{\"text\": \"fine\", \"label\": \"pos\"}\nnot json\n",
            "object.jsonl, line 2: expected a JSON object",
        ),
        ("data.xml", b"<a/>", "cannot tell the format of data.xml"),
    ] {
        place.write(name, bytes);
        let message = place.fail(&format!("train {name} {TRAIN}"));
        assert!(message.contains(expected), "{name}: {message}");
        assert!(
            !message.contains('\n') && !message.ends_with('.'),
            "{message}"
        );
    }
    let message = place.fail(&format!("train nowhere.csv {TRAIN}"));
    assert_eq!(
        message,
        "cannot read nowhere.csv: No such file or directory (os error 2); check the path"
    );
    let message = place.fail(&format!("train train.csv --text body {TRAIN}"));
    assert!(
        message.contains("no \"body\" column; the columns are id, text, label"),
        "{message}"
    );
    assert!(!place.path("run").join("model.safetensors").exists());
}

#[test]
fn predict_names_the_line_after_answering_what_came_before_it() {
    let place = Workplace::with_models();
    for (input, answers, expected) in [
        (&b""[..], 0, "standard input holds no documents"),
        (
            b"id,text\n1,fine\n2,caf\xe9\n",
            1,
            "standard input, line 3: not valid UTF-8",
        ),
        (
            b"id,text\n1,fine\n2,\"dull\n3,fine\n",
            1,
            "line 3: a quotation mark opens a field that never closes",
        ),
        (
            b"id,text\n1,fine\n2,dull,3\n",
            1,
            "line 3: expected 2 columns and found 3",
        ),
        (
            b"id,body\n1,fine\n",
            0,
            "no text column; the columns are id, body",
        ),
        (
            b"{\"id\":1,\"text\":\"fine\"}\n{\"id\":2}\n",
            1,
            "line 2: no \"text\" column; the columns are id",
        ),
        (
            b"{\"id\":1,\"text\":\"fine\"}\n{\"id\":2,\"text\":[]}\n",
            1,
            "line 2: \"text\" is a list or an object",
        ),
        (
            b"{\"id\":1,\"text\":\"fine\"}\n{\"id\":\n",
            1,
            "line 2: expected a JSON object",
        ),
    ] {
        let finished = place.pipe("predict model.safetensors", input);
        let message = finished.failure("predict");
        assert!(message.contains(expected), "{message}");
        assert_eq!(
            finished.stdout.lines().count(),
            answers,
            "{}",
            finished.stdout
        );
    }
    place.write("rows.dat", "text\nfine\n");
    assert!(
        place
            .fail("predict model.safetensors rows.dat")
            .contains("name it with --format")
    );
    let message = place.misuse("predict model.safetensors test.csv --split test");
    assert!(
        message.contains("of the format csv, which has no splits"),
        "{message}"
    );
    let finished = place.pipe("predict model.safetensors --split test", "text\nfine\n");
    assert_eq!(finished.code, Some(2));
    assert!(
        finished
            .stderr
            .contains("standard input has no splits; leave out --split"),
        "{}",
        finished.stderr
    );
    let message = place.fail("predict model.safetensors test.csv --text body");
    assert!(
        message.contains("no \"body\" column; the columns are id, text, label"),
        "{message}"
    );
}

#[test]
fn odd_but_readable_input_is_read() {
    let place = Workplace::with_models();
    let expected = place
        .pipe(
            "predict model.safetensors",
            "id,text\n1,fine film\n2,dull\n",
        )
        .stdout;
    for (what, input) in [
        (
            "a byte-order mark",
            &b"\xef\xbb\xbfid,text\n1,fine film\n2,dull\n"[..],
        ),
        ("CRLF", b"id,text\r\n1,fine film\r\n2,dull\r\n"),
        ("a NUL byte", b"id,text\n1,fine\0film\n2,dull\n"),
        ("no line end at the end", b"id,text\n1,fine film\n2,dull"),
        (
            "quotes",
            b"\"id\",\"text\"\n\"1\",\"fine film\"\n\"2\",\"dull\"\n",
        ),
    ] {
        let finished = place.pipe("predict model.safetensors", input);
        assert_eq!(
            (finished.code, &finished.stdout),
            (Some(0), &expected),
            "{what}"
        );
        place.write("odd.csv", input);
        assert_eq!(
            place.succeed("predict model.safetensors odd.csv"),
            expected,
            "{what}"
        );
    }
    let marked = b"\xef\xbb\xbftext,label\r\nfine\0film,pos\r\ndull,neg\r\n";
    place.write("marked.csv", marked);
    assert!(
        place
            .succeed("evaluate model.safetensors marked.csv --json")
            .contains("\"documents\": 2")
    );
}

#[test]
fn an_empty_text_is_classified() {
    let place = Workplace::with_models();
    let finished = place.pipe("predict model.safetensors", "id,text\n1,\n2,\"\"\n");
    assert_eq!(
        (finished.code, finished.stdout.lines().count()),
        (Some(0), 2),
        "{}",
        finished.stderr
    );
    place.write("some.csv", format!("{}12,,pos\n", reviews(12)));
    place.succeed(&format!("train some.csv {TRAIN}"));
}

#[test]
fn a_text_of_a_million_words_is_classified() {
    let place = Workplace::with_models();
    let words = "fine film and dull film ".repeat(200_000);
    place.write("long.csv", format!("id,text\n1,fine\n2,{words}\n3,dull\n"));
    assert_eq!(
        place
            .succeed("predict model.safetensors long.csv")
            .lines()
            .count(),
        3
    );
}

#[test]
fn a_label_that_the_model_does_not_know_is_named() {
    let place = Workplace::with_models();
    place.write("strange.csv", "text,label\nfine,pos\nodd,strange\n");
    for command in [
        "evaluate model.safetensors strange.csv",
        "baseline train.csv --test strange.csv",
    ] {
        assert_eq!(
            place.fail(command),
            "strange.csv: document 2 has the label \"strange\", which the model was not trained on (it \
             knows neg, pos); name the column of its labels with --label, or leave out the row"
        );
    }
    place.write("unlabeled.csv", "text\nfine\n");
    let message = place.fail("evaluate model.safetensors test.csv unlabeled.csv");
    assert_eq!(
        message,
        "test.csv, unlabeled.csv: document 21 has no label to compare with; name the column with --label"
    );
}

#[test]
fn a_split_that_is_not_there_is_named() {
    let place = Workplace::new();
    for (name, text) in [("pos", "fine"), ("neg", "dull")] {
        std::fs::create_dir_all(place.path("imdb/train").join(name)).unwrap();
        place.write(&format!("imdb/train/{name}/0_1.txt"), text);
    }
    assert!(
        place
            .succeed("inspect imdb --json")
            .contains("\"documents\": 2")
    );
    let message = place.fail("inspect imdb --split valid");
    assert_eq!(
        message,
        "imdb has no split \"valid\"; the splits are train, test, unsup"
    );
    let message = place.misuse("inspect train.csv --split train");
    assert!(
        message.contains("has no splits; leave out --split"),
        "{message}"
    );
}

#[test]
fn a_recipe_that_cannot_be_used_is_named() {
    let place = Workplace::new();
    let recipe = include_str!("tiny.toml");
    for (what, text, expected) in [
        (
            "an unknown field",
            recipe.replace("n_layers", "layers"),
            "unknown field `layers`",
        ),
        (
            "a missing field",
            recipe.replace("n_layers = 2\n", ""),
            "missing field `n_layers`",
        ),
        (
            "a number out of range",
            recipe.replace("validation = 0.1", "validation = 1.5"),
            "`validation` is a part",
        ),
    ] {
        place.write("bad.toml", text);
        let finished = place.run("pretrain train.csv --recipe bad.toml --run run");
        assert_eq!(finished.code, Some(1), "{what}");
        assert!(
            finished.stderr.starts_with("error: bad.toml: "),
            "{what}: {}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains(expected),
            "{what}: {}",
            finished.stderr
        );
    }
    assert!(!place.path("run").exists());
}

/// A file may not grow past a limit here, which is what a full disk looks like to a program.
#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_leaves_no_half_files() {
    let place = Workplace::with_models();
    let binary = env!("CARGO_BIN_EXE_ulmfit");
    for (blocks, arguments) in [
        (
            1,
            "finetune train.csv --recipe tiny.toml --run run --pretrained none",
        ),
        (
            1,
            "ensemble model.safetensors model.safetensors --output both.safetensors",
        ),
    ] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{binary}' {arguments}");
        let mut command = std::process::Command::new("sh");
        let output = command
            .args(["-c", &script])
            .current_dir(place.path(""))
            .output()
            .unwrap();
        let finished = crate::workplace::Finished::from(output);
        let message = finished.failure(arguments);
        assert!(
            message.contains("cannot write ") && message.contains("File too large"),
            "{message}"
        );
        assert!(!place.path("both.safetensors").exists());
        assert!(!place.path("run/model.safetensors").exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn answers_that_cannot_be_written_are_a_failure() {
    let place = Workplace::with_models();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = place.command("predict model.safetensors test.csv");
    let output = command.stdout(full).output().unwrap();
    let message = crate::workplace::Finished::from(output).failure("predict");
    assert_eq!(
        message,
        "cannot write to standard output: No space left on device (os error 28); make room there, and \
         repeat the command"
    );
}
