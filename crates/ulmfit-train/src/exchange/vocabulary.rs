//! The vocabulary of a checkpoint: where it is, and what its tokens are called here.

use std::path::{Path, PathBuf};

use ulmfit_data::{Rules, special};
use ulmfit_model::{FastaiVersion, FastaiVocab};

use crate::error::TrainError;

/// What special tokens were called before fastai 1.0, and what SentencePiece calls them.
const OLD_NAMES: &[(&str, &str)] = &[
    ("_unk_", special::UNK),
    ("_pad_", special::PAD),
    ("xbos", special::BOS),
    ("xfld", special::FLD),
    ("t_up", special::UP),
    ("tk_rep", special::REP),
    ("tk_wrep", special::WREP),
    ("<unk>", special::UNK),
    ("<pad>", special::PAD),
    ("<s>", special::BOS),
    ("</s>", special::EOS),
];

/// Reads a vocabulary: a pickle, or a list of strings in JSON.
pub(super) fn read(path: &Path) -> Result<FastaiVocab, TrainError> {
    let refuse = |message: String| TrainError::ModelFile {
        path: path.to_owned(),
        message,
    };
    let bytes = fs_err::read(path)?;
    if bytes.starts_with(b"[") {
        let tokens = serde_json::from_slice(&bytes);
        return Ok(FastaiVocab {
            tokens: tokens.map_err(|error| refuse(format!("is no list of strings ({error})")))?,
            labels: None,
        });
    }
    FastaiVocab::from_pickle(&bytes).map_err(|error| refuse(error.to_string()))
}

/// The one vocabulary that lies beside a checkpoint.
pub(super) fn beside(checkpoint: &Path) -> Result<PathBuf, TrainError> {
    let folder = match checkpoint.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let name = entry?.file_name();
        let path = Path::new(&name);
        let is_pickle = path
            .extension()
            .is_some_and(|end| end == "pkl" || end == "pickle");
        let lower = name.to_string_lossy().to_lowercase();
        if is_pickle && (lower.contains("itos") || lower.contains("vocab")) {
            found.push(checkpoint.with_file_name(&name));
        }
    }
    found.sort();
    if found.len() == 1 {
        return Ok(found.remove(0));
    }
    let there = if found.is_empty() {
        "no pickle of one lies beside it".to_owned()
    } else {
        let names = found.iter().map(|path| path.display().to_string());
        format!("beside it are {}", names.collect::<Vec<_>>().join(", "))
    };
    Err(TrainError::ModelFile {
        path: checkpoint.to_owned(),
        message: format!(
            "has weights and no words, and {there}; name its vocabulary with --vocab itos.pkl, \
             which fastai makes by `pickle.dump(learn.dls.vocab, open(\"itos.pkl\", \"wb\"))`"
        ),
    })
}

/// Gives special tokens the names that they have here, unless those are taken.
pub(super) fn with_new_names(mut tokens: Vec<String>) -> Vec<String> {
    for (old, new) in OLD_NAMES {
        if tokens.iter().any(|token| token == new) {
            continue;
        }
        if let Some(token) = tokens.iter_mut().find(|token| token == old) {
            (*new).clone_into(token);
        }
    }
    tokens
}

/// The text rules that a vocabulary was made by: fastai 1.0 and 2 have the special tokens in
/// different order. Those of 0.7 are not here; those of 1.0 come nearest.
pub(super) fn rules(tokens: &[String], version: FastaiVersion) -> Rules {
    let place = |special: &str| tokens.iter().position(|token| token == special);
    match (place(special::MAJ), place(special::REP)) {
        (Some(maj), Some(rep)) if maj < rep => Rules::FastaiV1,
        (Some(_), Some(_)) => Rules::FastaiV2,
        _ if version == FastaiVersion::V07 => Rules::FastaiV1,
        _ => Rules::FastaiV2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn old_names_are_replaced_unless_the_new_ones_are_there() {
        assert_eq!(
            with_new_names(words("_unk_ _pad_ the t_up xbos")),
            words("xxunk xxpad the xxup xxbos")
        );
        let both = words("xxunk xxpad _unk_ <unk>");
        assert_eq!(with_new_names(both.clone()), both);
    }

    #[test]
    fn the_order_of_special_tokens_tells_the_rules() {
        for (tokens, version, expected) in [
            (
                "xxunk xxrep xxwrep xxup xxmaj",
                FastaiVersion::V1,
                Rules::FastaiV2,
            ),
            (
                "xxunk xxmaj xxup xxrep xxwrep",
                FastaiVersion::V2,
                Rules::FastaiV1,
            ),
            ("xxunk xxrep xxup", FastaiVersion::V07, Rules::FastaiV1),
            ("xxunk the", FastaiVersion::V2, Rules::FastaiV2),
        ] {
            assert_eq!(rules(&words(tokens), version), expected, "{tokens}");
        }
    }
}
