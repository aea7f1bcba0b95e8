//! The map is true: `ARCHITECTURE.md` names what exists, and all of it.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn map() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map")
}

/// The words between backticks.
fn named(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_path_that_the_map_names_exists() {
    let map = map();
    let paths: Vec<&str> = named(&map)
        .into_iter()
        .filter(|name| name.starts_with("crates/") || name.starts_with("scripts/"))
        .collect();
    assert!(paths.len() > 10, "the map names paths");
    for path in paths {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
}

#[test]
fn every_crate_and_module_is_on_the_map() {
    let map = map();
    for name in names_in(&root().join("crates")) {
        let heading = format!("### `crates/{name}`");
        let section = map.split_once(&heading).unwrap_or_else(|| panic!("no section {heading}")).1;
        let section = section.split("\n## ").next().unwrap_or_default();
        let section = section.split("\n### ").next().unwrap_or_default();
        for module in names_in(&root().join("crates").join(&name).join("src")) {
            let module = module.trim_end_matches(".rs");
            let known = ["lib", "main", "testing"].contains(&module) || named(section).contains(&module);
            assert!(known, "ARCHITECTURE.md, {heading}, does not name `{module}`");
        }
    }
}

#[test]
fn the_map_fits_a_newcomer_in_one_sitting() {
    assert!(map().lines().count() <= 250);
}

#[test]
fn every_direct_dependency_has_its_reason_on_the_map() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let dependencies = manifest.split_once("[workspace.dependencies]").expect("the table").1;
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let (map, mut seen) = (map(), 0);
    for name in dependencies.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name) {
        if !name.starts_with('#') && !name.starts_with("cco-") {
            seen += 1;
            assert!(named(&map).contains(&name), "ARCHITECTURE.md gives no reason for {name}");
        }
    }
    assert!(seen > 10);
}
