//! Where such a file is to be written, and who keeps the one that is there.
//!
//! Owns the rule that a file which another program keeps up to date is left alone. Must not: write.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{LIMIT, WRITER, fields};
use crate::accounts::SlotMarks;
use crate::input::{Input, Unread};

/// Whoever wrote a file within so many milliseconds is at work.
const ALIVE_MS: u64 = 10 * 60_000;
/// Where files of these kinds say when something was so, in milliseconds.
const TIMES_MS: [&str; 2] = ["last_fetched", "lastFetched"];

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Where. A link leads to where it points.
    pub path: PathBuf,
    /// Who keeps it.
    pub keeper: Keeper,
    /// What is in it; empty where nothing is, or nothing that can be read.
    pub content: Map<String, Value>,
}

/// Who keeps a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// It is not there.
    Nobody,
    /// This program wrote it.
    Ours,
    /// Another one did, and has not for a while.
    Left,
    /// Another one does.
    Other,
    /// It cannot be told, since the file cannot be read.
    Unknown(Unread),
}

impl Target {
    /// The file of this name in the first of `folders` in which there is one; else where it would be made: in the
    /// first of them that is there, else in the last one. None where there are no folders.
    pub fn find(folders: &[PathBuf], name: &str, now_ms: i64) -> Option<Self> {
        let is_there = |folder: &&PathBuf| folder.join(name).symlink_metadata().is_ok();
        let folder = folders.iter().find(is_there);
        let folder = folder.or_else(|| folders.iter().find(|folder| folder.is_dir())).or(folders.last())?;
        let path = folder.join(name);
        let path = path.canonicalize().unwrap_or(path);
        let (keeper, content) = match read(&path) {
            Ok((content, modified_ms)) => (keeper(&content, modified_ms, now_ms), content),
            Err(Unread::Absent) => (Keeper::Nobody, Map::new()),
            Err(why) => (Keeper::Unknown(why), Map::new()),
        };
        Some(Self { path, keeper, content })
    }

    /// Nobody else is in charge of it.
    pub fn may_be_written(&self) -> bool {
        matches!(self.keeper, Keeper::Nobody | Keeper::Ours | Keeper::Left)
    }

    /// Its slots, with whose they may be: those at `slots`, or at its top.
    pub fn slots(&self) -> impl Iterator<Item = (SlotMarks, &Map<String, Value>)> {
        let slots = self.content.get("slots").and_then(Value::as_object).unwrap_or(&self.content);
        slots.iter().filter_map(|(name, slot)| {
            let slot = slot.as_object()?;
            Some((super::hot_swap::marks(name, slot), slot))
        })
    }
}

fn read(path: &Path) -> Result<(Map<String, Value>, i64), Unread> {
    let input = Input::open(path, LIMIT)?;
    match serde_json::from_str(&input.text()?).map_err(|error| Unread::of_json(&error))? {
        Value::Object(content) => Ok((content, input.modified_ms())),
        _ => Err(Unread::broken("it is no object")),
    }
}

/// Either the whole file has our mark, or all of its slots; in one that has both kinds of slots the times of the others
/// tell.
fn keeper(content: &Map<String, Value>, modified_ms: i64, now_ms: i64) -> Keeper {
    let is_ours = |value: &Value| value.get("writer").is_some_and(|writer| writer == WRITER);
    let ours = content.values().filter(|value| is_ours(value)).count();
    if content.get("writer").is_some_and(|writer| writer == WRITER) || (ours > 0 && ours == content.len()) {
        return Keeper::Ours;
    }
    let merged_ms = fields::number(content, "ts").and_then(fields::whole).map(|at| at.saturating_mul(1_000));
    let modified_ms = (ours == 0).then_some(modified_ms);
    let at_top = TIMES_MS.iter().filter_map(|name| time_ms(content, name));
    let others = content.values().filter(|value| !is_ours(value)).filter_map(Value::as_object);
    let of_slots = others.filter_map(|slot| TIMES_MS.iter().find_map(|name| time_ms(slot, name)));
    let mut times = modified_ms.into_iter().chain(merged_ms).chain(at_top).chain(of_slots);
    match times.any(|at| now_ms.abs_diff(at) <= ALIVE_MS) {
        true => Keeper::Other,
        false => Keeper::Left,
    }
}

fn time_ms(from: &Map<String, Value>, name: &str) -> Option<i64> {
    fields::number(from, name).and_then(fields::whole)
}

/// What a file says beside what is written anew.
pub(super) fn further(content: &Map<String, Value>, written: &[&str]) -> Map<String, Value> {
    let further = content.iter().filter(|(name, _)| !written.contains(&name.as_str()));
    further.map(|(name, value)| (name.clone(), value.clone())).collect()
}
