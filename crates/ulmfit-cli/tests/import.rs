use std::path::Path;

use serde_json::Value;

use crate::workplace::Workplace;

/// A checkpoint among the fixtures of ulmfit-model.
pub(crate) fn checkpoint(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ulmfit-model/tests/fixtures");
    std::fs::read(folder.join("fastai_checkpoints").join(name)).unwrap()
}

/// A place with the checkpoints that are named, and `vocab.pkl`.
fn place(names: &[&str]) -> Workplace {
    let place = Workplace::new();
    for name in names.iter().chain(&["vocab.pkl"]) {
        place.write(name, checkpoint(name));
    }
    place
}

fn json(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap()
}

#[test]
fn a_language_model_of_fastai_is_fine_tuned() {
    let place = place(&["lm_v1.pth"]);
    let printed = place.succeed("import lm_v1.pth --vocab vocab.pkl -o lm.safetensors");
    assert_eq!(
        printed,
        "model      lm.safetensors\n\
         kind       language model of fastai 1.0, forward\n\
         sizes      12/20/3, 50 tokens of vocab.pkl\n\
         tokenizer  word, rules fastai-v2\n"
    );
    place.succeed("import lm_v1.pth --vocab vocab.pkl -o half.safetensors --half");
    assert!(place.read("half.safetensors").len() < place.read("lm.safetensors").len());
    place.succeed("finetune train.csv --recipe tiny.toml --run tuned --pretrained lm.safetensors");
    let described = json(&place.succeed("inspect lm.safetensors --json"));
    assert_eq!(described["members"][0]["provenance"]["stage"], "import");
}

#[test]
fn a_classifier_of_fastai_predicts() {
    let place = place(&["classifier_v07.h5"]);
    // The only vocabulary beside it is taken.
    let printed = place.succeed("import classifier_v07.h5 -o c.safetensors --labels a,b,c --json");
    let printed = json(&printed);
    assert_eq!(printed["fastai"], "0.7");
    assert_eq!(printed["labels"], serde_json::json!(["a", "b", "c"]));
    let answers = place.succeed("predict c.safetensors test.csv");
    let answer = json(answers.lines().next().unwrap());
    assert_eq!(answer["probabilities"].as_object().unwrap().len(), 3);
    // Names of classes that are in the vocabulary's pickle come along.
    place.write("learner.pth", checkpoint("learner.pth"));
    place.write("learner_vocab.pkl", checkpoint("learner_vocab.pkl"));
    let printed = place.succeed("import learner.pth --vocab learner_vocab.pkl -o l.safetensors");
    assert!(printed.contains("labels     neg, pos"), "{printed}");
}

#[test]
fn the_names_of_classes_tell_them_apart() {
    let place = place(&["classifier_v07.h5"]);
    let import = |labels: &str| {
        let mut command = place.command("import classifier_v07.h5 -o c.safetensors --json");
        let output = command.args(["--labels", labels]).output().unwrap();
        crate::workplace::Finished::from(output)
    };
    for (labels, expected) in [
        ("a,a,b", "two classes have the name \"a\""),
        (" a,b,a ", "two classes have the name \"a\""),
        ("a,,b", "class 2 has no name"),
        ("a,b, ", "class 3 has no name"),
    ] {
        assert_eq!(
            import(labels).failure(labels),
            format!("classifier_v07.h5: {expected}; give each a name of its own with --labels")
        );
        assert!(!place.path("c.safetensors").exists());
    }
    let printed = import(" a,b ,c");
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let labels = &json(&printed.stdout)["labels"];
    assert_eq!(*labels, serde_json::json!(["a", "b", "c"]));
}

#[test]
fn an_encoder_alone_serves_a_classifier() {
    let place = place(&["encoder_v2.pth"]);
    let printed = place.succeed("import encoder_v2.pth -o lm.safetensors --rules fastai-v1");
    assert!(printed.contains("an encoder alone"), "{printed}");
    assert!(printed.contains("rules fastai-v1"), "{printed}");
    place.succeed("train train.csv --recipe tiny.toml --run c --language-model lm.safetensors");
}

#[test]
fn what_is_exported_is_imported_to_the_very_same_file() {
    let place = Workplace::with_models();
    place.succeed("quantize model.safetensors -o small.safetensors");
    for model in ["lm.safetensors", "model.safetensors", "small.safetensors"] {
        let folder = model.replace(".safetensors", "-exported");
        let files = place.succeed(&format!("export {model} -o {folder}"));
        assert_eq!(files.lines().count(), 6, "{files}");
        place.succeed(&format!("import {folder} -o again.safetensors"));
        assert!(
            place.read("again.safetensors") == place.read(model),
            "{model}"
        );
        // The weights with fastai's names are a checkpoint as any other.
        let vocab = format!("--vocab {folder}/vocab.pkl");
        place.succeed(&format!(
            "import {folder}/model.safetensors {vocab} -o other.safetensors"
        ));
        place.succeed(&format!(
            "import {folder}/encoder.safetensors {vocab} -o encoder.safetensors"
        ));
    }
    let message = place.fail("export lm.safetensors -o lm-exported");
    assert_eq!(
        message,
        "lm-exported is there and is no empty folder; name another one"
    );
}

