//! Sessions that run now: the files `sessions/<pid>.json` of a config directory whose process lives.
//!
//! Owns how these files are read and how a process is recognized. In doubt a session counts as running, since a
//! credential that is in use must not be touched. Must not: signal a process, or know what a session does.

use std::path::Path;

use serde_json::Value;

use crate::input::{Input, Unread};

/// Larger files are none that Claude Code writes.
const LIMIT: u64 = 256 << 10;
/// As many entries of the folder are looked at.
const MOST_ENTRIES: usize = 10_000;

/// A session, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The process, by the file's name.
    pub pid: i32,
    /// The session's id when the process began.
    pub session_id: Option<String>,
    /// When the process began, as the system counts; it tells a process from a later one with the same number.
    pub process_start: Option<String>,
}

/// The sessions of a config directory of which `runs` says that they run. None where there is no such folder: nothing
/// runs there, or an early version that writes no such files.
pub fn sessions(directory: &Path, runs: &dyn Fn(&Session) -> bool) -> Result<Vec<Session>, Unread> {
    let entries = match std::fs::read_dir(directory.join("sessions")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Unread::Unreadable(error.kind().to_string())),
    };
    let mut running = Vec::new();
    for entry in entries.take(MOST_ENTRIES) {
        let entry = entry.map_err(|error| Unread::Unreadable(error.kind().to_string()))?;
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(pid);
        let Some(pid) = pid else { continue };
        let session = session(pid, &entry.path());
        running.extend(session.filter(|session| runs(session)));
    }
    running.sort_by_key(|session| session.pid);
    Ok(running)
}

/// Since when sessions of a config directory are at work, UTC milliseconds: the beginning of the oldest of those that
/// run, by its own word or else by its file. None where none runs.
pub fn active_since_ms(directory: &Path, runs: &dyn Fn(&Session) -> bool) -> Option<i64> {
    let begun_ms = |session: Session| {
        let input = Input::open(&directory.join(format!("sessions/{}.json", session.pid)), LIMIT).ok()?;
        let written_ms = input.modified_ms();
        let told: Value =
            input.text().ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Some(told.get("startedAt").and_then(Value::as_i64).unwrap_or(written_ms))
    };
    sessions(directory, runs).ok()?.into_iter().filter_map(begun_ms).min()
}

fn pid(digits: &str) -> Option<i32> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|pid| plain && *pid > 0)
}

/// A file that cannot be read still says by its name which process it is of; one that has gone says nothing.
fn session(pid: i32, path: &Path) -> Option<Session> {
    let told = match Input::open(path, LIMIT).and_then(|input| input.text()) {
        Err(Unread::Absent) => return None,
        Err(_) => Value::Null,
        Ok(text) => serde_json::from_str(&text).unwrap_or_default(),
    };
    let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Session { pid, session_id: text("sessionId"), process_start: text("procStart") })
}

/// The process of a session lives, and as far as the system can tell it is the one that wrote the file.
pub fn runs(session: &Session) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(session.pid) else { return false };
    // Without permission to signal a process there is one.
    if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
        return false;
    }
    match (start_of_process(session.pid), &session.process_start) {
        (Some(Start::Gone), _) => false,
        (Some(Start::At(now)), Some(then)) if then.bytes().all(|byte| byte.is_ascii_digit()) => now == *then,
        _ => true,
    }
}

/// What Linux tells of the process with a number.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// It has ended, and nobody has asked for its exit code yet.
    Gone,
    /// It began then, in clock ticks since the machine did.
    At(String),
}

/// None on systems without this file.
fn start_of_process(pid: i32) -> Option<Start> {
    let path = format!("/proc/{pid}/stat");
    start_of_stat(&std::fs::read_to_string(path).ok()?)
}

/// The program's name stands in parentheses and may hold anything, parentheses too; the fields follow its last one.
fn start_of_stat(stat: &str) -> Option<Start> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" => Some(Start::Gone),
        _ => fields.nth(18).map(|start| Start::At(start.to_owned())),
    }
}

#[cfg(test)]
mod tests;
