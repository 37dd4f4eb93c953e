//! The folder that [`export`](super::export) wrote, as the model that it was.

use std::path::Path;

use burn::tensor::Device;
use ulmfit_data::{Subwords, Tokenizer, Vocab};
use ulmfit_model::AwdLstmConfig;

use super::export::{self, Description, Kind};
use super::import::{Answers, Imported, Parts, weights_of};
use super::vocabulary;
use crate::error::TrainError;
use crate::model_file::{ModelFile, TrainedClassifier, check_answers};

/// Makes a model of the folder that [`export_fastai`](super::export_fastai) wrote: the very model that
/// was exported. Of an ensemble, what is said beside the model is that of its first member.
///
/// # Errors
///
/// As [`import_fastai`](super::import_fastai).
pub fn import_export(folder: &Path, device: &Device) -> Result<Imported, TrainError> {
    let is_export = |folder: &Path| folder.join(export::DESCRIPTION).is_file();
    if is_export(folder) || !is_export(&export::member_folder(folder, 0)) {
        return import_one(folder, device);
    }
    let mut imported = import_one(&export::member_folder(folder, 0), device)?;
    let mut members = classifiers(imported.model);
    for index in 1.. {
        let folder = export::member_folder(folder, index);
        if !folder.is_dir() {
            break;
        }
        members.extend(classifiers(import_one(&folder, device)?.model));
    }
    if members.len() < 2 || !TrainedClassifier::agree(&members) {
        return Err(TrainError::ModelFile {
            path: folder.to_owned(),
            message:
                "is not a whole ensemble, which has two classifiers or more with the same labels; \
                      export it again, or name the folder of one member"
                    .to_owned(),
        });
    }
    imported.model = ModelFile::Classifier(members);
    Ok(imported)
}

/// What can be a member of an ensemble.
fn classifiers(model: ModelFile) -> Vec<TrainedClassifier> {
    match model {
        ModelFile::Classifier(members) => members,
        ModelFile::LanguageModel(_) => Vec::new(),
    }
}

fn import_one(folder: &Path, device: &Device) -> Result<Imported, TrainError> {
    let path = |name: &str| folder.join(name);
    let refuse = |name: &str, message: String| TrainError::ModelFile {
        path: path(name),
        message,
    };
    let text = |name: &str| fs_err::read_to_string(path(name));
    let description = match text(export::DESCRIPTION) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(TrainError::ModelFile {
                path: folder.to_owned(),
                message: format!(
                    "is a folder without {}, so none that `ulmfit export` wrote; name the .pth file",
                    export::DESCRIPTION
                ),
            });
        }
        description => description?,
    };
    let description: Description = serde_json::from_str(&description)
        .map_err(|error| refuse(export::DESCRIPTION, format!("is damaged ({error})")))?;
    let Description {
        kind,
        tokenizer,
        direction,
        provenance,
    } = description;
    let vocab = vocabulary::read(&path(export::VOCAB))?;
    let vocab = Vocab::from_strings(vocab.tokens)
        .map_err(|error| refuse(export::VOCAB, error.to_string()))?;
    let subwords = match tokenizer.splitter.subword_kind() {
        Some(_) => {
            let subwords = Subwords::from_json(&text(export::TOKENIZER)?);
            Some(subwords.map_err(|error| refuse(export::TOKENIZER, error.to_string()))?)
        }
        None => None,
    };
    let bytes = fs_err::read(path(export::MODEL))?;
    let fastai = weights_of(&bytes).map_err(|message| refuse(export::MODEL, message))?;
    let stated = kind.encoder();
    let sizes = |config: &AwdLstmConfig| {
        [
            config.vocab_size,
            config.d_embedding,
            config.d_hidden,
            config.n_layers,
        ]
    };
    // Compared before a model of the stated sizes is made.
    let one_layer = stated.n_layers == 1;
    let same = sizes(&stated)
        .iter()
        .zip(sizes(&fastai.encoder))
        .enumerate()
        .all(|(index, (stated, found))| *stated == found || (index == 2 && one_layer));
    if !same || vocab.len() != stated.vocab_size || !kind.is(fastai.part) {
        return Err(refuse(
            export::DESCRIPTION,
            format!(
                "states other sizes than {} and {} have; export the model again",
                export::MODEL,
                export::VOCAB
            ),
        ));
    }
    let parts = Parts {
        tokenizer: Tokenizer::from_parts(tokenizer, subwords)
            .map_err(|error| refuse(export::DESCRIPTION, error.to_string()))?,
        vocab,
        direction,
        provenance,
    };
    let (version, part) = (fastai.version, fastai.part);
    let model = match kind {
        Kind::LanguageModel { config } => parts.language_model(config, fastai, device),
        Kind::Classifier {
            config,
            labels,
            target,
            standardization,
            precision,
            temperature,
        } => {
            check_answers(&config, &labels, &target, &standardization, temperature)
                .map_err(|message| refuse(export::DESCRIPTION, message))?;
            let answers = Answers {
                labels,
                target,
                standardization,
                precision: precision.into(),
                temperature,
            };
            parts.classifier(config, answers, fastai, device)
        }
    };
    Ok(Imported {
        model: model.map_err(|error| refuse(export::DESCRIPTION, error.to_string()))?,
        version,
        part,
        vocab: path(export::VOCAB),
    })
}