#[test]
fn members_of_an_ensemble_are_exported_each_by_itself() {
    let place = Workplace::with_models();
    place.succeed("ensemble model.safetensors model.safetensors --output both.safetensors");
    let files = place.succeed("export both.safetensors -o both");
    assert_eq!(files.lines().count(), 12, "{files}");
    place.succeed("import both/member-2 -o again.safetensors");
    assert!(place.read("again.safetensors") == place.read("model.safetensors"));
    let printed = place.succeed("import both -o joined.safetensors");
    assert!(printed.contains("members    2, of which"), "{printed}");
    assert!(place.read("joined.safetensors") == place.read("both.safetensors"));
    std::fs::remove_dir_all(place.path("both/member-2")).unwrap();
    let message = place.fail("import both -o part.safetensors");
    assert!(message.contains("is not a whole ensemble"), "{message}");
}

#[test]
fn the_exported_vocabulary_and_tokenizer_agree() {
    let place = Workplace::with_models();
    place.succeed("export lm.safetensors -o exported");
    let tokens: Vec<String> = serde_json::from_slice(&place.read("exported/vocab.json")).unwrap();
    let tokenizer = json(&String::from_utf8(place.read("exported/tokenizer.json")).unwrap());
    for (id, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| *token != "xxfake")
    {
        assert_eq!(tokenizer["model"]["vocab"][token], id, "{token}");
    }
}

#[test]
fn an_exported_folder_says_all_of_its_model_and_is_not_written_over() {
    let place = Workplace::with_models();
    place.succeed("export model.safetensors -o exported");
    for (options, named) in [
        ("--labels x,y", "leave out --labels"),
        (
            "--direction forward --vocab nonexist.pkl",
            "leave out --vocab, --direction",
        ),
        (
            "--rules fastai-v1 --tokenizer-file nofile",
            "leave out --rules, --tokenizer-file",
        ),
    ] {
        let message = place.misuse(&format!("import exported -o again.safetensors {options}"));
        assert!(message.contains(named), "{options}: {message}");
    }
    assert!(!place.path("again.safetensors").exists());

    place.write("tokenizer.json", "{}");
    for (arguments, output) in [
        ("exported", "exported/model.safetensors"),
        ("exported", "exported/vocab.pkl"),
        // The vocabulary that is found beside it.
        ("exported/model.safetensors", "exported/vocab.pkl"),
        (
            "exported/model.safetensors --tokenizer-file tokenizer.json",
            "./tokenizer.json",
        ),
    ] {
        let command = format!("import {arguments} -o {output}");
        place.refuses_to_overwrite(&command, output, "--output");
    }
}

#[test]
fn what_is_no_checkpoint_is_refused_with_a_reason() {
    let place = place(&["lm_v2.pth", "classifier_v2.pth"]);
    let good = place.read("lm_v2.pth");
    let legacy = |pickle: &[u8]| {
        let front = &checkpoint("lm_v2_legacy.pth")[..15];
        [front, b"\x80\x02M\xe9\x03.\x80\x02}.", pickle].concat()
    };
    for (bytes, expected) in [
        (Vec::new(), "is empty"),
        (good[..good.len() / 2].to_vec(), "may be truncated"),
        (
            b"\x1f\x8b\x08 and so on".to_vec(),
            "is packed with gzip; unpack it",
        ),
        (
            b"text,label\nfine,pos\n".to_vec(),
            "is neither a checkpoint of PyTorch's nor",
        ),
        (
            b"PK\x03\x04 and so on".to_vec(),
            "is not a whole zip archive",
        ),
        (
            legacy(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."),
            "names os.system, which is not part",
        ),
        (
            legacy(b"\x80\x02cfastai.learner\nLearner\n."),
            "is a whole learner",
        ),
        (legacy(b"\x80\x02]."), "holds no dictionary"),
        (legacy(b"\x80\x02X\xff\xff\xff\x7f."), "may be truncated"),
    ] {
        place.write("bad.pth", bytes);
        let message = place.fail("import bad.pth --vocab vocab.pkl -o out.safetensors");
        assert!(message.starts_with("bad.pth: "), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(!place.path("out.safetensors").exists());
    }
    let message = place.fail("import nowhere.pth --vocab vocab.pkl -o out.safetensors");
    assert!(message.contains("nowhere.pth"), "{message}");
    std::fs::create_dir(place.path("folder")).unwrap();
    let message = place.fail("import folder -o out.safetensors");
    assert!(
        message.contains("is a folder without ulmfit.json"),
        "{message}"
    );
}

#[test]
fn words_and_labels_that_do_not_fit_are_refused_with_a_remedy() {
    let place = place(&["lm_v2.pth", "classifier_v2.pth"]);
    let refused = |arguments: &str| place.fail(&format!("import {arguments} -o out.safetensors"));
    place.write("few.json", "[\"xxunk\", \"a\"]");
    let message = refused("lm_v2.pth --vocab few.json");
    assert!(message.contains("few.json: has 2 tokens, and lm_v2.pth has embeddings of 50"));
    place.write("words.txt", "xxunk\na\n");
    let message = refused("lm_v2.pth --vocab words.txt");
    assert!(
        message.contains("is not a pickled vocabulary; make one"),
        "{message}"
    );
    let message = refused("classifier_v2.pth --labels neg,pos");
    assert!(
        message.contains("has 3 classes, and 2 labels are named"),
        "{message}"
    );
    let message = refused("lm_v2.pth --labels neg,pos");
    assert!(message.contains("is no classifier"), "{message}");
    place.write("itos.pkl", checkpoint("stoi.pkl"));
    let message = refused("lm_v2.pth");
    assert!(
        message.contains("beside it are itos.pkl, vocab.pkl"),
        "{message}"
    );
    for name in ["itos.pkl", "vocab.pkl"] {
        std::fs::remove_file(place.path(name)).unwrap();
    }
    let message = refused("lm_v2.pth");
    assert!(
        message.contains("name its vocabulary with --vocab itos.pkl"),
        "{message}"
    );
}
