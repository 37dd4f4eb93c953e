//! The recipes of the workspace, read whole and with all their numbers checked.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use ulmfit_train::Recipe;

#[test]
fn every_recipe_is_one_that_the_stages_take() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let paths = std::fs::read_dir(folder).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let recipes: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    assert!(!recipes.is_empty());
    for path in recipes {
        if let Err(error) = Recipe::open(&path) {
            panic!("{error}");
        }
    }
}
