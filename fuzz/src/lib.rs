//! Input for the fuzz targets: bytes become texts that rules and tokenizers react to, files from scratch,
//! and damage to files that were whole.

mod archives;
mod damage;
mod edit;
mod text;
mod tokenizer_file;
mod wire;

pub use archives::{Member, damage_headers, gzip, tar, zip};
pub use damage::Damage;
pub use edit::Edit;
pub use text::{Short, Text, texts};
pub use tokenizer_file::Small;
pub use wire::{Wire, message};