#[cfg(test)]
mod tests {
    use ulmfit_data::{Direction, TokenizerConfig};
    use ulmfit_model::{InitRng, Precision, TextClassifierConfig};

    use super::*;
    use crate::exchange::export_fastai;
    use crate::model_file::Provenance;
    use crate::target::{Standardization, Target};

    fn classifier(seed: u64, direction: Direction) -> TrainedClassifier {
        let tokens = ["xxunk", "xxpad", "xxbos", "fine", "dull"].map(str::to_owned);
        let encoder = AwdLstmConfig::new(tokens.len())
            .with_d_embedding(4)
            .with_d_hidden(6)
            .with_n_layers(2);
        let config = TextClassifierConfig::new(encoder, 2).with_d_head(3);
        TrainedClassifier {
            tokenizer: Tokenizer::from_parts(TokenizerConfig::default(), None).unwrap(),
            vocab: Vocab::from_strings(tokens.to_vec()).unwrap(),
            labels: ["neg", "pos"].map(str::to_owned).to_vec(),
            target: Target::SingleLabel,
            standardization: Standardization::default(),
            direction,
            provenance: Provenance::default(),
            precision: Precision::Float32,
            temperature: 1.0,
            model: config.init(&mut InitRng::new(seed), &Device::flex()),
            config,
        }
    }

    #[test]
    fn an_ensemble_comes_back_as_it_was_and_a_part_of_it_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("exported");
        let members = vec![
            classifier(1, Direction::Forward),
            classifier(2, Direction::Backward),
        ];
        let model = ModelFile::Classifier(members);
        export_fastai(&model, &folder).unwrap();
        let saved = |model: &ModelFile| {
            let path = place.path().join("model.safetensors");
            model.save(&path).unwrap();
            std::fs::read(path).unwrap()
        };
        let imported = import_export(&folder, &Device::flex()).unwrap();
        assert!(saved(&imported.model) == saved(&model));

        let second = export::member_folder(&folder, 1);
        let description = second.join(export::DESCRIPTION);
        let text = std::fs::read_to_string(&description).unwrap();
        let message = || {
            import_export(&folder, &Device::flex())
                .unwrap_err()
                .to_string()
        };
        for (from, to, named, expected) in [
            ("\"pos\"", "\"good\"", &folder, "is not a whole ensemble"),
            (
                "\"pos\"",
                "\"neg\"",
                &description,
                "two classes have the name \"neg\"",
            ),
            (
                "\"bptt\": 7",
                "\"bptt\": 999999997",
                &description,
                "bptt is 9",
            ),
            (
                "\"word\"",
                "\"bpe\"",
                &second.join(export::TOKENIZER),
                "not a tokenizer",
            ),
        ] {
            assert!(text.contains(from), "{text}");
            std::fs::write(&description, text.replace(from, to)).unwrap();
            let message = message();
            assert!(
                message.starts_with(&named.display().to_string()),
                "{message}"
            );
            assert!(message.contains(expected), "{message}");
        }
        std::fs::remove_dir_all(&second).unwrap();
        let message = message();
        assert!(message.contains("export it again"), "{message}");
    }
}
