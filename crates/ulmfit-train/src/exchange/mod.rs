//! Models to fastai and from it.
//!
//! A checkpoint of fastai's has weights alone; [`import`] adds the vocabulary and the settings that
//! make a model of it. [`export`] writes a folder that fastai, safetensors and `tokenizers` read, of which
//! [`exported`] makes the same model file again, byte for byte.

mod export;
mod exported;
mod import;
mod vocabulary;

pub use export::export_fastai;
pub use exported::import_export;
pub use import::{FastaiImport, Imported, import_fastai};
