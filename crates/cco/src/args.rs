//! Arguments: what can be typed, and its help text.
//!
//! Must not: read files, the environment or the clock.

pub(crate) mod astray;
mod config;
mod daemon;
mod limits;
mod reports;
mod span;
mod statusline;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use crate::env::VARIABLES;
use crate::error::CliError;
use crate::print::HELP;
use config::CONFIG_EXAMPLES;
pub(crate) use config::{ConfigCommand, ConfigSet};
use daemon::{DAEMON_EXAMPLES, DASHBOARD_EXAMPLES};
pub(crate) use daemon::{DaemonCommand, DashboardArgs, LogsArgs, RunArgs, TokenArgs};
use limits::{ACCOUNTS_EXAMPLES, LIMITS_EXAMPLES};
pub(crate) use limits::{AccountsArgs, AccountsCommand, Guard, LimitsArgs};
use reports::{
    BLOCKS_EXAMPLES, BRANCH_EXAMPLES, DAILY_EXAMPLES, MODEL_EXAMPLES, MONTHLY_EXAMPLES, PROJECT_EXAMPLES,
    SESSION_EXAMPLES, WEEKLY_EXAMPLES,
};
pub(crate) use reports::{
    BlocksArgs, DailyArgs, ModelArgs, ModelBy, Order, ReportArgs, SessionArgs, TokenLimit, WeeklyArgs,
};
pub(crate) use span::{Day, SpanArgs};
use statusline::STATUSLINE_EXAMPLES;
pub(crate) use statusline::{ConfigDirArg, InstallArgs, PreviewArgs, StatuslineArgs, StatuslineCommand};

/// Counts what Claude Code uses and what it costs, from its own transcripts. Nothing leaves this machine unless you allow it.
#[derive(Debug, Parser)]
#[command(name = "cco", version, styles = HELP, disable_help_subcommand = true, after_help = after_help())]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct CommonArgs {
    /// Print JSON instead of a table
    #[arg(long, short = 'j', global = true)]
    pub(crate) json: bool,
    /// Time zone of days and hours, such as Europe/Berlin [default: the system's]
    #[arg(long, short = 'z', global = true, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorWish,
    /// The same as --color never
    #[arg(long, global = true, hide_short_help = true)]
    no_color: bool,
    /// Show made-up data instead of yours
    #[arg(long, global = true)]
    pub(crate) demo: bool,
    /// Accepted for habit: cco never goes to the network for reports
    #[arg(long, short = 'O', global = true, overrides_with = "no_offline")]
    pub(crate) offline: bool,
    /// Accepted for habit, as --offline is
    #[arg(long, global = true, overrides_with = "offline", hide_short_help = true)]
    pub(crate) no_offline: bool,
    /// Accepted for habit: cco always works costs out from tokens
    #[arg(long, short = 'm', global = true, value_name = "MODE", hide_short_help = true)]
    pub(crate) mode: Option<CostMode>,
}

