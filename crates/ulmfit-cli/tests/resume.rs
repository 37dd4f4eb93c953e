use std::process::Child;
use std::time::Duration;

use crate::workplace::{Workplace, reviews};

/// Waits until something is so, or the process has ended; as long as it takes, since machines differ.
pub(crate) fn wait_for(child: &mut Child, is_so: impl Fn() -> bool) {
    while !is_so() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A run that is killed, at the latest before its last epoch, and resumed ends with the same files
/// as one that is not.
fn check(place: &Workplace, stage: &str) {
    let run = |name: &str| format!("{stage} --recipe many.toml --seed 9 --run {name}");
    place.succeed(&run("whole"));
    let epochs = |name: &str| {
        let metrics = std::fs::read_to_string(place.path(name).join("metrics.jsonl"));
        metrics
            .unwrap_or_default()
            .lines()
            .filter(|line| line.contains("valid_loss"))
            .count()
    };
    let total = epochs("whole");
    for (stop_after, resume) in [(1, ""), (total / 2, " --resume")] {
        let mut child = place.start(&format!("{} --checkpoint-every 0{resume}", run("killed")));
        wait_for(&mut child, || epochs("killed") >= stop_after);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(place.path("killed/checkpoint-last.safetensors").exists());
        assert!(
            epochs("killed") < total,
            "the run was over before it could be killed"
        );
    }
    place.succeed(&format!("{} --resume", run("killed")));
    for file in ["metrics.jsonl", "model.safetensors"] {
        let (whole, killed) = (
            place.read(&format!("whole/{file}")),
            place.read(&format!("killed/{file}")),
        );
        assert!(whole == killed, "{file} of the resumed {stage} differs");
    }
}

fn place() -> Workplace {
    let place = Workplace::new();
    let recipe = include_str!("tiny.toml");
    let recipe = recipe
        .replace("epochs = 2", "epochs = 8")
        .replace("epochs = 3", "epochs = 8");
    place.write("many.toml", recipe);
    place.write("more.csv", reviews(120));
    place
}

#[test]
fn resume_pretrain_ends_as_if_it_had_not_been_killed() {
    check(&place(), "pretrain more.csv");
}

#[test]
fn resume_finetune_ends_as_if_it_had_not_been_killed() {
    let place = place();
    place.succeed("pretrain train.csv --recipe tiny.toml --run general");
    check(
        &place,
        "finetune more.csv --pretrained general/model.safetensors",
    );
}

#[test]
fn resume_classifier_ends_as_if_it_had_not_been_killed() {
    let place = place();
    place.succeed("finetune train.csv --recipe tiny.toml --run lm --pretrained none");
    check(
        &place,
        "train more.csv --language-model lm/model.safetensors",
    );
}

#[test]
fn resume_of_a_finished_run_changes_nothing() {
    let place = Workplace::new();
    let arguments = "finetune train.csv --recipe tiny.toml --run run --pretrained none";
    place.succeed(arguments);
    let files = || {
        ["run.json", "metrics.jsonl", "model.safetensors"]
            .map(|file| place.read(&format!("run/{file}")))
    };
    let before = files();
    place.succeed(&format!("{arguments} --resume"));
    assert!(files() == before);
}

#[test]
fn resume_refuses_a_checkpoint_of_another_configuration() {
    let place = Workplace::new();
    place.succeed("finetune train.csv --recipe tiny.toml --run run --pretrained none");
    let recipe = include_str!("tiny.toml").replace("lr_max = 0.01", "lr_max = 0.02");
    place.write("other.toml", recipe);
    for (arguments, what) in [
        (
            "finetune train.csv --recipe other.toml --run run --resume --pretrained none",
            "another recipe",
        ),
        (
            "finetune train.csv --recipe tiny.toml --run run --resume --seed 1 --pretrained none",
            "another seed",
        ),
        (
            "finetune test.csv --recipe tiny.toml --run run --resume --pretrained none",
            "another data set",
        ),
        (
            "pretrain train.csv --recipe tiny.toml --run run --resume",
            "another stage",
        ),
        (
            "finetune train.csv --recipe tiny.toml --run run --resume --direction backward --pretrained none",
            "another direction",
        ),
        (
            "finetune train.csv --recipe tiny.toml --run run --pretrained none",
            "holds a run already",
        ),
    ] {
        let message = place.fail(arguments);
        assert!(
            message.starts_with("run: ") && message.contains(what),
            "{arguments}: {message}"
        );
    }
}

#[test]
fn resume_waits_for_no_other_process() {
    let place = Workplace::new();
    let recipe = include_str!("tiny.toml").replace("epochs = 2", "epochs = 5000");
    place.write("long.toml", recipe);
    let arguments =
        "finetune train.csv --recipe long.toml --run run --checkpoint-every 0 --pretrained none";
    let mut child = place.start(arguments);
    wait_for(&mut child, || {
        place.path("run/checkpoint-last.safetensors").exists()
    });
    let message = place.fail(&format!("{arguments} --resume"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        message.contains("another process is running in this directory"),
        "{message}"
    );
}

#[test]
fn resume_of_a_fit_is_the_same_command_again() {
    let place = place();
    let fit = |model: &str| {
        format!("fit more.csv -o {model} --recipe many.toml --seed 9 --pretrained none")
    };
    place.succeed(&fit("whole.safetensors"));
    for stage in ["finetune", "classifier"] {
        let checkpoint =
            format!("killed.safetensors.work/{stage}-forward/checkpoint-last.safetensors");
        let mut child = place.start(&format!(
            "{} --checkpoint-every 0",
            fit("killed.safetensors")
        ));
        wait_for(&mut child, || place.path(&checkpoint).exists());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(place.path(&checkpoint).exists());
        assert!(
            !place.path("killed.safetensors").exists(),
            "it was over before it could be killed"
        );
    }
    place.succeed(&fit("killed.safetensors"));
    assert!(place.read("killed.safetensors") == place.read("whole.safetensors"));
}
