//! `cco daemon start`: a daemon in the background, that has said where it is reached.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cco_daemon::control::{Client, Status};
use cco_daemon::log::FILE;
use serde_json::json;

use super::{LOGS, PATIENCE, reached, who};
use crate::env;
use crate::error::{CliError, Exit, why};
use crate::print::{Output, json};
use crate::{home, places};

/// How long one may take to begin.
const BEGINS: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
const TURN: Duration = Duration::from_millis(10);

/// Runs the command.
pub(super) fn run(folder: &Path, as_json: bool, out: &mut Output) -> Result<Exit, CliError> {
    let before = reached(folder).and_then(|client| client.status().ok());
    let (word, status) = match before {
        Some(status) => ("runs already", status),
        None => ("runs", start(folder)?),
    };
    if as_json {
        out.data(&json::render(&json!({
            "started": word == "runs", "pid": status.about.pid, "address": status.about.address,
        }))?)?;
    } else {
        out.note(&format!("a daemon {word} ({})", who(&status.about)));
        out.hint("`cco dashboard` opens its page");
    }
    Ok(Exit::Done)
}

/// A line to the daemon of this folder, which is started where none runs.
pub(in crate::commands) fn started(folder: &Path) -> Result<Client, CliError> {
    if let Some(client) = reached(folder) {
        return Ok(client);
    }
    start(folder)?;
    reached(folder).ok_or_else(|| never_began(folder))
}

fn start(folder: &Path) -> Result<Status, CliError> {
    let program = env::program().ok_or_else(|| {
        CliError::failed("the file of this program cannot be found, so it cannot be started again")
    })?;
    home::make_writable(folder).map_err(|error| {
        CliError::failed(format!("cannot write to {}: {}", folder.display(), why(&error)))
    })?;
    let mut child = begin(&program, folder, &["daemon", "run", "--background"]).map_err(|error| {
        CliError::failed(format!("{} cannot be started: {}", program.display(), why(&error)))
    })?;
    let until = Instant::now() + BEGINS;
    let status = || Client::reach(&places::state(folder), PATIENCE).ok()?.status().ok();
    while Instant::now() < until {
        // Ended well: another process started one at the same moment. As long as it has not, it may still begin, and
        // whoever is told that a daemon runs may end it and believe that none does.
        let has_ended = child.try_wait().is_ok_and(|ended| ended.is_some());
        match status() {
            Some(status) if has_ended || status.about.pid == child.id() => return Ok(status),
            None if has_ended => break,
            _ => std::thread::sleep(TURN),
        }
    }
    Err(never_began(folder))
}

/// Begins a daemon that outlives this process and its terminal. What it says before it has a log goes to the log's file.
pub(crate) fn begin(program: &Path, folder: &Path, words: &[&str]) -> std::io::Result<std::process::Child> {
    let logs = folder.join(LOGS);
    DirBuilder::new().recursive(true).mode(0o700).create(&logs)?;
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(logs.join(FILE))?;
    Command::new(program)
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // A signal to the terminal's processes is not for it.
        .process_group(0)
        .spawn()
}

fn never_began(folder: &Path) -> CliError {
    let log = folder.join(LOGS).join(FILE);
    CliError::failed("the daemon did not begin").hint(format!("{} says why", log.display()))
}
