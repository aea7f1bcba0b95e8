//! Arguments: what can be typed, and its help text.
//!
//! Must not: read files, the environment or the clock.

pub(crate) mod astray;
mod daemon;
mod limits;
mod span;
mod statusline;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use jiff::civil::{Date, Weekday};

use crate::env::VARIABLES;
use crate::error::CliError;
use crate::print::HELP;
use daemon::{DAEMON_EXAMPLES, DASHBOARD_EXAMPLES};
pub(crate) use daemon::{DaemonCommand, DashboardArgs, LogsArgs, RunArgs, TokenArgs};
use limits::{ACCOUNTS_EXAMPLES, LIMITS_EXAMPLES};
pub(crate) use limits::{AccountsArgs, AccountsCommand, Guard, LimitsArgs};
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

/// The family `cco config …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print where the settings are
    #[command(after_help = CONFIG_PATH_EXAMPLES)]
    Path,
    /// Print every setting, with where it comes from
    #[command(after_help = CONFIG_SHOW_EXAMPLES)]
    Show,
    /// Print the value of one
    #[command(after_help = CONFIG_GET_EXAMPLES)]
    Get(ConfigKey),
    /// Set one, and leave all else in the file as it is
    #[command(after_help = CONFIG_SET_EXAMPLES)]
    Set(ConfigSet),
    /// Take one out of the file, and leave all else in it as it is
    #[command(after_help = CONFIG_UNSET_EXAMPLES)]
    Unset(ConfigKey),
    /// Say what is wrong with the settings; exit code 3 when something is
    #[command(after_help = CONFIG_CHECK_EXAMPLES)]
    Check,
    /// Open the settings in your editor, then check them
    #[command(after_help = CONFIG_EDIT_EXAMPLES)]
    Edit,
}

/// Arguments of `config set`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ConfigSet {
    /// Such as stats.timezone, or prices."MODEL".input
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The value; several for a list
    #[arg(value_name = "VALUE", required = true, allow_hyphen_values = true)]
    pub(crate) value: Vec<String>,
}

/// Arguments of `config get` and `config unset`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ConfigKey {
    /// Such as stats.timezone, or prices."MODEL".input
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
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

/// How a report is shown.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ShowArgs {
    /// Show each row's models below it
    #[arg(long, short = 'b')]
    pub(crate) breakdown: bool,
    /// Which rows come first [default: asc by time, desc by cost]
    #[arg(long, short = 'o', value_name = "ORDER")]
    pub(crate) order: Option<Order>,
    /// Print CSV instead of a table
    #[arg(long)]
    pub(crate) csv: bool,
    /// Show the columns that fit 80 characters, however wide the terminal is
    #[arg(long)]
    pub(crate) compact: bool,
    /// For habit: jq is a program of its own here
    #[arg(long, short = 'q', value_name = "FILTER", hide = true)]
    jq: Option<String>,
    /// Accepted for habit: numbers look the same everywhere
    #[arg(long, short = 'l', value_name = "LOCALE", hide = true)]
    _locale: Option<String>,
    /// Accepted for habit
    #[arg(long, short = 'd', hide = true)]
    _debug: bool,
    /// Accepted for habit
    #[arg(long, value_name = "NUMBER", hide = true)]
    _debug_samples: Option<u32>,
}

/// Flags of most reports.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) span: SpanArgs,
    /// Only this project, by its path or how it ends, such as web or shop/web; may be repeated
    #[arg(long, short = 'p', value_name = "PROJECT")]
    pub(crate) project: Vec<String>,
    /// Only models with this in their name, such as opus; may be repeated
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// Only calls of this account, by its name or e-mail address, or unknown; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Vec<String>,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// Flags of `daily`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct DailyArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// By project and day
    #[arg(long, short = 'i')]
    pub(crate) instances: bool,
}

/// Flags of `weekly`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct WeeklyArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// The day that weeks start on, such as sunday
    #[arg(long, short = 'w', value_name = "WEEKDAY", default_value = "monday", value_parser = parse_weekday)]
    pub(crate) start_of_week: Weekday,
}

/// Flags of `session`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct SessionArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Only the session whose id begins so
    #[arg(long, short = 'i', value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// Flags of `blocks`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct BlocksArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Only the block that is running
    #[arg(long, short = 'a')]
    pub(crate) active: bool,
    /// Only blocks of the last three days
    #[arg(long, short = 'r', conflicts_with = "since")]
    pub(crate) recent: bool,
    /// Show how much of this many tokens each block used; max: of the fullest block before
    #[arg(long, short = 't', value_name = "TOKENS", value_parser = parse_token_limit)]
    pub(crate) token_limit: Option<TokenLimit>,
    /// For habit: blocks have five hours
    #[arg(long, short = 'n', value_name = "HOURS", hide = true)]
    pub(crate) session_length: Option<f64>,
    /// Watch the running block; q or Ctrl-C ends it
    #[arg(long, conflicts_with_all = ["csv", "active", "recent", "since", "until"])]
    pub(crate) live: bool,
    /// Seconds between two looks with --live
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) refresh_interval: u64,
}

