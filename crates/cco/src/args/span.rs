//! Which days are meant, as people type them.
//!
//! Must not: read the clock; today is an argument.

use std::fmt;

use clap::Args;
use jiff::civil::Date;

use crate::error::CliError;

/// What a wrong day is told.
const SPELLINGS: &str = "a day is 2026-10-20, 20261020, today or yesterday";

/// A day, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// This one.
    Date(Date),
    /// The present one.
    Today,
    /// The one before it.
    Yesterday,
}

impl Day {
    /// Which day that is.
    fn on(self, today: Date) -> Date {
        match self {
            Self::Date(date) => date,
            Self::Today => today,
            Self::Yesterday => today.yesterday().unwrap_or(today),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => date.fmt(f),
            Self::Today => f.write_str("today"),
            Self::Yesterday => f.write_str("yesterday"),
        }
    }
}

/// Which days a report is about.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SpanArgs {
    /// First day to show (YYYY-MM-DD, YYYYMMDD, today or yesterday)
    #[arg(long, short = 's', value_name = "DAY", value_parser = parse_day)]
    pub(crate) since: Option<Day>,
    /// Last day to show, itself included
    #[arg(long, short = 'u', value_name = "DAY", value_parser = parse_day)]
    pub(crate) until: Option<Day>,
}

impl SpanArgs {
    /// The first and the last of these days.
    pub(crate) fn days(&self, today: Date) -> (Option<Date>, Option<Date>) {
        (self.since.map(|day| day.on(today)), self.until.map(|day| day.on(today)))
    }

    /// Refuses a span that ends before it starts.
    pub(crate) fn check(&self, today: Date) -> Result<(), CliError> {
        let (Some(since), Some(until)) = (self.since, self.until) else { return Ok(()) };
        if since.on(today) <= until.on(today) {
            return Ok(());
        }
        Err(CliError::usage(format!("--since {since} is after --until {until}"))
            .hint("both days are included; swap them"))
    }

    /// It depends on today.
    pub(super) fn is_relative(&self) -> bool {
        [self.since, self.until].into_iter().flatten().any(|day| !matches!(day, Day::Date(_)))
    }
}

fn parse_day(given: &str) -> Result<Day, String> {
    let format = match (given.to_ascii_lowercase().as_str(), given.len()) {
        ("today", _) => return Ok(Day::Today),
        ("yesterday", _) => return Ok(Day::Yesterday),
        (_, 8) => "%Y%m%d",
        (_, 10) => "%Y-%m-%d",
        _ => return Err(SPELLINGS.to_owned()),
    };
    Date::strptime(format, given).map(Day::Date).map_err(|_| format!("no such day; {SPELLINGS}"))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_has_four_spellings() {
        let today = date(2026, 3, 1);
        for (typed, day) in [
            ("2026-10-20", date(2026, 10, 20)),
            ("20261020", date(2026, 10, 20)),
            ("today", today),
            ("Today", today),
            ("yesterday", date(2026, 2, 28)),
        ] {
            assert_eq!(parse_day(typed).map(|day| day.on(today)), Ok(day), "{typed}");
        }
        for wrong in
            ["", "tomorrow", "2026-13-01", "2026-02-30", "20260230", "2026-10-20T00", "+2026-1-1", "２０２６"]
        {
            assert!(parse_day(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_does_not_end_before_it_starts() {
        let today = date(2026, 10, 20);
        let span = |since, until| SpanArgs { since: Some(since), until: Some(until) }.check(today);
        assert_eq!(span(Day::Yesterday, Day::Today), Ok(()));
        assert_eq!(span(Day::Today, Day::Date(today)), Ok(()), "both days are included");
        let error = span(Day::Today, Day::Yesterday).expect_err("it ends before it starts");
        assert_eq!(error.message, "--since today is after --until yesterday");
        assert!(span(Day::Today, Day::Date(date(2026, 10, 1))).is_err());
    }
}
