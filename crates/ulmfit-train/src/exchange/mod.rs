//! Models to fastai and from it.
//!
//! A checkpoint of fastai's has weights alone; [`import`] adds the vocabulary and the settings that
//! make a model of it. [`export`] writes a folder that fastai, safetensors and `tokenizers` read, and
//! that is imported again to the same model file, byte for byte.

mod export;
mod import;
mod vocabulary;

pub use export::export_fastai;
pub use import::{FastaiImport, Imported, import_export, import_fastai};
