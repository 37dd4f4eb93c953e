//! The binary, run as a process.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

// What each command does on good input, from raw text to predictions.
mod commands;
// The speed of tiny models, and what is refused.
mod bench;
// Input and files that cannot be used: a sentence and an exit code each.
mod bad_input;
// Encoded corpora, as data in place of texts.
mod encode;
// From documents to a measured classifier in one command.
mod fit;
// Text that a language model goes on with; completions of shells.
mod generate;
// Models of fastai's, and models for fastai.
mod import;
// Learning rates by a range test.
mod lr_find;
// Model files that cannot be used: damaged ones, and those of the wrong kind.
mod model_files;
// What is said of input, files and places that cannot be used, as it looks.
mod messages;
// The models that come with the program.
mod on_board;
// Where commands write: places that are refused, and names that are not UTF-8.
mod places;
// Weights in eight bits.
mod quantize;
// Runs that are killed and go on.
mod resume;
// Several labels a document, and numbers in place of labels.
mod targets;
// A folder with data, a recipe and models, and the binary in it.
mod workplace;
// Help and mistakes on the command line, as they look.
mod snapshots;
