//! `cargo xtask ci`: every check that decides whether a change is sound, the cheapest first.
//!
//! It needs no network once the dependencies are there, so what does (advisories, licenses) is left
//! to the workflow.

use std::process::Command;
use std::time::Instant;

use anyhow::Context;

use crate::reproduce::recipe::Recipe;
use crate::{manifest, process, workspace};

/// A call of cargo that has to succeed.
struct Check {
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const CHECKS: &[Check] = &[
    Check {
        arguments: &["fmt", "--all", "--check"],
        environment: &[],
    },
    Check {
        arguments: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        environment: &[],
    },
    Check {
        // With ndarray, which the tests have too: burn is checked once for both.
        arguments: &[
            "doc",
            "--workspace",
            "--no-deps",
            "--features",
            "ulmfit-cli/ndarray",
        ],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    // The model is for every backend, so it has to build with none.
    Check {
        arguments: &["check", "--package", "ulmfit-model"],
        environment: &[],
    },
    Check {
        arguments: &["test", "--workspace"],
        environment: &[],
    },
    // Each benchmark once, untimed, so that none is found broken on the day it is needed.
    Check {
        arguments: &["test", "--workspace", "--bench", "*"],
        environment: &[],
    },
    // The GPU backends, and the test that needs a graphics driver, are compiled as far as their
    // types; the portable code is the same on them.
    Check {
        arguments: &[
            "check",
            "--package",
            "ulmfit-cli",
            "--package",
            "ulmfit-train",
            "--bin",
            "ulmfit",
            "--test",
            "wgpu",
            "--features",
            "ulmfit-cli/wgpu,ulmfit-cli/cuda,ulmfit-cli/tui,ulmfit-train/wgpu",
        ],
        // A build script of the CUDA backend downloads LLVM unless it is told that only types count.
        environment: &[("DOCS_RS", "1")],
    },
];

pub(crate) fn run() -> anyhow::Result<()> {
    let start = Instant::now();
    timed("datasets and recipes", || {
        let manifests = manifest::validate_all()?;
        let recipes = Recipe::validate_all()?;
        // What else a recipe says is read by the tests of ulmfit-train, which has the types.
        println!("{manifests} manifests and the [data] of {recipes} recipes are sound");
        Ok(())
    })?;
    for check in CHECKS {
        let mut command = workspace::cargo();
        command
            .args(check.arguments)
            .envs(check.environment.iter().copied());
        timed(&shown(&command), || process::run(&mut command))?;
    }
    timed("the README's lines", super::readme::run)?;
    eprintln!(
        "all checks passed in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn timed(what: &str, check: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    eprintln!("== {what}");
    let start = Instant::now();
    check().with_context(|| format!("cargo xtask ci stopped at: {what}"))?;
    eprintln!("== {what}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The command as it can be typed again, its environment included.
fn shown(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let environment = set.map(|(name, value)| format!("{}='{}' ", name.display(), value.display()));
    environment.chain([process::shown(command)]).collect()
}
