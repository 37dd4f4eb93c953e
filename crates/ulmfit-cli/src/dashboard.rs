//! The terminal dashboard, if it was compiled in.

use ulmfit_train::{Observer, StopSignal};

/// burn-train's dashboard; asking it to quit raises `stop`.
#[cfg(feature = "tui")]
pub(crate) fn open(stop: &StopSignal) -> anyhow::Result<Box<dyn Observer>> {
    use std::io::IsTerminal;
    anyhow::ensure!(
        std::io::stdout().is_terminal(),
        "--tui draws on standard output, which is not a terminal"
    );
    Ok(Box::new(ulmfit_train::Dashboard::new(stop.clone())))
}

/// Says how to get one.
#[cfg(not(feature = "tui"))]
pub(crate) fn open(_stop: &StopSignal) -> anyhow::Result<Box<dyn Observer>> {
    anyhow::bail!(
        "this ulmfit was built without tui; build it with \
         `cargo build --release -p ulmfit-cli --features tui`, or leave out --tui"
    )
}
