//! Arguments of reports: which calls they are about, and how they are shown.

use clap::{Args as ClapArgs, ValueEnum};
use jiff::civil::Weekday;

use super::SpanArgs;
use crate::error::CliError;

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
    /// Only calls on this git branch, or unknown; may be repeated
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Vec<String>,
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

impl ShowArgs {
    /// Refuses two formats at once, and what another program does.
    pub(super) fn check(&self, json: bool) -> Result<(), CliError> {
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

pub(super) const DAILY_EXAMPLES: &str = "\
Examples:
  cco daily --since 2026-10-01 --until 2026-10-31
  cco daily --since yesterday
  cco daily --breakdown --project my-app
  cco daily --project my-app --branch feature/login
  cco daily --timezone UTC --json | jq '.totals.totalCost'";

pub(super) const WEEKLY_EXAMPLES: &str = "\
Examples:
  cco weekly --start-of-week sunday
  cco weekly --csv > weeks.csv";

pub(super) const MONTHLY_EXAMPLES: &str = "\
Examples:
  cco monthly --breakdown
  cco monthly --since 2026-01-01 --json";

pub(super) const SESSION_EXAMPLES: &str = "\
Examples:
  cco session --since today
  cco session --id 2f41 --breakdown";

pub(super) const BLOCKS_EXAMPLES: &str = "\
Examples:
  cco blocks --recent
  cco blocks --active --token-limit max
  cco blocks --recent --project my-app    the same blocks, of this project's calls
  cco blocks --live";

pub(super) const PROJECT_EXAMPLES: &str = "\
Examples:
  cco project --since 2026-10-01
  cco project --model opus --csv";

pub(super) const BRANCH_EXAMPLES: &str = "\
Examples:
  cco branch --project my-app
  cco branch --since 2026-10-01 --json";

pub(super) const MODEL_EXAMPLES: &str = "\
Examples:
  cco model --since 2026-10-01
  cco model --by tool
  cco model --by agent --project my-app";

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
