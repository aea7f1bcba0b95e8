//! Rules about the daemon: whether it runs, how its parts are, and what the system was told of it.
//!
//! Owns the look at it, too: it takes what is said on the control socket and in the unit's file. Must not: start or
//! end one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_daemon::api_token;
use cco_daemon::control::{Client, Status, Unanswered};
use cco_daemon::lock::{self, About};

use super::Verdict;
use super::facts::Facts;
use crate::commands::daemon_unit;
use crate::env::Env;
use crate::error::why;
use crate::places;

/// A daemon that works answers at once.
const PATIENCE: Duration = Duration::from_secs(1);
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is known of the daemon.
#[derive(Clone, Debug, Default)]
pub(crate) struct DaemonFacts {
    /// How it is.
    pub(crate) daemon: Daemon,
    /// Why its token's file would be refused; none: it is right, or not there.
    pub(crate) token: Option<String>,
    /// The unit that the system follows, and whether it is the one that would be written now; none: there is none.
    pub(crate) unit: Option<(PathBuf, bool)>,
}

/// Whether one runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// None.
    #[default]
    Absent,
    /// None, and another program has its socket.
    Stranger,
    /// It holds the lock, and does not answer.
    Silent(Option<About>),
    /// It answers.
    Running(Status),
}

/// Looks.
pub(super) fn look(folder: Option<&Path>, env: &Env) -> DaemonFacts {
    let Some(folder) = folder else { return DaemonFacts::default() };
    let state = places::state(folder);
    let daemon = match Client::reach(&state, PATIENCE).and_then(Client::status) {
        Ok(status) => Daemon::Running(status),
        Err(Unanswered::Stranger) => Daemon::Stranger,
        Err(_) => lock::running(&state).map_or(Daemon::Absent, Daemon::Silent),
    };
    // Where the folder cannot be entered, that is the matter.
    let is_there = state.join(api_token::FILE).symlink_metadata().is_ok();
    let token = api_token::read(&state).err().filter(|_| is_there).map(|error| why(&error));
    DaemonFacts { daemon, token, unit: daemon_unit(env) }
}

pub(super) fn runs(facts: &Facts) -> Verdict {
    match &facts.daemon.daemon {
        Daemon::Absent => Verdict::ok("none runs; reports and the status line work without"),
        Daemon::Stranger => {
            Verdict::note("none runs; another program has its socket, and each report waits for it a moment")
                .fix("`cco daemon start` takes its place")
        }
        Daemon::Silent(about) => {
            let who = about.as_ref().map_or_else(String::new, |about| format!(" (process {})", about.pid));
            Verdict::problem(format!("it runs{who}, and does not answer"))
                .fix("`cco daemon logs` may say why; `cco daemon stop`, then `cco daemon start`")
        }
        Daemon::Running(Status { about, .. }) if about.version != VERSION => Verdict::problem(format!(
            "the one that runs is of version {}, and this is {VERSION}",
            about.version
        ))
        .fix("`cco daemon restart`"),
        Daemon::Running(Status { about, .. }) => {
            let at = about.address.as_deref().unwrap_or("no address yet");
            let runs = format!("it runs: {at}, process {}", about.pid);
            match &about.instead_of {
                None => Verdict::ok(runs),
                Some(wanted) => Verdict::note(format!("{runs}; another program has {wanted}")).fix(
                    "end that one, or set `daemon.listen` to a port that is free; then `cco daemon restart`",
                ),
            }
        }
    }
}

pub(super) fn parts(facts: &Facts) -> Verdict {
    let Daemon::Running(status) = &facts.daemon.daemon else { return Verdict::ok("none runs") };
    let failing = status.checks.iter().filter(|(_, is_ok, _)| !is_ok);
    let failing: Vec<String> = failing.map(|(name, _, detail)| format!("{name}: {detail}")).collect();
    if !failing.is_empty() {
        return Verdict::problem("a part of it does not work")
            .fix("`cco daemon logs` says since when")
            .details(failing);
    }
    if status.is_polling {
        return Verdict::note(
            "it looks at transcripts every second, since the system does not tell it of changes",
        )
        .fix("raise the system's limits of watched files (fs.inotify.max_user_watches, max_user_instances)");
    }
    Verdict::ok("all of its parts work")
}

pub(super) fn token(facts: &Facts) -> Verdict {
    match &facts.daemon.token {
        None => Verdict::ok("no other user can read it"),
        Some(why) => Verdict::problem(format!("it cannot be used: {why}"))
            .fix("`cco daemon token --rotate` makes another one, after its file is gone"),
    }
}

pub(super) fn installed(facts: &Facts) -> Verdict {
    match &facts.daemon.unit {
        None => Verdict::ok("the system does not start it by itself"),
        Some((path, true)) => Verdict::ok(format!("the system starts it at login: {}", path.display())),
        Some((path, false)) => {
            Verdict::note(format!("{} is not what this version, at this place, would write", path.display()))
                .fix("`cco daemon install` writes it anew")
        }
    }
}
