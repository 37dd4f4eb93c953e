//! The terminal dashboard, if it was compiled in.

use std::io::IsTerminal;

use anyhow::{bail, ensure};
use ulmfit_train::{Observer, StopSignal};

/// Fails where there is no dashboard to open, and says how to get one.
pub(crate) fn check() -> anyhow::Result<()> {
    if !cfg!(feature = "tui") {
        bail!(
            "this ulmfit was built without tui; build it with \
             `cargo build --release -p ulmfit-cli --features tui`, or leave out --tui"
        );
    }
    ensure!(
        std::io::stdout().is_terminal(),
        "--tui draws on standard output, which is not a terminal; leave it out"
    );
    Ok(())
}

/// burn-train's dashboard, which takes over the terminal; asking it to quit raises `stop`.
#[cfg(feature = "tui")]
pub(crate) fn open(stop: &StopSignal) -> Box<dyn Observer> {
    Box::new(ulmfit_train::Dashboard::new(stop.clone()))
}

/// Shows nothing, where there is no dashboard.
#[cfg(not(feature = "tui"))]
pub(crate) fn open(_stop: &StopSignal) -> Box<dyn Observer> {
    Box::new(())
}
