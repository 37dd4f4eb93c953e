//! The encoded corpus of a stage: what its texts become in the folder of its run.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use ulmfit_data::{is_encoded_corpus, remove_encoded_corpus};
use ulmfit_train::write_atomically;

use crate::args::StageArgs;

/// What the mark says to whoever opens it.
const MARK: &str = "The folder \"corpus\" beside this file was made by this run, which removes both in \
                    the end.\n";

/// Where the texts of a run are encoded to, and the mark by which the run knows its own corpus.
pub(super) struct RunCorpus {
    pub(super) place: PathBuf,
    mark: PathBuf,
    /// Whether texts are given, and not a corpus that is encoded already.
    of_texts: bool,
}

impl RunCorpus {
    pub(super) fn new(args: &StageArgs) -> Self {
        Self {
            place: args.run.join("corpus"),
            mark: args.run.join("corpus.of-run"),
            of_texts: !args.corpus.data.iter().any(is_encoded_corpus),
        }
    }

    /// Makes the place of the texts this run's own, unless another corpus is there already.
    pub(super) fn claim(&self) -> anyhow::Result<()> {
        if !self.of_texts || self.mark.exists() {
            return Ok(());
        }
        ensure!(
            !self.place.exists(),
            "{} is there already, where the texts of this run are to be encoded, and the run did not \
             make it; name another folder with --run, or move it away",
            self.place.display()
        );
        // Before the first document: a run may be killed at any moment, and is to know its own again.
        if let Some(run) = self.mark.parent() {
            std::fs::create_dir_all(run)
                .with_context(|| format!("cannot make the folder {}", run.display()))?;
        }
        Ok(write_atomically(&self.mark, MARK.as_bytes())?)
    }

    /// Removes the corpus that the run made, and no other.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        if self.of_texts && self.mark.exists() {
            remove_encoded_corpus(&self.place)?;
            std::fs::remove_file(&self.mark)
                .with_context(|| format!("cannot remove {}", self.mark.display()))?;
        }
        Ok(())
    }
}
