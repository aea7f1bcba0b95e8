//! When a file that cannot be used is worth a word: at the third time in a row, whoever read it.
//!
//! Owns the file in which processes remember that for each other. A writer that is at work leaves a broken file for a
//! moment; one that stays broken is somebody's fault. Two that read at once may count as one.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{WriteError, write};
use crate::input::Unread;
use crate::store::{self, format};

/// So many bad reads in a row make a file named.
const ENOUGH: u32 = 3;
/// The file's name, and what it holds.
const NAME: &str = "bad-reads.json";
const KIND: &str = "bad-reads";

/// How often a file was bad in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    /// Times.
    pub count: u32,
    /// First, UTC milliseconds.
    pub first_ms: i64,
    /// Last, UTC milliseconds.
    pub last_ms: i64,
    /// What was wrong the last time, in words.
    pub why: String,
}

/// The counts of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadReads {
    files: BTreeMap<PathBuf, Bad>,
}

impl BadReads {
    /// What is remembered in this folder; a file there that is damaged remembers nothing.
    pub fn load(folder: &Path) -> Self {
        let text = store::read(&folder.join(NAME));
        let files = text.and_then(|text| format::read_entry::<BTreeMap<PathBuf, Bad>>(KIND, &text));
        Self { files: files.unwrap_or_default() }
    }

    /// Remembers them in this folder; where there is nothing to remember there is no file.
    pub fn save(&self, folder: &Path) -> Result<(), WriteError> {
        let path = folder.join(NAME);
        if self.files.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(WriteError::File { path, source: error })
                }
                _ => Ok(()),
            };
        }
        // A name that is no text cannot stand there.
        let told: BTreeMap<&str, &Bad> =
            self.files.iter().filter_map(|(path, bad)| Some((path.to_str()?, bad))).collect();
        write::file(&path, &format::write_entry(KIND, &told))
    }

    /// Takes in how reading a file went; true when that makes it a file to name. A good read, a file that is gone
    /// and one of our own end a row.
    pub fn saw(&mut self, path: &Path, read: Result<(), &Unread>, now_ms: i64) -> bool {
        let why = match read {
            Ok(()) | Err(Unread::Absent | Unread::Ours) => {
                self.files.remove(path);
                return false;
            }
            Err(why) => why.to_string(),
        };
        let new = Bad { count: 0, first_ms: now_ms, last_ms: now_ms, why: String::new() };
        let bad = self.files.entry(path.to_owned()).or_insert(new);
        (bad.count, bad.last_ms, bad.why) = (bad.count.saturating_add(1), now_ms, why);
        bad.count >= ENOUGH
    }

    /// How often this one was bad in a row, where that is often enough to name it.
    pub fn named(&self, path: &Path) -> Option<&Bad> {
        self.files.get(path).filter(|bad| bad.count >= ENOUGH)
    }
}
