use std::fmt::Write as _;

use crate::workplace::{Workplace, reviews};

/// A fastai checkpoint and its words, to damage.
const CHECKPOINT: &[u8] =
    include_bytes!("../../ulmfit-model/tests/fixtures/fastai_checkpoints/lm_v2.pth");
const WORDS: &[u8] =
    include_bytes!("../../ulmfit-model/tests/fixtures/fastai_checkpoints/vocab.pkl");

/// What `ulmfit` says to each command line, which is never a panic and ends a failure in a sentence.
fn transcript(place: &Workplace, commands: impl IntoIterator<Item = String>) -> String {
    let mut text = String::new();
    for command in commands {
        let finished = place.run(&command);
        let said = &finished.stderr;
        assert!(!said.contains("panicked"), "{command}: {said}");
        assert!(matches!(finished.code, Some(1 | 2)), "{command}: {said}");
        let last = said
            .lines()
            .find(|line| line.starts_with("error: "))
            .unwrap_or_else(|| panic!("{command}: {said}"));
        writeln!(text, "$ ulmfit {command}\n{last}\n").unwrap();
    }
    text
}

#[test]
fn data_that_cannot_be_used_is_told_alike_by_every_command() {
    let place = Workplace::with_models();
    let ids = (0..10_000).map(|i| format!("text {i},{}\n", 7 * i));
    let ids = format!("text,label\n{}", ids.collect::<String>());
    let files: [(&str, &[u8]); 16] = [
        ("empty.csv", b""),
        ("header.csv", b"text,label\n"),
        ("blank.csv", b"\n\n\n"),
        ("latin1.csv", b"text,label\nfine,pos\ncaf\xe9,neg\n"),
        (
            "quotes.csv",
            b"text,label\nfine,pos\n\"dull,neg\nfine,pos\n",
        ),
        ("ragged.csv", b"text,label\nfine,pos\ndull,neg,more\n"),
        ("columns.csv", b"body,stars\nfine,5\n"),
        ("twice.csv", b"text,text,label\nfine,film,pos\n"),
        ("strange.csv", b"text,label\nfine,pos\ndull,so-so\n"),
        ("ids.csv", ids.as_bytes()),
        ("array.jsonl", b"[\"fine\", \"pos\"]\n"),
        (
            "broken.jsonl",
            b"{\"text\": \"fine\", \"label\": \"pos\"}\n{\"text\":\n",
        ),
        (
            "nested.jsonl",
            b"{\"text\": {\"body\": \"fine\"}, \"label\": \"pos\"}\n",
        ),
        ("cut.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\xff+I\xad(\xd1"),
        ("page.xml", b"<a/>"),
        ("table.parquet", b"PAR1 and no more"),
    ];
    let mut commands = vec![];
    for (name, bytes) in files.into_iter().chain([("nowhere.csv", &b""[..])]) {
        if name != "nowhere.csv" {
            place.write(name, bytes);
        }
        commands.push(format!(
            "fit {name} -o new.safetensors --recipe tiny.toml --pretrained none"
        ));
        // To `predict` any text will do, and labels do not matter.
        if !matches!(name, "strange.csv" | "ids.csv") {
            commands.push(format!("predict model.safetensors {name}"));
        }
        commands.push(format!("evaluate model.safetensors {name}"));
    }
    insta::assert_snapshot!(transcript(&place, commands));
    assert!(!place.path("new.safetensors").exists());
}

#[test]
fn what_cannot_be_imported_is_told() {
    let place = Workplace::with_models();
    let half = &CHECKPOINT[..CHECKPOINT.len() / 2];
    let files: [(&str, &[u8]); 7] = [
        ("good.pth", CHECKPOINT),
        ("words.pkl", WORDS),
        ("empty.pth", b""),
        ("half.pth", half),
        ("page.pth", b"<html>404 Not Found</html>"),
        ("system.pth", b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."),
        ("words.txt", b"the\nof\n"),
    ];
    for (name, bytes) in files {
        place.write(name, bytes);
    }
    let commands = [
        "import empty.pth --vocab words.pkl -o new.safetensors",
        "import half.pth --vocab words.pkl -o new.safetensors",
        "import page.pth --vocab words.pkl -o new.safetensors",
        "import system.pth --vocab words.pkl -o new.safetensors",
        "import nowhere.pth --vocab words.pkl -o new.safetensors",
        "import good.pth --vocab words.txt -o new.safetensors",
        "import good.pth --vocab good.pth -o new.safetensors",
        "import good.pth --vocab nowhere.pkl -o new.safetensors",
        "import good.pth -o new.safetensors",
        "import good.pth --vocab words.pkl -o nowhere/new.safetensors",
        "import model.safetensors --vocab words.pkl -o new.safetensors",
        "import good.pth --vocab words.pkl -o words.pkl",
    ];
    insta::assert_snapshot!(transcript(&place, commands.map(str::to_owned)));
    assert!(!place.path("new.safetensors").exists());
}

#[test]
fn models_of_the_wrong_kind_and_places_that_cannot_be_written_are_told() {
    let place = Workplace::with_models();
    place.write("more.csv", reviews(40));
    let commands = [
        "predict lm.safetensors test.csv",
        "generate model.safetensors film",
        "quantize lm.safetensors -o new.safetensors",
        "fit train.csv -o new.safetensors --recipe tiny.toml --pretrained model.safetensors",
        "fit train.csv -o nowhere/new.safetensors --recipe tiny.toml",
        "fit train.csv -o . --recipe tiny.toml",
        "fit train.csv -o new.safetensors --recipe nowhere.toml",
        "fit train.csv -o new.safetensors --recipe train.csv",
        "fit train.csv -o new.safetensors --recipe tiny.toml --pretrained none --work train.csv",
        "fit train.csv -o new.safetensors --recipe tiny.toml --pretrained none --label stars",
        "fit train.csv -o new.safetensors --recipe tiny.toml --pretrained none --text body",
        "fit train.csv -o new.safetensors --recipe tiny.toml --time-budget soon",
        "fit train.csv -o new.safetensors --recipe tiny.toml --direction sideways",
        "export model.safetensors -o train.csv",
        "predict train.csv test.csv",
        "ensemble model.safetensors model.safetensors --output model.safetensors",
    ];
    insta::assert_snapshot!(transcript(&place, commands.map(str::to_owned)));
    assert!(!place.path("new.safetensors").exists());
}

#[test]
fn help_fits_a_terminal_of_forty_columns() {
    let place = Workplace::new();
    for command in ["fit", "train", "predict", "evaluate", "import"] {
        let output = place
            .command(&format!("{command} --help"))
            .env("COLUMNS", "40")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}");
        assert!(!output.stdout.is_empty());
    }
}