impl CommonArgs {
    /// When to use colour.
    pub(crate) fn color(&self) -> ColorWish {
        if self.no_color { ColorWish::Never } else { self.color }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWish {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorWish {
    /// What these words wish, for help and for words that mean nothing else.
    pub(crate) fn typed(words: impl Iterator<Item = String>) -> Self {
        let words: Vec<String> = words.take_while(|word| word != "--").collect();
        let never = words.iter().any(|word| word == "--no-color");
        let value = |(index, word): (usize, &String)| match word.strip_prefix("--color")? {
            "" => words.get(index + 1).cloned(),
            rest => rest.strip_prefix('=').map(str::to_owned),
        };
        let last = words.iter().enumerate().filter_map(value).next_back();
        let wish = last.and_then(|value| Self::from_str(&value, false).ok());
        if never { Self::Never } else { wish.unwrap_or_default() }
    }
}

/// Where costs come from, in the words of similar tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostMode {
    /// From tokens
    Auto,
    /// From tokens
    Calculate,
    /// From tokens all the same
    Display,
}

/// What to do; nothing given: today at a glance.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Use and cost by day
    #[command(after_help = DAILY_EXAMPLES)]
    Daily(DailyArgs),
    /// Use and cost by week
    #[command(after_help = WEEKLY_EXAMPLES)]
    Weekly(WeeklyArgs),
    /// Use and cost by month
    #[command(after_help = MONTHLY_EXAMPLES)]
    Monthly(ReportArgs),
    /// Use and cost by session
    #[command(visible_alias = "sessions", after_help = SESSION_EXAMPLES)]
    Session(SessionArgs),
    /// Use and cost by five-hour block, with burn rate
    #[command(visible_alias = "block", after_help = BLOCKS_EXAMPLES)]
    Blocks(BlocksArgs),
    /// Use and cost by project, dearest first
    #[command(visible_alias = "projects", after_help = PROJECT_EXAMPLES)]
    Project(ReportArgs),
    /// Use and cost by git branch, dearest first
    #[command(visible_alias = "branches", after_help = BRANCH_EXAMPLES)]
    Branch(ReportArgs),
    /// Use and cost by model, or by tool, MCP server, agent, skill or plugin
    #[command(visible_alias = "models", after_help = MODEL_EXAMPLES)]
    Model(ModelArgs),
    /// Where a number comes from: a day, a session, a call or a project
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// How near the limits of your plan are
    #[command(visible_alias = "limit", after_help = LIMITS_EXAMPLES)]
    Limits(LimitsArgs),
    /// The accounts of Claude Code on this machine
    #[command(visible_alias = "account", after_help = ACCOUNTS_EXAMPLES)]
    Accounts(AccountsArgs),
    /// Read all transcripts now
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(ScanArgs),
    /// Apply the present price list to calls that another one priced
    #[command(after_help = REPRICE_EXAMPLES)]
    Reprice(RepriceArgs),
    #[command(flatten)]
    Alone(Alone),
    /// Work on the kept numbers
    #[command(subcommand, hide = true)]
    Stats(StatsCommand),
}

/// Commands that need no ledger and no transcripts.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Alone {
    /// Check everything, and say how to mend what is wrong
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Print a status line for Claude Code, from what it hands over on stdin
    #[command(after_help = STATUSLINE_EXAMPLES)]
    Statusline(StatuslineArgs),
    /// Follow transcripts in the background, and serve what is known over HTTP
    #[command(subcommand, after_help = DAEMON_EXAMPLES)]
    Daemon(DaemonCommand),
    /// Open the web page of the daemon, which is started where none runs
    #[command(after_help = DASHBOARD_EXAMPLES)]
    Dashboard(DashboardArgs),
    /// Show, change and check the settings
    #[command(subcommand, after_help = CONFIG_EXAMPLES)]
    Config(ConfigCommand),
    /// Print what a shell needs to complete cco
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionArgs),
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

/// Flags of `doctor`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct DoctorArgs {
    /// Also read the whole ledger: seconds for a million calls
    #[arg(long)]
    pub(crate) deep: bool,
}

/// Arguments of `completions`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct CompletionArgs {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Shells that can be helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU Bash
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
    /// Elvish
    Elvish,
}

/// Flags of `man`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ManArgs {
    /// Write a page for cco and for each command into this folder instead
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write the project's documents of commands and settings into this folder instead
    #[arg(long, value_name = "DIR", hide = true, conflicts_with = "out")]
    pub(crate) docs: Option<PathBuf>,
}

/// The family `cco stats …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StatsCommand {
    /// Read all transcripts now
    Scan(ScanArgs),
}

/// Flags of `explain`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// A day (2026-10-20, today, yesterday), a session (its id or how it begins), a call (msg_…, req_… or '#123'), or a
    /// project (its path or last name)
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    /// How many calls to list, dearest first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// Look for rows in every transcript, however long it takes
    #[arg(long)]
    pub(crate) all_files: bool,
}

