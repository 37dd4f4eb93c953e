//! The parts of `cargo xtask reproduce`.

pub(crate) mod ablations;
pub(crate) mod aclimdb;
pub(crate) mod ag_news;
pub(crate) mod corpus;
pub(crate) mod evaluation;
pub(crate) mod experiment;
pub(crate) mod low_shot;
pub(crate) mod pretrained;
pub(crate) mod recipe;
pub(crate) mod report;
pub(crate) mod stage;
pub(crate) mod study;
pub(crate) mod trec;
