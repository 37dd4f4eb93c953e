use crate::workplace::Workplace;

#[test]
fn what_is_read_in_a_folder_is_not_written_over() {
    let place = Workplace::new();
    for class in ["a", "b"] {
        std::fs::create_dir_all(place.path("mail").join(class)).unwrap();
        place.write(&format!("mail/{class}/1.txt"), "see you at the lake");
    }
    place.succeed("encode train.csv -o train.corpus");
    for (arguments, output, option) in [
        ("fit mail --pretrained none -o", "mail/a/1.txt", "--output"),
        (
            "lr-find train.corpus --stage pretrain --steps 5 --plot",
            "train.corpus/ids.bin",
            "--plot",
        ),
    ] {
        let command = format!("{arguments} {output} --recipe tiny.toml");
        place.refuses_to_overwrite(&command, output, option);
    }
}

#[test]
fn a_run_takes_no_folder_with_files_that_are_not_its_own() {
    let place = Workplace::with_models();
    std::fs::create_dir(place.path("general")).unwrap();
    for (name, bytes) in [
        ("model.safetensors", place.read("lm.safetensors")),
        ("metrics.jsonl", b"{}\n".to_vec()),
    ] {
        place.write(&format!("general/{name}"), &bytes);
        for more in ["", "--resume"] {
            let message = place.fail(&format!(
                "finetune train.csv --recipe tiny.toml --pretrained lm.safetensors --run general {more}"
            ));
            assert!(
                message.contains(&format!("holds a {name} that is of no run here")),
                "{message}"
            );
        }
        let path = place.path(&format!("general/{name}"));
        assert!(std::fs::read(&path).unwrap() == bytes);
        std::fs::remove_file(path).unwrap();
    }
}

/// What is to be read is not there, so that whoever reads before looking would say so.
#[test]
fn places_to_write_are_looked_at_before_anything_is_read() {
    let place = Workplace::new();
    for folder in ["folder", "m.st.md"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    let is_folder = |name: &str, option: &str| {
        format!(
            "{name} names a folder, and a file is to be written there; name a file with {option}"
        )
    };
    for (arguments, name) in [
        ("fit no.csv --recipe tiny.toml -o new/", "new/"),
        ("fit no.csv --recipe tiny.toml -o folder", "folder"),
        ("fit no.csv --recipe tiny.toml -o m.st", "m.st.md"),
        ("quantize no.st -o new/.", "new/."),
        ("ensemble no.st no.st --output folder", "folder"),
        ("import no.pth -o folder", "folder"),
    ] {
        assert_eq!(place.fail(arguments), is_folder(name, "--output"));
    }
    std::fs::create_dir(place.path("finetune-a")).unwrap();
    for (output, work, removed) in [
        ("m", "m", "m"),
        ("m", "./m.md", "m.md"),
        ("finetune-a/m", ".", "finetune-a/m"),
    ] {
        let message = place.fail(&format!("fit no.csv -o {output} --work {work}"));
        let expected = format!(
            "{removed} would be removed with the checkpoints in {work}; name another folder with --work"
        );
        assert_eq!(message, expected);
    }
    for plot in [".", "new/"] {
        let message = place.fail(&format!("lr-find no.csv --recipe no.toml --plot {plot}"));
        assert_eq!(message, is_folder(plot, "--plot"));
    }
    for arguments in [
        "lr-find no.csv --recipe no.toml --plot nowhere/x.svg",
        "quantize no.st -o nowhere/m.st",
        "ensemble no.st no.st --output nowhere/m.st",
    ] {
        let message = place.fail(arguments);
        assert!(
            message.starts_with("cannot write to nowhere; name another place"),
            "{message}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_place_to_write_a_file() {
    let place = Workplace::new();
    let mut mkfifo = std::process::Command::new("mkfifo");
    assert!(mkfifo.arg(place.path("pipe")).status().unwrap().success());
    for (arguments, option) in [
        ("fit no.csv --recipe tiny.toml -o pipe", "--output"),
        ("lr-find no.csv --recipe no.toml --plot pipe", "--plot"),
    ] {
        assert_eq!(
            place.fail(arguments),
            format!(
                "pipe is a device or a pipe, which a file would take the place of; name a file with {option}"
            )
        );
    }
}

/// Latin-1, as old archives have it.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_are_names() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use serde_json::Value;

    use crate::import::checkpoint;
    use crate::workplace::Finished;

    let place = Workplace::new();
    let latin1 = |name: &str| {
        let bytes = name.bytes();
        OsString::from_vec(bytes.map(|it| if it == b'?' { 0xe9 } else { it }).collect())
    };
    let copied = place.path("").join(latin1("caf?.csv"));
    std::fs::copy(place.path("train.csv"), copied).unwrap();
    let vocab = place.path("").join(latin1("v?.pkl"));
    std::fs::write(vocab, checkpoint("vocab.pkl")).unwrap();
    place.write("lm_v1.pth", checkpoint("lm_v1.pth"));
    for (arguments, key, expected) in [
        ("encode caf?.csv -o c?.corpus", "corpus", "c\u{fffd}.corpus"),
        (
            "pretrain caf?.csv --recipe tiny.toml --run r?",
            "model",
            "r\u{fffd}/model.safetensors",
        ),
        (
            "fit caf?.csv --recipe tiny.toml --pretrained none -o m?.st",
            "model",
            "m\u{fffd}.st",
        ),
        (
            "import lm_v1.pth --vocab v?.pkl -o i?.st",
            "vocab",
            "v\u{fffd}.pkl",
        ),
    ] {
        let mut command = place.command("");
        command.args(arguments.split(' ').map(latin1)).arg("--json");
        let finished = Finished::from(command.output().unwrap());
        assert_eq!(finished.code, Some(0), "{arguments}: {}", finished.stderr);
        let printed: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(printed[key], expected, "{arguments}");
    }
    let run = std::fs::read_to_string(place.path("").join(latin1("r?")).join("run.json"));
    assert!(run.unwrap().contains("caf\u{fffd}.csv"));
}
