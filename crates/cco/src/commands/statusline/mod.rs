//! `cco statusline`: the line, its place in Claude Code's settings, and a look at it.
//!
//! Must not: open the ledger.

mod install;
mod preview;
mod sample;
mod uninstall;

use std::path::{Path, PathBuf};

use cco_statusline::settings::Wish;
use serde_json::json;

use crate::args::{ColorWish, CommonArgs, ConfigDirArg, StatuslineArgs, StatuslineCommand};
use crate::claude_settings::document::{Document, Unfit};
use crate::claude_settings::file::SettingsFile;
use crate::claude_settings::record::Records;
use crate::claude_settings::settings_of;
use crate::env::{CCO_HOME, CLAUDE_CONFIG_DIR, Env};
use crate::error::{CliError, Exit, why};
use crate::print::{Output, json};
use crate::{home, places, roots};

/// Tries of a change while another program changes the file too.
const TRIES: u32 = 5;

/// Runs the command.
pub(super) fn run(
    args: &StatuslineArgs,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    match &args.command {
        // Claude Code's way goes past all this; here are flags beside the name.
        None => {
            crate::statusline::draw(match common.color() {
                ColorWish::Auto => Wish::Auto,
                ColorWish::Always => Wish::Always,
                ColorWish::Never => Wish::Never,
            });
            Ok(Exit::Done)
        }
        Some(StatuslineCommand::Install(args)) => install::run(args, common.json, env, out),
        Some(StatuslineCommand::Uninstall(args)) => uninstall::run(args, common.json, env, out),
        Some(StatuslineCommand::Preview(args)) => preview::run(args, common, env, out),
    }
}

/// The settings that are meant.
fn settings(args: &ConfigDirArg, env: &Env) -> Result<PathBuf, CliError> {
    let given = args.config_dir.as_ref().map(|dir| {
        home::at_home(dir, env.home.as_deref())
            .unwrap_or_else(|| std::path::absolute(dir).unwrap_or(dir.clone()))
    });
    given.or_else(|| roots::config_dir(env)).map(|dir| settings_of(&dir)).ok_or_else(|| {
        CliError::failed(format!(
            "neither {CLAUDE_CONFIG_DIR} nor HOME is set: there are no settings to change"
        ))
        .hint("--config-dir DIR names the config directory of Claude Code")
    })
}

/// Our own folder.
fn folder(env: &Env) -> Result<PathBuf, CliError> {
    home::folder(env)?.ok_or_else(|| {
        CliError::failed(format!(
            "neither {CCO_HOME} nor HOME is set: there is no place to keep what the settings are now"
        ))
        .hint(format!("set {CCO_HOME} to a folder that you can write"))
    })
}

/// What is remembered of settings before.
fn records(folder: &Path) -> Records {
    Records::new(folder, places::state(folder))
}

/// Makes our own folder, or says why nothing can be kept in it.
fn make_writable(folder: &Path) -> Result<(), CliError> {
    home::make_writable(folder).map_err(|error| {
        CliError::failed(format!(
            "cannot write to {} ({}), so there is no place to keep what the settings are now",
            folder.display(),
            why(&error)
        ))
        .hint(format!("nothing was changed; set {CCO_HOME} to a folder that you can write"))
    })
}

/// What is in a file, as a text that can be changed.
fn document(file: &SettingsFile) -> Result<Document<'_>, CliError> {
    Document::read(file.text.as_deref().unwrap_or_default()).map_err(|unfit| refused(file, &unfit))
}

fn refused(file: &SettingsFile, unfit: &Unfit) -> CliError {
    let error = CliError::failed(format!("cannot change {}: {}", file.path.display(), unfit.words()));
    match unfit {
        Unfit::NotJson(_) => error.hint("nothing was changed; Claude Code wants plain JSON: no comments, no comma before a closing bracket"),
        _ => error.hint("nothing was changed; mend it with your editor"),
    }
}

/// Another program writes the file all the time.
fn restless(file: &SettingsFile) -> CliError {
    CliError::failed(format!("{} is changed by another program all the time", file.path.display()))
        .hint("nothing was changed; try again when Claude Code rests")
}

/// What was done, for scripts.
fn tell_scripts(
    out: &mut Output,
    file: &SettingsFile,
    action: &str,
    details: &serde_json::Value,
) -> Result<Exit, CliError> {
    let mut all = json!({ "settings": file.path.display().to_string(), "action": action });
    if let (Some(all), Some(details)) = (all.as_object_mut(), details.as_object()) {
        all.extend(details.clone());
    }
    out.data(&json::render(&all)?)?;
    Ok(Exit::Done)
}
