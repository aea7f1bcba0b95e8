//! Claude Code's `settings.json`, of which one key can be ours: `statusLine`.
//!
//! Owns how that key is read, set and taken out again. Must not: change another byte of the file, ask anybody, or know
//! what a status line shows.

pub(crate) mod command;
pub(crate) mod document;
pub(crate) mod file;
pub(crate) mod record;

use std::path::{Path, PathBuf};

/// The file in a config directory.
const SETTINGS: &str = "settings.json";

/// The settings of a config directory.
pub(crate) fn settings_of(config_dir: &Path) -> PathBuf {
    config_dir.join(SETTINGS)
}

/// Settings that go before those of config directories, where a session works in this folder.
pub(crate) fn settings_of_project(folder: &Path) -> [PathBuf; 2] {
    ["settings.json", "settings.local.json"].map(|name| folder.join(".claude").join(name))
}
