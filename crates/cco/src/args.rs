//! Arguments: what can be typed, and its help text.
//!
//! Must not: read files, the environment or the clock.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use crate::env::VARIABLES;
use crate::error::CliError;

/// Counts what Claude Code uses and what it costs, from its own transcripts. Nothing leaves this machine.
#[derive(Debug, Parser)]
#[command(name = "cco", version, disable_help_subcommand = true, after_help = after_help())]
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
    pub(crate) color: ColorWish,
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

/// Where costs come from, in the words of similar tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostMode {
    /// From tokens
    Auto,
    /// From tokens
    Calculate,
    /// From tokens all the same; transcripts hold no costs any more
    Display,
}

/// What to do; nothing given: today at a glance.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Use and cost by day
    #[command(after_help = DAILY_EXAMPLES)]
    Daily(ReportArgs),
    /// Use and cost by session
    #[command(visible_alias = "sessions")]
    Session(ReportArgs),
    /// Use and cost by five-hour block, with burn rate
    #[command(visible_alias = "block")]
    Blocks(ReportArgs),
    /// Read all transcripts now
    Scan(ScanArgs),
    /// Work on the kept numbers
    #[command(subcommand, hide = true)]
    Stats(StatsCommand),
}

/// The family `cco stats …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StatsCommand {
    /// Read all transcripts now
    Scan(ScanArgs),
}

/// Flags of reports.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ReportArgs {
    /// First day to show (YYYY-MM-DD or YYYYMMDD)
    #[arg(long, short = 's', value_name = "DAY", value_parser = parse_day)]
    pub(crate) since: Option<Date>,
    /// Last day to show, itself included
    #[arg(long, short = 'u', value_name = "DAY", value_parser = parse_day)]
    pub(crate) until: Option<Date>,
}

/// Flags of `scan`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ScanArgs {
    /// Name damaged lines and unreadable files
    #[arg(long, short = 'v')]
    pub(crate) verbose: bool,
}

impl ReportArgs {
    /// Refuses a span that ends before it starts.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if since > until => {
                Err(CliError::usage(format!("--since {since} is after --until {until}"))
                    .hint("both days are included; swap them"))
            }
            _ => Ok(()),
        }
    }
}

const DAILY_EXAMPLES: &str = "\
Examples:
  cco daily --since 2026-10-01 --until 2026-10-31
  cco daily --timezone UTC --json | jq '.totals.totalCost'";

/// Examples, and the environment as its table declares it.
fn after_help() -> String {
    let mut help = String::from(
        "\
Examples:
  cco                             today at a glance
  cco daily --since 2026-10-01    by day, from the first of October
  cco session --json              by session, for scripts
  cco blocks                      five-hour blocks, with burn rate
  cco --demo                      made-up data, to have a look

Environment:
",
    );
    for variable in VARIABLES.iter().filter(|variable| !variable.hidden) {
        help.push_str(&format!("  {:<18} {}\n", variable.name, variable.about));
    }
    help.push_str("\nExit codes: 0 done, 1 failed, 2 wrong usage");
    help
}

fn parse_day(given: &str) -> Result<Date, String> {
    let format = match given.len() {
        8 => "%Y%m%d",
        10 => "%Y-%m-%d",
        _ => return Err("a day looks like 2026-10-20 or 20261020".to_owned()),
    };
    Date::strptime(format, given)
        .map_err(|_| "no such day; a day looks like 2026-10-20 or 20261020".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_day_is_read_in_both_spellings() {
        let day = jiff::civil::date(2026, 10, 20);
        assert_eq!(parse_day("2026-10-20"), Ok(day));
        assert_eq!(parse_day("20261020"), Ok(day));
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "20260230",
            "2026-10-20T00",
            "+2026-1-1",
            "２０２６",
        ] {
            assert!(parse_day(wrong).is_err(), "{wrong}");
        }
    }
}
