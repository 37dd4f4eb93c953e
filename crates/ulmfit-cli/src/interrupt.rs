//! Ctrl-C: the first ends a run with a checkpoint, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use ulmfit_train::StopSignal;

/// What a shell reports for a process that a first Ctrl-C could not end.
const EXIT_CODE: i32 = 130;
/// How long an interrupt may go unnoticed.
const POLL: Duration = Duration::from_millis(50);

/// Raises `stop` when the process is asked to end.
pub(crate) fn raise_on_interrupt(stop: &StopSignal) -> anyhow::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the flag is still down when the first signal comes.
        flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&asked))
            .and_then(|_| flag::register(signal, Arc::clone(&asked)))
            .context("cannot listen for Ctrl-C")?;
    }
    let stop = stop.clone();
    std::thread::spawn(move || {
        while !asked.load(Ordering::Relaxed) {
            std::thread::sleep(POLL);
        }
        stop.raise();
    });
    Ok(())
}
