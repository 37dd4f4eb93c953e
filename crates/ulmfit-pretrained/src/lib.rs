//! Pretrained language models, as bytes inside the program that depends on this crate.
//!
//! Each is a whole model file of `ulmfit-train`: weights, vocabulary, tokenizer and configuration.
//!
//! ```
//! use ulmfit_data::Direction;
//!
//! let model = ulmfit_pretrained::find("wiki-small", Direction::Forward).unwrap();
//! assert!(model.bytes.len() < 16_000_000);
//! ```
//!
//! `models/README.md` is their card: data, licence and attribution, recipe, perplexity.

use ulmfit_data::Direction;

/// The model that English text is fine-tuned from unless another is named.
pub const ENGLISH: &str = "wiki-small";

/// A language model on board.
#[derive(Clone, Copy)]
pub struct Pretrained {
    /// Its name, which the models of both directions share.
    pub name: &'static str,
    /// Which way it reads.
    pub direction: Direction,
    /// The name of its file.
    pub file: &'static str,
    /// What it was made from, in a line.
    pub about: &'static str,
    /// The model file: `ulmfit_train::ModelFile::from_bytes` reads it.
    pub bytes: &'static [u8],
}

impl std::fmt::Debug for Pretrained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pretrained")
            .field("name", &self.name)
            .field("direction", &self.direction)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

const WIKI_SMALL: &str = "English: 22,570 articles of Wikipedia (CC BY-SA)";

/// All models on board. A `static`: as a constant, each crate that names it would hold all bytes again.
pub static ALL: [Pretrained; 2] = [
    Pretrained {
        name: ENGLISH,
        direction: Direction::Forward,
        file: "wiki-small-forward.safetensors",
        about: WIKI_SMALL,
        bytes: include_bytes!("../../../models/wiki-small-forward.safetensors"),
    },
    Pretrained {
        name: ENGLISH,
        direction: Direction::Backward,
        file: "wiki-small-backward.safetensors",
        about: WIKI_SMALL,
        bytes: include_bytes!("../../../models/wiki-small-backward.safetensors"),
    },
];

/// The model of this name that reads this way.
pub fn find(name: &str, direction: Direction) -> Option<Pretrained> {
    let mut models = ALL.iter();
    models
        .find(|model| model.name == name && model.direction == direction)
        .copied()
}
