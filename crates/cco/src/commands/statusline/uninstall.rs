//! `cco statusline uninstall`: what was there before our status line is there again.
//!
//! Must not: touch a status line that is not ours.

use serde_json::json;

use super::{TRIES, document, folder, records, refused, restless, settings, tell_scripts};
use crate::args::ConfigDirArg;
use crate::claude_settings::command::Line;
use crate::claude_settings::document::{Document, Unfit};
use crate::claude_settings::file::{self, SettingsFile};
use crate::claude_settings::record::{Original, Record, Records};
use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::print::Output;

/// What came of it.
enum Outcome {
    /// There was no status line.
    Nothing,
    /// The file is as it was, to the byte.
    Restored,
    /// The file is gone, as it was.
    Removed,
    /// Only the status line is what it was: other things have changed.
    Spliced,
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "unchanged",
            Self::Restored => "restored",
            Self::Removed => "removed",
            Self::Spliced => "taken_out",
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &ConfigDirArg, json: bool, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let (path, records) = (settings(args, env)?, records(&folder(env)?));
    let _turn = file::turn(&path);
    for _ in 0..TRIES {
        let file = file::read(&path)?;
        if let Some((outcome, record)) = take_out(&file, &records)? {
            records.forget(&file.path);
            let old_line = record.and_then(|record| record.old_line);
            if json {
                return tell_scripts(out, &file, outcome.name(), &json!({}));
            }
            tell(&file, &outcome, old_line.as_deref(), out);
            return Ok(Exit::Done);
        }
    }
    Err(restless(&file::read(&path)?))
}

/// None: the file was changed meanwhile.
fn take_out(file: &SettingsFile, records: &Records) -> Result<Option<(Outcome, Option<Record>)>, CliError> {
    let there = document(file)?;
    let record = records.read(&file.path)?;
    let known = record.as_ref().map(|record| record.command.as_str());
    let line = Line::of(there.line(), known.as_slice());
    let (Line::Ours { .. }, Some(text)) = (&line, file.text.as_deref()) else {
        return match line {
            Line::Foreign(other) => Err(not_ours(file, &other)),
            _ => Ok(Some((Outcome::Nothing, None))),
        };
    };
    let original = match &record {
        Some(record) => records.original(record, &there, text)?,
        None => None,
    };
    let (outcome, done) = match original {
        Some(Original::Absent) => (Outcome::Removed, file.remove()?),
        Some(Original::Text(text)) => (Outcome::Restored, file.successor(&text)?.replace()?),
        None => {
            let new = spliced(&there, record.as_ref()).map_err(|unfit| refused(file, &unfit))?;
            (Outcome::Spliced, file.successor(&new)?.replace()?)
        }
    };
    Ok(done.then_some((outcome, record)))
}

/// The text with the status line of before; one that cannot be put back is left out.
fn spliced(there: &Document<'_>, record: Option<&Record>) -> Result<String, Unfit> {
    let old = record.and_then(|record| record.old_line.as_deref());
    old.and_then(|old| there.with(old).ok()).map_or_else(|| there.without(), Ok)
}

fn not_ours(file: &SettingsFile, other: &str) -> CliError {
    CliError::failed(format!("the status line of {} is not cco's: {other}", file.path.display()))
        .hint("nothing was changed; it is for you or that tool to take it out")
}

fn tell(file: &SettingsFile, outcome: &Outcome, old_line: Option<&str>, out: &mut Output) {
    let path = file.path.display();
    out.note(&match (outcome, Line::of(old_line, &[])) {
        (Outcome::Nothing, _) => format!("{path} has no status line"),
        (Outcome::Removed, _) => {
            format!("{path} is gone again: there was nothing but cco's status line in it")
        }
        (Outcome::Restored, Line::Foreign(other)) => format!("{path} is as it was, with {other}"),
        (Outcome::Restored, _) => format!("{path} is as it was"),
        (Outcome::Spliced, Line::Foreign(other)) => {
            format!("{path} has {other} again; all else stays as it is now")
        }
        (Outcome::Spliced, _) => format!("{path} has no status line any more; all else stays as it is now"),
    });
}
