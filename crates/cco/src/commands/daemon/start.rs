//! `cco daemon start`: a daemon in the background, that has said where it is reached; or why there is none.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use cco_daemon::control::{Client, Status, Unanswered};
use cco_daemon::lock::About;
use serde_json::json;

use super::{ask, in_brackets, stop};
use crate::env;
use crate::error::{CliError, Exit, why};
use crate::home;
use crate::print::{Output, json};

/// How long one may take to begin.
const BEGINS: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
const TURN: Duration = Duration::from_millis(10);
/// Of what it says so much is read, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// Runs the command.
pub(super) fn run(folder: &Path, as_json: bool, out: &mut Output) -> Result<Exit, CliError> {
    let (word, status) = match ask(folder, Client::status) {
        // A status line began it: it would leave whoever wants one that stays.
        Ok(Some(status)) if status.about.leaves_when_idle => return restart(folder, as_json, out),
        Ok(Some(status)) => ("runs already", status),
        Err(deaf) if !deaf.may_be_new() => return Err(deaf.into()),
        Ok(None) | Err(_) => ("runs", start(folder)?),
    };
    tell(word, &status.about, as_json, out)
}

/// Ends the one that runs, and starts another.
pub(super) fn restart(folder: &Path, as_json: bool, out: &mut Output) -> Result<Exit, CliError> {
    stop::end(folder)?;
    tell("runs", &start(folder)?.about, as_json, out)
}

fn tell(word: &str, about: &About, as_json: bool, out: &mut Output) -> Result<Exit, CliError> {
    if as_json {
        out.data(&json::render(&json!({
            "started": word == "runs",
            "pid": about.pid,
            "address": about.address,
            "instead_of": about.instead_of,
        }))?)?;
        return Ok(Exit::Done);
    }
    out.note(&format!("a daemon {word}{}", in_brackets(Some(about))));
    tell_of_port(about, out);
    out.hint("`cco dashboard` opens its page");
    Ok(Exit::Done)
}

/// Says so where it is not where it was to be.
pub(super) fn tell_of_port(about: &About, out: &mut Output) {
    if let Some(wanted) = &about.instead_of {
        out.warning(&format!("another program has {wanted}, so it listens on the next port that was free"));
        out.hint(
            "`cco config set daemon.listen 127.0.0.1:PORT` says where instead; then `cco daemon restart`",
        );
    }
}

/// What the daemon of this folder answers, which is started where none runs.
pub(in crate::commands) fn of_one_that_runs<T>(
    folder: &Path,
    wish: impl Fn(Client) -> Result<T, Unanswered>,
) -> Result<T, CliError> {
    match ask(folder, &wish) {
        Ok(Some(answer)) => return Ok(answer),
        Err(deaf) if !deaf.may_be_new() => return Err(deaf.into()),
        Ok(None) | Err(_) => start(folder)?,
    };
    ask(folder, &wish)?.ok_or_else(ended_again)
}

fn start(folder: &Path) -> Result<Status, CliError> {
    let program = env::program().ok_or_else(|| {
        CliError::failed("the file of this program cannot be found, so it cannot be started again")
    })?;
    let cannot_write = |error: std::io::Error| {
        CliError::failed(format!("cannot write to {}: {}", folder.display(), why(&error)))
    };
    home::make_writable(folder).map_err(cannot_write)?;
    let mut said = tempfile::tempfile_in(folder).map_err(cannot_write)?;
    let aside = said.try_clone().map_err(cannot_write)?;
    let mut child = begin(&program, &["daemon", "run", "--background"], aside.into()).map_err(|error| {
        CliError::failed(format!("{} cannot be started: {}", program.display(), why(&error)))
    })?;
    let until = Instant::now() + BEGINS;
    let mut last = None;
    while Instant::now() < until {
        // Ended well: another process started one at the same moment. As long as it has not, it may still begin, and
        // whoever is told that a daemon runs may end it and believe that none does.
        let ended = child.try_wait().ok().flatten();
        if let Some(status) = ended.filter(|status| !status.success()) {
            return Err(why_not(status, &mut said));
        }
        match ask(folder, Client::status) {
            Ok(Some(status)) if ended.is_some() || status.about.pid == child.id() => return Ok(status),
            Ok(None) if ended.is_some() => return Err(ended_again()),
            Err(deaf) => last = Some(deaf),
            Ok(_) => {}
        }
        std::thread::sleep(TURN);
    }
    Err(last.map_or_else(ended_again, CliError::from))
}

/// Waits until a daemon answers; none: none did in time.
pub(in crate::commands) fn wait(folder: &Path) -> Option<Status> {
    let until = Instant::now() + BEGINS;
    while Instant::now() < until {
        if let Ok(Some(status)) = ask(folder, Client::status) {
            return Some(status);
        }
        std::thread::sleep(TURN);
    }
    None
}

/// Begins a daemon that outlives this process and its terminal. What it says before it has a log goes aside.
pub(crate) fn begin(program: &Path, words: &[&str], aside: Stdio) -> std::io::Result<Child> {
    Command::new(program)
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(aside)
        // A signal to the terminal's processes is not for it.
        .process_group(0)
        .spawn()
}

/// What one that could not run said of that, in its own words.
fn why_not(status: ExitStatus, said: &mut File) -> CliError {
    let mut text = String::new();
    let read = said.rewind().and_then(|()| said.take(MOST_BYTES).read_to_string(&mut text));
    let error = format!("\n{text}");
    let Some((_, error)) = error.split_once("\nerror: ").filter(|_| read.is_ok()) else {
        return CliError::failed("the daemon did not begin").hint("`cco daemon logs` may say why");
    };
    let mut parts = error.trim_end().split("\nhint: ");
    let message = parts.next().unwrap_or_default().to_owned();
    let error = match status.code() {
        Some(2) => CliError::usage(message),
        _ => CliError::failed(message),
    };
    parts.fold(error, CliError::hint)
}

fn ended_again() -> CliError {
    CliError::failed("the daemon ended as soon as it had begun").hint("`cco daemon logs` says why")
}
