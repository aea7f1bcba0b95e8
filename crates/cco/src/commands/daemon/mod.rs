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

use std::path::PathBuf;
use std::time::Duration;

use cco_daemon::control::Client;
use cco_daemon::lock::About;

use crate::args::{CommonArgs, DaemonCommand};
use crate::env::{CCO_HOME, Env};
use crate::error::{CliError, Exit};
use crate::print::Output;
use crate::{home, places};

pub(crate) use install::installed as daemon_unit;
pub(crate) use start::begin as begin_daemon;
pub(super) use start::started;

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
    match command {
        DaemonCommand::Run(args) => run::run(args, &folder, env, out),
        DaemonCommand::Start => start::run(&folder, common.json, out),
        DaemonCommand::Stop => stop::run(&folder, common.json, out),
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

/// A line to the daemon of this folder; none: none runs, or it cannot be reached.
pub(super) fn reached(folder: &std::path::Path) -> Option<Client> {
    Client::reach(&places::state(folder), PATIENCE).ok()
}

/// Who runs, in words.
pub(super) fn who(about: &About) -> String {
    let at = about.address.as_ref().map_or_else(String::new, |address| format!(", {address}"));
    format!("process {}, version {}{at}", about.pid, about.version)
}
