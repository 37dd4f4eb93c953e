use serde_json::Value;

use crate::workplace::Workplace;

#[test]
fn a_seed_gives_a_text_without_anything_that_is_none() {
    let place = Workplace::with_models();
    let generate = |more: &str| place.succeed(&format!("generate lm.safetensors {more}"));
    let text = generate("A --tokens 80 --seed 3");
    assert_eq!(text, generate("A --tokens 80 --seed 3 --threads 1"));
    assert_ne!(text, generate("A --tokens 80 --seed 4"));
    assert!(text.starts_with('A'), "{text}");
    let printed: Value = serde_json::from_str(&generate("A --tokens 80 --seed 3 --json")).unwrap();
    assert_eq!(printed["text"].as_str(), Some(text.trim_end()));
    let tokens = printed["tokens"].as_array().unwrap();
    let tokens: Vec<&str> = tokens.iter().filter_map(Value::as_str).collect();
    assert_eq!((tokens.len(), tokens[0], tokens[1]), (82, "xxbos", "a"));
    for never in ["xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxfake"] {
        assert!(!tokens[1..].contains(&never), "{never}");
    }
    assert!(!text.contains("xx"), "{text}");
    // One token among one is the most probable.
    assert_eq!(
        generate("A --tokens 30 --top-k 1 --seed 1"),
        generate("A --tokens 30 --temperature 0")
    );
}

#[test]
fn a_backward_model_leads_up_to_the_prompt() {
    let place = Workplace::new();
    place.succeed(
        "finetune train.csv --recipe tiny.toml --run back --direction backward --pretrained none",
    );
    let printed = place.succeed("generate back/model.safetensors film --tokens 12 --json");
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let tokens = printed["tokens"].as_array().unwrap();
    assert_eq!((tokens.len(), tokens[12].as_str()), (13, Some("film")));
}

#[test]
fn what_cannot_go_on_with_a_text_is_refused() {
    let place = Workplace::with_models();
    let message = place.fail("generate model.safetensors A");
    assert!(
        message.contains("holds a classifier where a language model is needed"),
        "{message}"
    );
    for temperature in ["-1", "NaN", "inf", "warm"] {
        let finished = place.run(&format!(
            "generate lm.safetensors --temperature={temperature}"
        ));
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("a number from 0 on is needed"),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn every_shell_has_its_completions() {
    let place = Workplace::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.succeed(&format!("completions {shell}"));
        assert!(
            script.contains("ulmfit") && script.contains("--language-model"),
            "{shell}"
        );
    }
    assert_eq!(place.run("completions tcsh").code, Some(2));
}
