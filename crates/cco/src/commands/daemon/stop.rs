//! `cco daemon stop`: asks it to end, and waits until it has.

use std::path::Path;
use std::time::{Duration, Instant};

use cco_daemon::control::Client;
use cco_daemon::lock::{self, About};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{ask, in_brackets};
use crate::config::{Config, keys};
use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::print::{Output, json};
use crate::{home, places};

/// It ends within two seconds; a busy machine may take longer.
const ENDS: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
const TURN: Duration = Duration::from_millis(10);

/// Runs the command.
pub(super) fn run(folder: &Path, as_json: bool, env: &Env, out: &mut Output) -> Result<Exit, CliError> {
    let ended = end(folder)?;
    if as_json {
        out.data(&json::render(&json!({ "stopped": ended.is_some() }))?)?;
        return Ok(Exit::Done);
    }
    out.note(&match ended {
        None => "no daemon runs".to_owned(),
        Some(about) => format!("the daemon has ended{}", in_brackets(about.as_ref())),
    });
    let config = Config::load(home::config_file(Some(folder)).as_deref(), env);
    if config.is_ok_and(|config| keys::daemon::autostart(&config, env)) {
        out.hint(&format!(
            "the next status line starts one; `cco config set {} false` keeps it from that",
            keys::daemon::AUTOSTART
        ));
    }
    Ok(Exit::Done)
}

/// Ends the daemon of this folder; gives who ran, none: none did.
pub(super) fn end(folder: &Path) -> Result<Option<Option<About>>, CliError> {
    let state = places::state(folder);
    let Some(about) = lock::running(&state) else { return Ok(None) };
    let asked = matches!(ask(folder, Client::stop), Ok(Some(())));
    if !asked {
        // Its socket cannot be reached; its process holds the lock, so the number is its own.
        let pid = about.as_ref().and_then(|about| Pid::from_raw(i32::try_from(about.pid).ok()?));
        let told = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        if !told {
            return Err(CliError::failed("a daemon runs, and cannot be told to end")
                .hint("`cco daemon logs` may say why; end its process by hand"));
        }
    }
    let until = Instant::now() + ENDS;
    while lock::running(&state).is_some() {
        if Instant::now() >= until {
            let pid = about.as_ref().map_or_else(|| "PID".to_owned(), |about| about.pid.to_string());
            let who = in_brackets(about.as_ref());
            return Err(CliError::failed(format!("the daemon{who} was told to end, and still runs"))
                .hint(format!("`kill -KILL {pid}` ends it all the same; nothing is lost by that")));
        }
        std::thread::sleep(TURN);
    }
    Ok(Some(about))
}
