//! One file a command: its arguments, and what it does.

pub(crate) mod baseline;
pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod devices;
pub(crate) mod encode;
pub(crate) mod ensemble;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod finetune;
pub(crate) mod fit;
mod fit_report;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod lr_find;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod pretrain;
pub(crate) mod quantize;
mod run_corpus;
mod stage;
pub(crate) mod tokenize;
pub(crate) mod train;
