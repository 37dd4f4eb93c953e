//! What a measurement ran on, and from which source.

use std::process::{Command, Stdio};

use serde::Serialize;

use crate::workspace;

/// The machine, in so far as it decides the time.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Threads that can run at once.
    pub(crate) cores: usize,
    pub(crate) cpu: Option<String>,
    pub(crate) system: String,
}

impl Machine {
    pub(crate) fn this() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cores, cpu, system } = self;
        let cpu = cpu.as_deref().unwrap_or("CPU not known");
        write!(f, "{cores} cores, {cpu}, {system}")
    }
}

/// Linux tells; elsewhere the cores and the architecture have to do.
fn cpu() -> Option<String> {
    let info = fs_err::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How many threads wanted to run during the last minute, where the system tells.
pub(crate) fn load() -> Option<f64> {
    let loads = fs_err::read_to_string("/proc/loadavg").ok()?;
    loads.split(' ').next()?.parse().ok()
}

/// The commit checked out, with "+ changes" where the tree differs from it.
pub(crate) fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(workspace::root())
            .stderr(Stdio::null());
        let output = command
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    // The reports themselves are not part of what is measured.
    let changes = git(&[
        "status",
        "--porcelain",
        "--",
        ".",
        ":!docs/results",
        ":!docs/performance.md",
    ])?;
    Some(if changes.is_empty() {
        commit
    } else {
        format!("{commit} + changes")
    })
}