/// Flags of `model`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Group by something else
    #[arg(long, value_name = "WHAT", default_value = "model")]
    pub(crate) by: ModelBy,
}

/// What `cco model` groups by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelBy {
    /// Model
    #[default]
    Model,
    /// Agent type
    Agent,
    /// Skill
    Skill,
    /// Plugin
    Plugin,
    /// Uses and failures of each tool
    Tool,
    /// Uses and failures of the tools of each MCP server
    Mcp,
}

/// Which rows come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// The oldest, or the cheapest
    Asc,
    /// The newest, or the dearest
    Desc,
}

/// What a block's tokens are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenLimit {
    /// So many.
    Tokens(u64),
    /// The most that any finished block used.
    Max,
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

impl ShowArgs {
    /// Refuses two formats at once, and what another program does.
    fn check(&self, json: bool) -> Result<(), CliError> {
        if let Some(filter) = &self.jq {
            return Err(CliError::usage("--jq is not built in")
                .hint(format!("with jq installed: add --json | jq '{filter}' instead")));
        }
        if json && self.csv {
            return Err(CliError::usage("--json and --csv are both given").hint("leave one of them away"));
        }
        Ok(())
    }
}

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

const DAILY_EXAMPLES: &str = "\
Examples:
  cco daily --since 2026-10-01 --until 2026-10-31
  cco daily --since yesterday
  cco daily --breakdown --project my-app
  cco daily --timezone UTC --json | jq '.totals.totalCost'";

const WEEKLY_EXAMPLES: &str = "\
Examples:
  cco weekly --start-of-week sunday
  cco weekly --csv > weeks.csv";

const MONTHLY_EXAMPLES: &str = "\
Examples:
  cco monthly --breakdown
  cco monthly --since 2026-01-01 --json";

const SESSION_EXAMPLES: &str = "\
Examples:
  cco session --since today
  cco session --id 2f41 --breakdown";

const BLOCKS_EXAMPLES: &str = "\
Examples:
  cco blocks --recent
  cco blocks --active --token-limit max
  cco blocks --recent --project my-app    the same blocks, of this project's calls
  cco blocks --live";

const PROJECT_EXAMPLES: &str = "\
Examples:
  cco project --since 2026-10-01
  cco project --model opus --csv";

const BRANCH_EXAMPLES: &str = "\
Examples:
  cco branch --project my-app
  cco branch --since 2026-10-01 --json";

const MODEL_EXAMPLES: &str = "\
Examples:
  cco model --since 2026-10-01
  cco model --by tool
  cco model --by agent --project my-app";

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

const CONFIG_EXAMPLES: &str = "\
Examples:
  cco config show
  cco config set stats.timezone Europe/Berlin
  cco config edit";

const CONFIG_PATH_EXAMPLES: &str = "\
Examples:
  cco config path
  cp \"$(cco config path)\" backup.toml";

const CONFIG_SHOW_EXAMPLES: &str = "\
Examples:
  cco config show
  cco config show --json | jq '.settings[] | select(.source != \"default\")'";

const CONFIG_GET_EXAMPLES: &str = "\
Examples:
  cco config get stats.timezone

Exit codes: 0 it has a value, 1 it is not set and has no default";

const CONFIG_SET_EXAMPLES: &str = "\
Examples:
  cco config set stats.timezone Europe/Berlin
  cco config set stats.watch.paths ~/office/.claude ~/private/.claude
  cco config set 'prices.\"acme-1\".input' 3.75    dollars for a million tokens";

const CONFIG_UNSET_EXAMPLES: &str = "\
Examples:
  cco config unset stats.timezone
  cco config unset 'prices.\"acme-1\".input'";

const CONFIG_CHECK_EXAMPLES: &str = "\
Examples:
  cco config check
  cco config check --json

Exit codes: 0 all is well, 1 the file cannot be read, 3 something is wrong";

const CONFIG_EDIT_EXAMPLES: &str = "\
Examples:
  cco config edit
  EDITOR='code --wait' cco config edit";

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

/// A day of the week by its English name or the first letters of it.
fn parse_weekday(given: &str) -> Result<Weekday, String> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let name = given.to_lowercase();
    let day = DAYS.into_iter().find(|(day, _)| name.len() >= 2 && day.starts_with(&name));
    day.map(|(_, day)| day).ok_or_else(|| "a day of the week, such as monday or sunday".to_owned())
}

fn parse_token_limit(given: &str) -> Result<TokenLimit, String> {
    if given == "max" {
        return Ok(TokenLimit::Max);
    }
    let digits = given.replace(['_', ','], "");
    match digits.parse() {
        Ok(tokens) if tokens > 0 => Ok(TokenLimit::Tokens(tokens)),
        _ => Err("a number of tokens, such as 500000, or max".to_owned()),
    }
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
