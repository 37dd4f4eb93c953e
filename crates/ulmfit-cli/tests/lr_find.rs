use serde_json::Value;

use crate::workplace::Workplace;

#[test]
fn every_stage_gets_a_curve_and_a_suggestion() {
    let place = Workplace::with_models();
    for stage in [
        "--stage pretrain",
        "--stage finetune --pretrained none",
        "--pretrained lm.safetensors",
        "--language-model lm.safetensors",
        "--language-model lm.safetensors --phase 3",
    ] {
        let printed = place.succeed(&format!(
            "lr-find train.csv --recipe tiny.toml {stage} --json"
        ));
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let points = printed["points"].as_array().unwrap();
        assert!(
            points.len() > 20 && points.len() <= 100,
            "{stage}: {}",
            points.len()
        );
        let rate = |index: usize| points[index]["learning_rate"].as_f64().unwrap();
        assert!((rate(0) - 1e-7).abs() < 1e-12, "{stage}");
        assert!(
            (rate(2) / rate(1) - rate(1) / rate(0)).abs() < 1e-9,
            "{stage}"
        );
        if let Some(suggestion) = printed["suggestion"].as_f64() {
            assert!(
                suggestion > rate(0) && suggestion < rate(points.len() - 1),
                "{stage}"
            );
        }
    }
}

#[test]
fn several_labels_and_numbers_have_rates_too() {
    let place = Workplace::with_models();
    let rows = (0..40).map(|number| format!("a film,{},{number}\n", ["a;b", "b"][number % 2]));
    place.write(
        "rows.csv",
        format!("text,tags,stars\n{}", rows.collect::<String>()),
    );
    for labels in [
        "--label tags --label-separator ;",
        "--label stars --regression",
    ] {
        let printed = place.succeed(&format!(
            "lr-find rows.csv {labels} --recipe tiny.toml --language-model lm.safetensors --json"
        ));
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert!(printed["points"].as_array().unwrap().len() > 20, "{labels}");
    }
}

#[test]
fn a_curve_is_drawn_twice_the_same() {
    let place = Workplace::new();
    let command = "lr-find train.csv --recipe tiny.toml --pretrained none --to 30 --steps 60 --plot rates.svg";
    let printed = place.succeed(command);
    let picture = place.read("rates.svg");
    assert_eq!(place.succeed(command), printed);
    assert!(place.read("rates.svg") == picture);
    assert!(
        printed.contains('•') && printed.contains("1e-7"),
        "{printed}"
    );
    assert!(printed.contains("suggestion  "), "{printed}");
    assert!(
        printed.lines().all(|line| line.chars().count() <= 110),
        "{printed}"
    );
    assert!(String::from_utf8(picture).unwrap().starts_with("<svg"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Workplace::with_models();
    let command = |more: &str| format!("lr-find train.csv --recipe tiny.toml {more}");
    for (more, expected) in [
        (
            "--from 1 --to 0.1 --pretrained none",
            "must rise from a number above 0",
        ),
        (
            "--from 0 --pretrained none",
            "must rise from a number above 0",
        ),
        ("--steps 1 --pretrained none", "in 2 steps or more"),
        // Rates that were infinite, with as many powers of ten below the curve.
        (
            "--to 1e302 --pretrained none",
            "go from 1e-7 to 1e302 in 100 steps; they must rise from a number above 0, to 1e100 times of \
             it at most",
        ),
        ("--stage train", "name it with --language-model"),
        (
            "--stage pretrain --pretrained lm.safetensors",
            "say --stage finetune",
        ),
        (
            "--stage finetune --language-model lm.safetensors",
            "say --stage train",
        ),
        ("--phase 0", "invalid value '0' for '--phase <N>'"),
    ] {
        let message = place.misuse(&command(more));
        assert!(message.contains(expected), "{more}: {message}");
    }
    let data = place.read("train.csv");
    for (more, expected) in [
        (
            "--phase 2 --pretrained none",
            "has 1 phases, and phase 2 is asked for",
        ),
        (
            "--plot nowhere/rates.svg --steps 20 --pretrained none",
            "cannot write to nowhere; name another place",
        ),
        (
            "--plot ./train.csv --pretrained none",
            "./train.csv is read here and would be written over itself; name another file with --plot",
        ),
        (
            "--plot lm.safetensors --language-model lm.safetensors",
            "name another file with --plot",
        ),
    ] {
        let message = place.fail(&command(more));
        assert!(message.contains(expected), "{more}: {message}");
    }
    assert!(place.read("train.csv") == data);
}
