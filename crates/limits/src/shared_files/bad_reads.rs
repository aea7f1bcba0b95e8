//! When a file that cannot be used is worth a word: at the third time in a row.
//!
//! A writer that is at work leaves a broken file for a moment; one that stays broken is somebody's fault.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::input::Unread;

/// So many bad reads in a row make a file named.
const ENOUGH: u32 = 3;

/// How often a file was bad in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Times.
    pub count: u32,
    /// First, UTC milliseconds.
    pub first_ms: i64,
    /// Last, UTC milliseconds.
    pub last_ms: i64,
    /// What was wrong the last time.
    pub why: Unread,
}

/// The counts of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadReads {
    files: BTreeMap<PathBuf, Bad>,
}

impl BadReads {
    /// Takes in how reading a file went; true when that makes it a file to name. A good read, a file that is gone
    /// and one of our own end a row.
    pub fn saw(&mut self, path: &Path, read: Result<(), &Unread>, now_ms: i64) -> bool {
        let why = match read {
            Ok(()) | Err(Unread::Absent | Unread::Ours) => {
                self.files.remove(path);
                return false;
            }
            Err(why) => why.clone(),
        };
        let new = Bad { count: 0, first_ms: now_ms, last_ms: now_ms, why: why.clone() };
        let bad = self.files.entry(path.to_owned()).or_insert(new);
        (bad.count, bad.last_ms, bad.why) = (bad.count.saturating_add(1), now_ms, why);
        bad.count >= ENOUGH
    }

    /// The files to name, with what is wrong.
    pub fn named(&self) -> impl Iterator<Item = (&Path, &Bad)> {
        self.files.iter().filter(|(_, bad)| bad.count >= ENOUGH).map(|(path, bad)| (path.as_path(), bad))
    }
}
