//! Arguments of `daemon` and `dashboard`.

use clap::{Args as ClapArgs, Subcommand};

/// The family `cco daemon …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Run it here, until it is told to end
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Start it in the background
    #[command(after_help = START_EXAMPLES)]
    Start,
    /// End it
    #[command(after_help = STOP_EXAMPLES)]
    Stop,
    /// End it, and start it again
    #[command(after_help = RESTART_EXAMPLES)]
    Restart,
    /// Say whether it runs, and how its parts are
    #[command(after_help = STATUS_EXAMPLES)]
    Status,
    /// Have the system start it at every login: a systemd user unit, or a launchd agent
    #[command(after_help = INSTALL_EXAMPLES)]
    Install,
    /// Take that back
    #[command(after_help = UNINSTALL_EXAMPLES)]
    Uninstall,
    /// Print its log
    #[command(after_help = LOGS_EXAMPLES)]
    Logs(LogsArgs),
    /// Print the token that requests need
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(TokenArgs),
}

impl DaemonCommand {
    /// Whether it prints what `--json` is for.
    pub(crate) fn has_json(&self) -> bool {
        !matches!(self, Self::Run(_) | Self::Install | Self::Uninstall | Self::Logs(_))
    }
}

/// Flags of `daemon run`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct RunArgs {
    /// Nobody looks at what it says: it goes to the log alone
    #[arg(long, hide = true)]
    pub(crate) background: bool,
    /// End when nobody used it for half an hour: a status line started it
    #[arg(long, hide = true)]
    pub(crate) idle: bool,
}

/// Flags of `daemon logs`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct LogsArgs {
    /// Go on printing what comes
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
    /// So many lines of what is there
    #[arg(long, short = 'n', value_name = "LINES", default_value = "50")]
    pub(crate) lines: usize,
}

/// Flags of `daemon token`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct TokenArgs {
    /// Make another one: whoever has the old one is logged out
    #[arg(long)]
    pub(crate) rotate: bool,
}

/// Flags of `dashboard`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct DashboardArgs {
    /// Print the link, and open nothing
    #[arg(long)]
    pub(crate) print: bool,
}

pub(super) const DAEMON_EXAMPLES: &str = "\
Examples:
  cco daemon start
  cco daemon status
  curl -H \"Authorization: Bearer $(cco daemon token)\" \"$(cco daemon status --json | jq -r '.address // empty')/api/stats\"";

pub(super) const DASHBOARD_EXAMPLES: &str = "\
Examples:
  cco dashboard
  cco dashboard --print
  cco --demo dashboard     made-up data, until Ctrl-C

The link lets one page in, once, within 30 seconds.";

const RUN_EXAMPLES: &str = "\
Examples:
  cco daemon run

Exit codes: 0 it was told to end, or another one runs; 1 it could not run; 2 `daemon.listen` is not allowed";

const START_EXAMPLES: &str = "\
Examples:
  cco daemon start";

const STOP_EXAMPLES: &str = "\
Examples:
  cco daemon stop";

const RESTART_EXAMPLES: &str = "\
Examples:
  cco daemon restart";

const STATUS_EXAMPLES: &str = "\
Examples:
  cco daemon status
  cco daemon status --json

Exit codes: 0 it runs and all its parts work, 3 it does not run or a part does not work";

const INSTALL_EXAMPLES: &str = "\
Examples:
  cco daemon install
  cco daemon status";

const UNINSTALL_EXAMPLES: &str = "\
Examples:
  cco daemon uninstall";

const LOGS_EXAMPLES: &str = "\
Examples:
  cco daemon logs
  cco daemon logs -f -n 10";

const TOKEN_EXAMPLES: &str = "\
Examples:
  curl -H \"Authorization: Bearer $(cco daemon token)\" \"$(cco daemon status --json | jq -r '.address // empty')/api/stats\"
  cco daemon token --rotate";