/// Flags of `reprice`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RepriceArgs {
    #[command(flatten)]
    pub(crate) span: SpanArgs,
    /// Only models with this in their name, such as opus; may be repeated
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// Do not ask before changing
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// Flags of `scan`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ScanArgs {
    /// Name damaged lines and unreadable files
    #[arg(long, short = 'v')]
    pub(crate) verbose: bool,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  cco explain today
  cco explain 4f2a91                     a session by how its id begins
  cco explain msg_01AbCdEfGhIjKlMnOpQr   a call, down to its rows and rates
  cco explain '#1234'                    a call by its number in the lists of `explain`
  cco explain atlas --limit 30           a project";

const REPRICE_EXAMPLES: &str = "\
Examples:
  cco reprice --dry-run
  cco reprice --since 2026-10-01 --model claude-opus-4-8 --yes";

impl Args {
    /// Refuses flags that contradict each other.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        let Some(command) = &self.command else { return Ok(()) };
        if let Some(span) = command.span().filter(|span| !span.is_relative()) {
            // No day of it depends on this one.
            span.check(Date::ZERO)?;
        }
        if let Command::Blocks(args) = command
            && args.session_length.is_some_and(|hours| (hours - 5.0).abs() > f64::EPSILON)
        {
            return Err(CliError::usage("blocks have five hours, as the windows of Claude's plans do")
                .hint("leave --session-length away"));
        }
        command.report().map_or(Ok(()), |report| report.show.check(self.common.json))
    }
}

impl Command {
    /// Which days it is about.
    pub(crate) fn span(&self) -> Option<&SpanArgs> {
        match self {
            Self::Reprice(args) => Some(&args.span),
            _ => self.report().map(|report| &report.span),
        }
    }

    fn report(&self) -> Option<&ReportArgs> {
        match self {
            Self::Daily(args) => Some(&args.report),
            Self::Weekly(args) => Some(&args.report),
            Self::Session(args) => Some(&args.report),
            Self::Blocks(args) => Some(&args.report),
            Self::Model(args) => Some(&args.report),
            Self::Monthly(args) | Self::Project(args) | Self::Branch(args) => Some(args),
            _ => None,
        }
    }
}

const SCAN_EXAMPLES: &str = "\
Examples:
  cco scan       with a progress bar
  cco scan -v    names damaged lines, by file and byte";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  cco doctor
  cco doctor --deep    reads the whole ledger too
  cco doctor --json | jq '.checks[] | select(.status == \"problem\")'

Exit codes: 0 no problem, 3 a problem";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  cco completions bash > ~/.local/share/bash-completion/completions/cco
  cco completions zsh > \"${fpath[1]}/_cco\"
  cco completions fish > ~/.config/fish/completions/cco.fish
  cco completions elvish >> ~/.config/elvish/rc.elv";

const MAN_EXAMPLES: &str = "\
Examples:
  cco man | man -l -
  cco man --out ~/.local/share/man/man1";

/// Examples, and the environment as its table declares it.
fn after_help() -> String {
    let mut help = String::from(
        "\
Examples:
  cco                             today at a glance
  cco daily --since 2026-10-01    by day, from the first of October
  cco monthly --breakdown         by month and model
  cco session --json              by session, for scripts
  cco project                     what each project cost
  cco blocks --live               the running five-hour block, with burn rate
  cco limits                      how near the limits of your plan are
  cco --demo                      made-up data, to have a look
  cco doctor                      is all well, and what to do if not

Environment:
",
    );
    for variable in VARIABLES.iter().filter(|variable| !variable.hidden) {
        help.push_str(&format!("  {:<18} {}\n", variable.name, variable.about));
    }
    help.push_str(
        "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 a problem or a limit at its guard, 4 cannot tell",
    );
    help
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
