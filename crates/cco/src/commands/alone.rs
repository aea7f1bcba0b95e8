//! Commands that need no ledger and no transcripts, and so run where reports cannot.
//!
//! Must not: open the ledger (`doctor` does that for itself, and lives on when it fails).

use super::{completions, config, daemon, dashboard, doctor, man, statusline};
use crate::args::{Alone, CommonArgs};
use crate::env::Env;
use crate::error::{CliError, Exit};
use crate::print::Output;

/// Does what was asked for.
pub(crate) fn run(
    command: &Alone,
    common: &CommonArgs,
    env: &Env,
    out: &mut Output,
) -> Result<Exit, CliError> {
    match command {
        Alone::Dashboard(args) if common.demo => return dashboard::demo(args, common, env, out),
        Alone::Daemon(_) if common.demo => {
            return Err(CliError::usage("a daemon in the background has no made-up data")
                .hint("`cco --demo dashboard` shows the page with it"));
        }
        Alone::Daemon(_) | Alone::Dashboard(_) if common.timezone.is_some() => {
            return Err(CliError::usage("--timezone means nothing to a daemon, which many ask")
                .hint("`cco config set stats.timezone ZONE` says whose days it means; a request may say `timezone=`"));
        }
        _ if common.demo => out.note("--demo means nothing here"),
        _ => {}
    }
    match command {
        Alone::Doctor(args) => doctor::run(args, common, env, out),
        Alone::Config(command) => config::run(command, common, env, out),
        Alone::Daemon(command) => daemon::run(command, common, env, out),
        Alone::Dashboard(args) => dashboard::run(args, common, env, out),
        Alone::Completions(args) => completions::run(args, out),
        Alone::Man(args) => man::run(args, out),
        Alone::Statusline(args) => statusline::run(args, common, env, out),
    }
}
