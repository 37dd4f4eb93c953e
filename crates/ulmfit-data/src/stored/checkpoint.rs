//! How far the encoding of a corpus has come, so that a killed run goes on.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::layout::write_error;
use super::token_table::TableState;
use crate::error::DataError;

pub(super) const STATE: &str = "state.json";
/// The next one while it is written.
pub(super) const STATE_ASIDE: &str = "state.json.new";
/// Most bytes of a state that is read back: what is larger is none. The tokens and labels in it are bounded, and
/// JSON writes a byte as six at most.
const MAX_STATE_BYTES: u64 = 4 << 30;

/// What is in the files of a partial corpus, and what is only in memory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) source_sha256: String,
    /// Whether all documents were read.
    pub(super) complete: bool,
    pub(super) documents: u64,
    pub(super) tokens: u64,
    /// At how many tokens each round but the first began.
    pub(super) rounds: Vec<u64>,
    pub(super) labels: Vec<String>,
    pub(super) table: TableState,
}

impl Checkpoint {
    /// The checkpoint in a folder, if there is one of these sources. A damaged one is none.
    pub(super) fn load(folder: &Path, source_sha256: &str) -> Option<Self> {
        let file = File::open(folder.join(STATE)).ok()?;
        if file.metadata().ok()?.len() > MAX_STATE_BYTES {
            return None;
        }
        let checkpoint: Self = serde_json::from_reader(BufReader::new(file)).ok()?;
        (checkpoint.source_sha256 == source_sha256).then_some(checkpoint)
    }

    /// Replaces the checkpoint in a folder.
    pub(super) fn save(&self, folder: &Path) -> Result<(), DataError> {
        let aside = folder.join(STATE_ASIDE);
        let write = || {
            let mut file = BufWriter::new(File::create(&aside)?);
            serde_json::to_writer(&mut file, self)?;
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&aside, folder.join(STATE))
        };
        write().map_err(|source| write_error(&aside, source))
    }

    /// Removes the checkpoint in a folder.
    pub(super) fn remove(folder: &Path) -> Result<(), DataError> {
        let path = folder.join(STATE);
        fs::remove_file(&path).map_err(|source| write_error(&path, source))
    }
}
