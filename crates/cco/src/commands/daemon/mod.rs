//! `cco daemon`: the background process, from its start to its end.
//!
//! Must not: do any of its work; that is the daemon crate's.

mod install;
mod logs;
mod run;
mod start;
mod status;
mod stop;
mod token;
mod unit;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cco_daemon::control::{Client, Unanswered};
use cco_daemon::lock::{self, About};

use crate::args::{CommonArgs, DaemonCommand};
use crate::env::{CCO_HOME, Env};
use crate::error::{CliError, Exit, why};
use crate::print::Output;
use crate::{home, places};

pub(crate) use install::installed as daemon_unit;
pub(super) use run::run as run_here;
pub(crate) use start::begin as begin_daemon;
pub(super) use start::{of_one_that_runs, wait};

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The folder of logs.
const LOGS: &str = "logs";

/// Runs the command.
pub(super) fn run(
    command: &DaemonCommand,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    let folder = folder(env)?;
    if common.json && !command.has_json() {
        return Err(CliError::usage("this command has no JSON").hint("leave --json away"));
    }
    match command {
        DaemonCommand::Run(args) => {
            #[cfg(all(target_os = "linux", target_env = "gnu"))]
            crate::env::share_arenas();
            run::run(args, &folder, env, out)
        }
        DaemonCommand::Start => start::run(&folder, common.json, out),
        DaemonCommand::Stop => stop::run(&folder, common.json, env, out),
        DaemonCommand::Restart => start::restart(&folder, common.json, out),
        DaemonCommand::Status => status::run(&folder, common.json, env, out),
        DaemonCommand::Install => install::install(&folder, env, out),
        DaemonCommand::Uninstall => install::uninstall(env, out),
        DaemonCommand::Logs(args) => logs::run(args, &folder, out),
        DaemonCommand::Token(args) => token::run(args, &folder, common.json, out),
    }
}

/// Our own folder: without one there is nothing to keep, and nothing to lock.
pub(super) fn folder(env: &Env) -> Result<PathBuf, CliError> {
    home::folder(env)?.ok_or_else(|| {
        CliError::failed(format!("neither {CCO_HOME} nor HOME is set: a daemon has nowhere to keep anything"))
            .hint(format!("set {CCO_HOME} to a folder that you can write"))
    })
}

/// One runs, and cannot be asked.
pub(super) struct Deaf {
    /// Who; none: it has not said so yet.
    about: Option<About>,
    why: Unanswered,
}

impl Deaf {
    /// Its socket is not there: it may be about to begin.
    fn may_be_new(&self) -> bool {
        matches!(self.why, Unanswered::Absent(_))
    }
}

impl From<Deaf> for CliError {
    fn from(deaf: Deaf) -> Self {
        let who = in_brackets(deaf.about.as_ref());
        let what = match &deaf.why {
            Unanswered::Absent(error) => format!("its socket cannot be reached: {}", why(error)),
            Unanswered::Silent(_) | Unanswered::Stranger => "does not answer".to_owned(),
            Unanswered::Odd => "answers in words of another version".to_owned(),
        };
        let pid = deaf.about.map_or_else(|| "PID".to_owned(), |about| about.pid.to_string());
        Self::failed(format!("a daemon runs{who}, and {what}"))
            .hint("`cco daemon stop` ends it; `cco daemon logs` may say why")
            .hint(format!("`kill -KILL {pid}` ends one that hears nothing any more; nothing is lost by that"))
    }
}

/// What the daemon of this folder answers; none: none runs.
pub(super) fn ask<T>(
    folder: &Path,
    wish: impl FnOnce(Client) -> Result<T, Unanswered>,
) -> Result<Option<T>, Deaf> {
    let state = places::state(folder);
    let answer = Client::reach(&state, PATIENCE).and_then(wish);
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(why) => match lock::running(&state) {
            Some(about) => Err(Deaf { about, why }),
            None => Ok(None),
        },
    }
}

/// Who runs, behind what is said of it.
pub(super) fn in_brackets(about: Option<&About>) -> String {
    about.map_or_else(String::new, |about| {
        let at = about.address.as_ref().map_or_else(String::new, |address| format!(", {address}"));
        format!(" (process {}, version {}{at})", about.pid, about.version)
    })
}
