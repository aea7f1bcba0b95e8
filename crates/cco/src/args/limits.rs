//! Arguments of `limits` and `accounts`.

use std::path::PathBuf;

use cco_model::limit::{NoWindow, Window};
use cco_wire::names::nearest;
use clap::{Args as ClapArgs, Subcommand};

/// Flags of `limits`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct LimitsArgs {
    /// Only this account, by its name or e-mail address; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Vec<String>,
    /// Ask the service now, as far as it may be asked
    #[arg(long, short = 'r')]
    pub(crate) refresh: bool,
    /// Keep looking; q or Ctrl-C ends it
    #[arg(long, short = 'w', conflicts_with = "guard")]
    pub(crate) watch: bool,
    /// End with 3 when a window is at or over so many percent, with 4 when that cannot be told; may be repeated
    #[arg(long, short = 'g', value_name = "WINDOW=PERCENT", value_parser = parse_guard)]
    pub(crate) guard: Vec<Guard>,
}

/// A window, and how full it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    /// The window.
    pub(crate) window: Window,
    /// In whole percent.
    pub(crate) percent: u32,
}

/// Arguments of `accounts`; nothing given: the list.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct AccountsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<AccountsCommand>,
}

/// The family `cco accounts …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// List them
    #[command(after_help = ACCOUNTS_LIST_EXAMPLES)]
    List,
    /// Look at a further config directory of Claude Code too
    #[command(after_help = ACCOUNTS_ADD_EXAMPLES)]
    Add {
        /// The directory
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Give an account a name of your own; an empty one takes it away
    #[command(after_help = ACCOUNTS_RENAME_EXAMPLES)]
    Rename {
        /// Its name, e-mail address or id
        #[arg(value_name = "ACCOUNT")]
        account: String,
        /// The new name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Take an account off the list; what was counted stays, and `cco accounts rename` brings it back
    #[command(after_help = ACCOUNTS_REMOVE_EXAMPLES)]
    Remove {
        /// Its name, e-mail address or id
        #[arg(value_name = "ACCOUNT")]
        account: String,
    },
    /// Let cco renew an account's login when it has expired; it says what that means, and asks
    #[command(after_help = ACCOUNTS_MANAGE_EXAMPLES)]
    Manage {
        /// Its name, e-mail address or id
        #[arg(value_name = "ACCOUNT")]
        account: String,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Leave an account's login to Claude Code again
    #[command(after_help = ACCOUNTS_UNMANAGE_EXAMPLES)]
    Unmanage {
        /// Its name, e-mail address or id
        #[arg(value_name = "ACCOUNT")]
        account: String,
    },
}

pub(super) const LIMITS_EXAMPLES: &str = "\
Examples:
  cco limits
  cco limits --watch
  cco limits --guard five_hour=90 --guard seven_day=95 || echo 'take a break'
  cco limits --json | jq '.accounts[].windows[] | {window, percent, resetsAt}'

Exit codes with --guard: 0 below, 3 at or over, 4 cannot tell";

pub(super) const ACCOUNTS_EXAMPLES: &str = "\
Examples:
  cco accounts
  cco accounts add ~/.claude-work
  cco accounts rename dev@example.com work";

const ACCOUNTS_LIST_EXAMPLES: &str = "\
Examples:
  cco accounts list --json";

const ACCOUNTS_ADD_EXAMPLES: &str = "\
Examples:
  cco accounts add ~/.claude-work";

const ACCOUNTS_RENAME_EXAMPLES: &str = "\
Examples:
  cco accounts rename dev@example.com work
  cco accounts rename work ''";

const ACCOUNTS_REMOVE_EXAMPLES: &str = "\
Examples:
  cco accounts remove private";

/// The window of which somebody thought: names of the service, and what people say.
fn meant(window: &str) -> Option<String> {
    let window = window.to_lowercase().replace('-', "_");
    let of_model = window.strip_prefix("seven_day_").or_else(|| window.strip_prefix("7d_"));
    match (window.as_str(), of_model) {
        ("5h" | "5_h" | "session" | "block" | "five_hours" | "fivehour", _) => Some("five_hour".to_owned()),
        ("7d" | "7_d" | "week" | "weekly" | "seven_days" | "sevenday", _) => Some("seven_day".to_owned()),
        (_, Some(model)) if !model.is_empty() => Some(format!("seven_day:{model}")),
        ("extra_usage", _) => Some("other:extra_usage".to_owned()),
        ("opus" | "sonnet" | "haiku", _) => Some(format!("seven_day:{window}")),
        _ => nearest(&window, ["five_hour", "seven_day"]).map(str::to_owned),
    }
}
const ACCOUNTS_MANAGE_EXAMPLES: &str = "\
Examples:
  cco accounts manage work
  cco accounts manage dev@example.com --yes";

const ACCOUNTS_UNMANAGE_EXAMPLES: &str = "\
Examples:
  cco accounts unmanage work";

fn parse_guard(text: &str) -> Result<Guard, String> {
    let (window, percent) =
        text.split_once('=').ok_or("a guard is a window and a percentage: five_hour=90")?;
    // Models are called in small letters.
    let window = match window.strip_prefix("seven_day:") {
        Some(model) => format!("seven_day:{}", model.to_lowercase()),
        None => window.to_owned(),
    };
    let window = window.parse().map_err(|error: NoWindow| match meant(&window) {
        Some(near) => format!("{window:?} is no window; did you mean {near}?"),
        None => error.to_string(),
    })?;
    let percent = percent.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 1_000);
    Ok(Guard { window, percent: percent.ok_or("the percentage is a whole number: five_hour=90")? })
}
