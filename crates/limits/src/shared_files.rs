//! Files that older tools and `cco` share: account switchers, quota brokers, notes kept by hand.
//!
//! Owns their formats, one module each, in both directions where `cco` writes them too. What they say is checked
//! before it is used: a stored "is fresh" is never believed, a path in them is compared and never opened, and what
//! this program wrote is not read back. Must not: decide whether a reading is believed (`cco-model` does), or when
//! such a file is written.

pub mod bad_reads;
pub mod billing;
mod fields;
pub mod hot_swap;
pub mod keeper;
pub mod merged;
pub mod sessions;
pub mod subscription;
mod weekly;
mod write;
mod yaml;

use std::path::{Path, PathBuf};

use cco_model::limit::{AccountId, Percent, Reading, Source, Window};

use crate::accounts::SlotMarks;
use crate::input::{Input, Unread};

pub use fields::Decimal;
pub use write::WriteError;

/// Larger files are none of these.
const LIMIT: u64 = 1 << 20;
/// The mark of a file, or of a slot in it, that this program wrote.
const WRITER: &str = "cco";

/// Tells whose a slot is; none: nobody's that is known, so nothing is made of it.
pub type Whose<'a> = &'a dyn Fn(&SlotMarks) -> Option<AccountId>;

/// A file that is there, or one of those that were looked for, and why it gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}", path = path.display())]
pub struct Failed {
    /// The file; where none is there the last place.
    pub path: PathBuf,
    /// Why.
    pub why: Unread,
}

/// The folders of `hot-swap-quota.json`, `merged-quota-cache.json` and `billing-shared.json`, in the order in which
/// they are tried. `hot_swap_home` is the value of `CLAUDE_HS_HOME`.
pub fn session_health_folders(hot_swap_home: Option<&Path>, home: &Path) -> Vec<PathBuf> {
    let given = hot_swap_home.map(|folder| folder.join("session-health"));
    let defaults = [".claude-hs/session-health", ".claude/session-health"].map(|folder| home.join(folder));
    given.into_iter().chain(defaults).collect()
}

/// Reads the first of `folders` in which the file is there, whatever state it is in: an older copy elsewhere would be
/// somebody's past.
pub fn first_of<T>(
    folders: &[PathBuf],
    name: &str,
    read: impl Fn(&Path) -> Result<T, Unread>,
) -> Result<(PathBuf, T), Failed> {
    let mut path = PathBuf::from(name);
    for folder in folders {
        path = folder.join(name);
        match read(&path) {
            Ok(value) => return Ok((path, value)),
            Err(Unread::Absent) => {}
            Err(why) => return Err(Failed { path, why }),
        }
    }
    Err(Failed { path, why: Unread::Absent })
}

/// The text of such a file and when it was written.
fn text_of(path: &Path) -> Result<(String, i64), Unread> {
    let input = Input::open(path, LIMIT)?;
    Ok((input.text()?, input.modified_ms()))
}

/// The object that a JSON file holds.
fn object_of(path: &Path) -> Result<serde_json::Map<String, serde_json::Value>, Unread> {
    let (text, _) = text_of(path)?;
    match serde_json::from_str(&text).map_err(|error| Unread::of_json(&error))? {
        serde_json::Value::Object(object) => Ok(object),
        _ => Err(Unread::broken("it is no object")),
    }
}

/// What a file says of one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Of what.
    pub window: Window,
    /// How much was used; none: the file says that it does not know.
    pub percent: Option<Percent>,
    /// When it ends, UTC milliseconds.
    pub resets_at_ms: Option<i64>,
}

impl Observed {
    fn reading(&self, account: &AccountId, observed_at_ms: i64, source: Source) -> Reading {
        Reading {
            account: account.clone(),
            window: self.window.clone(),
            percent: self.percent,
            resets_at_ms: self.resets_at_ms,
            observed_at_ms,
            source,
            told: None,
        }
    }
}

#[cfg(test)]
mod tests;
