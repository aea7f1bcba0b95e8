//! `cco daemon status`: whether it runs, and how its parts are.

use std::path::Path;

use cco_daemon::control::{Client, Status};
use cco_model::civil;
use serde_json::json;

use super::start::tell_of_port;
use super::{Deaf, ask};
use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::print::{BAD, GOOD, Output, json, styled, text};

/// Columns of a part's name, with the blanks behind it.
const NAME: usize = 9;

/// Runs the command.
pub(super) fn run(folder: &Path, as_json: bool, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let status = match ask(folder, Client::status) {
        Ok(Some(status)) => status,
        Ok(None) => return tell_of_none(None, as_json, out),
        Err(deaf) => return tell_of_none(Some(deaf), as_json, out),
    };
    if as_json {
        out.data(&json::render(&document(&status))?)?;
    } else {
        out.data(&page(&status, env))?;
        tell_of_port(&status.about, out);
    }
    let works = status.checks.iter().all(|(_, is_ok, _)| *is_ok);
    Ok(if works { Exit::Done } else { Exit::Problem })
}

fn tell_of_none(deaf: Option<Deaf>, as_json: bool, out: &mut Output) -> Result<Exit, CliError> {
    if as_json {
        let pid = deaf.as_ref().and_then(|deaf| deaf.about.as_ref().map(|about| about.pid));
        out.data(&json::render(&json!({ "running": deaf.is_some(), "answers": false, "pid": pid }))?)?;
    } else if let Some(deaf) = deaf {
        let CliError { message, hints, .. } = deaf.into();
        out.warning(&message);
        hints.iter().for_each(|hint| out.hint(hint));
    } else {
        out.note("no daemon runs");
        out.hint("`cco daemon start` starts one; reports and the status line work without");
    }
    Ok(Exit::Problem)
}

fn document(status: &Status) -> serde_json::Value {
    let checks: Vec<serde_json::Value> = status
        .checks
        .iter()
        .map(|(name, is_ok, detail)| json!({ "name": name, "ok": is_ok, "detail": detail }))
        .collect();
    json!({
        "running": true,
        "answers": true,
        "pid": status.about.pid,
        "version": status.about.version,
        "address": status.about.address,
        "instead_of": status.about.instead_of,
        "since": civil::timestamp(status.about.since_ms).to_string(),
        "polling": status.is_polling,
        "checks": checks,
    })
}

fn page(status: &Status, env: &Env) -> String {
    let about = &status.about;
    let minutes = (env.now.as_millisecond() - about.since_ms).max(0) / 60_000;
    let since = match u64::try_from(minutes).unwrap_or(0) {
        0 => "for less than a minute".to_owned(),
        minutes => format!("for {}", text::duration(minutes)),
    };
    let address = about.address.as_deref().unwrap_or("no address yet");
    let mut page =
        format!("{address}  process {}, version {}, {since}\n\n", about.pid, text::clean(&about.version));
    for (name, is_ok, detail) in &status.checks {
        let (style, word) = if *is_ok { (GOOD, "ok") } else { (BAD, "fails") };
        let blanks = " ".repeat(NAME.saturating_sub(name.len()));
        let word = format!("{word:<7}");
        page += &format!("{name}{blanks}{}{}\n", styled(style, &word), text::clean(detail));
    }
    page
}
