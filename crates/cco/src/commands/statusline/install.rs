//! `cco statusline install`: our command becomes the status line of a config directory.
//!
//! Must not: change anything in the settings beside it, or anything at all that was not put down before.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{TRIES, document, folder, make_writable, records, refused, restless, settings, tell_scripts};
use crate::args::InstallArgs;
use crate::claude_settings::command::{Line, command_of, lasting};
use crate::claude_settings::document::Document;
use crate::claude_settings::file::{self, SettingsFile};
use crate::claude_settings::record::{Before, Record, Records, sum};
use crate::commands::{ask, config};
use crate::config::{Config, keys};
use crate::env::Env;
use crate::error::{CliError, Exit, why};
use crate::home;
use crate::print::{Output, text};

/// What turns every status line off.
const OFF: &str = "disableAllHooks";

/// Runs the command.
pub(super) fn run(args: &InstallArgs, json: bool, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let (path, folder) = (settings(&args.dir, env)?, folder(env)?);
    let (command, records) = (own_command(env)?, records(&folder));
    let file = file::read(&path)?;
    let there = document(&file)?;
    let known = records.read(&file.path)?;
    let line = line(&there, &command, known.as_ref());
    let can_ask = env.stdin_is_terminal && env.stderr_is_terminal && !json && !args.dry_run;
    if args.dry_run {
        let exit = foretell(&file, &there, &line, &command, json, out)?;
        if let Some(preset) = args.preset.filter(|_| !json) {
            out.note(&format!("its preset would be {}", preset.0.name()));
        }
        return Ok(exit);
    }
    if let Line::Foreign(other) = &line
        && !args.yes
        && !agreed(&file, other, can_ask, out)?
    {
        out.note("nothing was changed");
        return Ok(Exit::Done);
    }
    make_writable(&folder)?;
    let preset = keep_preset(args, env)?;
    let done = commit(&path, there.line(), &command, &records)?;
    if json {
        let backup = done.backup.as_ref().map(|path| path.display().to_string());
        tell_scripts(out, &file, done.action, &json!({ "command": command, "backup": backup }))?;
    } else {
        tell(&file, &line, &done, out);
        preset.iter().for_each(|words| out.note(words));
    }
    if there.value(OFF) == Some("true") {
        let path = file.path.display();
        out.warning(&format!("\"{OFF}\" is true in {path}, which turns status lines off too"));
    }
    if can_ask {
        consent(env, out)?;
    }
    Ok(Exit::Done)
}

/// The command that starts this program.
fn own_command(env: &Env) -> Result<String, CliError> {
    let program = crate::env::program().ok_or_else(|| {
        CliError::failed("it cannot be told where this program is").hint("install cco anew")
    })?;
    let program = lasting(program, env.search_path.as_deref());
    let text = program.to_str().ok_or_else(|| {
        CliError::failed(format!("the path of this program is not valid UTF-8: {}", program.display()))
            .hint("move it to another folder")
    })?;
    Ok(command_of(text))
}

/// Whoever is there agrees that another tool's line goes.
fn agreed(file: &SettingsFile, other: &str, can_ask: bool, out: &mut Output) -> Result<bool, CliError> {
    let path = file.path.display();
    if !can_ask {
        return Err(CliError::failed(format!("{path} has another status line: {other}"))
            .hint("nothing was changed; --yes replaces it, and `cco statusline uninstall` brings it back"));
    }
    out.note(&format!("{path} has another status line: {other}"));
    Ok(ask::yes_or_no(out, "Replace it? `cco statusline uninstall` brings it back.")? == Some(true))
}

/// What came of it.
struct Done {
    action: &'static str,
    backup: Option<PathBuf>,
}

const UNCHANGED: &str = "unchanged";

/// Puts the command in, whatever else changes in the file meanwhile. `agreed` is the line that may be replaced.
fn commit(path: &Path, agreed: Option<&str>, command: &str, records: &Records) -> Result<Done, CliError> {
    let _turn = file::turn(path);
    for _ in 0..TRIES {
        let file = file::read(path)?;
        let there = document(&file)?;
        let known = records.read(&file.path)?;
        let line = line(&there, command, known.as_ref());
        let action = match &line {
            Line::Ours { command: there, .. } if there == command => {
                return Ok(Done { action: UNCHANGED, backup: None });
            }
            Line::Foreign(_) if there.line() != agreed => return Err(restless(&file)),
            Line::None => "installed",
            Line::Ours { .. } | Line::Foreign(_) => "replaced",
        };
        let new = there.with(&entry(&there, command)).map_err(|unfit| refused(&file, &unfit))?;
        // Made first: where that cannot be done, nothing else is.
        let successor = file.successor(&new)?;
        let record = record(&file, &there, &line, known, command, &new);
        let backup = records.write(&file.path, &record, file.text.as_deref()).map_err(|error| {
            CliError::failed(format!("cannot keep a copy of {}: {}", file.path.display(), why(&error)))
                .hint("nothing was changed; `cco doctor` looks at cco's own folder")
        })?;
        if successor.replace()? {
            return Ok(Done { action, backup });
        }
    }
    Err(restless(&file::read(path)?))
}

/// The value of the key, in the way in which the file is written.
fn entry(there: &Document<'_>, command: &str) -> String {
    let command = Value::from(command).to_string();
    there.object(&[("type", "\"command\"".to_owned()), ("command", command), ("padding", "0".to_owned())])
}

/// The line that is there. What we are called now and were called when it was written is ours.
fn line(there: &Document<'_>, command: &str, known: Option<&Record>) -> Line {
    let known = known.map_or(command, |known| &known.command);
    Line::of(there.line(), &[command, known])
}

/// What is to be remembered. A line of ours that is replaced by another one of ours is not what was there before.
fn record(
    file: &SettingsFile,
    there: &Document<'_>,
    line: &Line,
    known: Option<Record>,
    command: &str,
    new: &str,
) -> Record {
    let (before, old_line) = match (line, &file.text) {
        (Line::Ours { .. }, _) => {
            known.map_or((Before::Unknown, None), |known| (known.before, known.old_line))
        }
        (_, None) => (Before::Absent, None),
        (_, Some(text)) => (Before::Bytes { sha256: sum(text) }, there.line().map(str::to_owned)),
    };
    let (file, command) = (file.path.display().to_string(), command.to_owned());
    Record { file, command, before, after_sha256: sum(new), old_line }
}

fn tell(file: &SettingsFile, line: &Line, done: &Done, out: &mut Output) {
    let path = file.path.display();
    match line {
        _ if done.action == UNCHANGED => {
            out.note(&format!("{path} has cco's status line already"));
            return;
        }
        Line::Foreign(other) => out.note(&format!("{path} has cco's status line now, instead of {other}")),
        _ => out.note(&format!("{path} has cco's status line now")),
    }
    if let Some(backup) = &done.backup {
        out.note(&format!("what was there is in {}", backup.display()));
    }
    out.hint("Claude Code shows it from its next answer on; `cco statusline uninstall` takes it out again");
}

/// Says what would be done.
fn foretell(
    file: &SettingsFile,
    there: &Document<'_>,
    line: &Line,
    command: &str,
    json: bool,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let entry = entry(there, command);
    there.with(&entry).map_err(|unfit| refused(file, &unfit))?;
    let (path, known) =
        (file.path.display(), matches!(line, Line::Ours { command: known, .. } if known == command));
    if json {
        let action = if known { UNCHANGED } else { "would_install" };
        return tell_scripts(out, file, action, &json!({ "command": command, "backup": null }));
    }
    if known {
        out.note(&format!("{path} has cco's status line already"));
        return Ok(Exit::Done);
    }
    out.data(&text::escape_json(format!("\"statusLine\": {entry}\n")))?;
    let instead = match line {
        Line::Foreign(other) => format!(", instead of {other}"),
        Line::Ours { command, .. } => format!(", instead of `{command}`"),
        Line::None => String::new(),
    };
    out.note(&format!("this would go into {path}{instead}; nothing was changed"));
    Ok(Exit::Done)
}

/// Sets what the line looks like, before the line is there; says so.
fn keep_preset(args: &InstallArgs, env: &Env) -> Result<Option<String>, CliError> {
    let Some(preset) = args.preset else { return Ok(None) };
    let folder = home::folder(env)?;
    let Some(path) = home::config_file(folder.as_deref()) else { return Ok(None) };
    let name = preset.0.name();
    config::write(&path, keys::statusline::PRESET, &[name.to_owned()])?;
    Ok(Some(format!("its preset is {name}, kept in {}", path.display())))
}

/// Asks whether limits may be asked for, where nobody said so or the contrary yet.
fn consent(env: &Env, out: &mut Output) -> Result<(), CliError> {
    let Some(path) = home::config_file(home::folder(env)?.as_deref()) else { return Ok(()) };
    // Settings that cannot be read are told by whoever needs them.
    if Config::load(Some(&path), env).is_ok_and(|config| config.flag(keys::limits::ENDPOINT).is_none()) {
        ask::consent(out, &path)?;
    }
    Ok(())
}
