//! How a window is shown: `⌛:42m(29%)⚠`, `📅:97h(98%)@Thu`.
//!
//! Whole percent and whole minutes, both rounded down. Must not: know colours, widths or settings.

use std::fmt;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::login::Login;
use super::mark::{Kind, Mark, Sessions, mark};
use super::merge::{Current, View};
use super::trouble::Trouble;
use super::{MINUTE_MS, Percent, Source, Window};
use crate::civil;

/// A window as it is shown. Its text is the value with its mark; [`Shown::labelled`] adds the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which window.
    pub window: Window,
    /// What is said of it.
    pub value: Value,
    /// How far it can be trusted.
    pub mark: Mark,
}

/// What is said of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// It runs.
    Open {
        /// The time to its reset in milliseconds, where told.
        left_ms: Option<u64>,
        /// How much is used, where told.
        percent: Option<Percent>,
        /// Of weeks: the day of the reset.
        day: Option<Weekday>,
    },
    /// Its time begins with the first use.
    NotStarted,
    /// It has ended, and nothing was heard since.
    Reset,
    /// Nothing is known but what was used on this machine: an estimate.
    Local {
        /// The time to the end of the block in milliseconds.
        left_ms: u64,
        /// Its end, UTC milliseconds.
        ends_at_ms: i64,
        /// Tokens of the block.
        tokens: u64,
    },
    /// Nothing is known, for this reason.
    Trouble(Trouble),
}

/// The use of the running block, as the ledger knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUse {
    /// Its tokens; 0 is no use.
    pub tokens: u64,
    /// Its end, UTC milliseconds.
    pub ends_at_ms: i64,
    /// How old the ledger's knowledge is, in milliseconds; none: cannot be told.
    pub age_ms: Option<u64>,
}

/// What is known when a window is shown.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What readings say.
    pub current: Option<&'a Current>,
    /// What this machine used; only of interest for five hours.
    pub local: Option<LocalUse>,
    /// What stands between us and an answer.
    pub trouble: Option<Trouble>,
    /// The account's login.
    pub login: Login,
    /// The account's sessions.
    pub sessions: Sessions,
}

/// How to show a window at a moment, with days of this zone; none when there is nothing to say.
///
/// Readings of a dead login stay until their window ends. Where no reading speaks, what was used on this machine does,
/// and where that is nothing, what stands in the way.
pub fn shown(window: &Window, known: &Known<'_>, now_ms: i64, zone: &TimeZone) -> Option<Shown> {
    let (value, mark) = match known.current.map(|current| (current, current.view(window, now_ms))) {
        Some((current, View::Open { percent, left_ms, resets_at_ms })) => {
            let day = resets_at_ms.filter(|_| is_week(window)).map(|end| civil::day_of(end, zone).weekday());
            (Value::Open { left_ms, percent, day }, mark_of(current, known, now_ms))
        }
        Some((current, View::NotStarted)) => (Value::NotStarted, mark_of(current, known, now_ms)),
        Some((_, View::Over)) if !known.login.is_dead() => (Value::Reset, Mark::None),
        Some((_, View::Over)) | None => without_reading(window, known, now_ms)?,
    };
    Some(Shown { window: window.clone(), value, mark })
}

fn mark_of(current: &Current, known: &Known<'_>, now_ms: i64) -> Mark {
    let kind = match current.source {
        Source::Manual => Kind::Typed,
        _ => Kind::Limit(known.sessions),
    };
    mark(kind, current.age_ms(now_ms), known.login)
}

fn without_reading(window: &Window, known: &Known<'_>, now_ms: i64) -> Option<(Value, Mark)> {
    let trouble = if known.login.is_dead() { Some(Trouble::Unauthorized) } else { known.trouble };
    let needs_user = if trouble.is_some_and(Trouble::needs_user) { Mark::Critical } else { Mark::None };
    let local = known
        .local
        .filter(|local| *window == Window::FiveHour && local.tokens > 0 && local.ends_at_ms > now_ms);
    match local {
        Some(local) => {
            let left_ms = local.ends_at_ms.saturating_sub(now_ms).unsigned_abs();
            let mark = mark(Kind::Local, local.age_ms, known.login).max(needs_user);
            Some((Value::Local { left_ms, ends_at_ms: local.ends_at_ms, tokens: local.tokens }, mark))
        }
        None => trouble.map(|trouble| (Value::Trouble(trouble), needs_user)),
    }
}

fn is_week(window: &Window) -> bool {
    matches!(window, Window::SevenDay | Window::SevenDayModel(_))
}

impl Shown {
    /// With its label in front: `⌛:42m(29%)`.
    pub fn labelled(&self) -> String {
        format!("{}:{self}", label(&self.window))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text(), self.mark)
    }
}

impl Shown {
    /// The value without its mark.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self.value {
            Value::Open { left_ms, percent, day } => {
                if let Some(left) = left_ms {
                    f.write_str(&duration(&self.window, left))?;
                }
                if let Some(percent) = percent {
                    write!(f, "({}%)", percent.whole())?;
                }
                if let Some(day) = day {
                    write!(f, "@{}", day_name(day))?;
                }
            }
            Value::NotStarted => {
                if let Some(length) = self.window.length_ms() {
                    f.write_str(&duration(&self.window, length.unsigned_abs()))?;
                }
                f.write_str("(0%)")?;
            }
            Value::Reset => f.write_str("reset")?,
            Value::Local { left_ms, tokens, .. } => {
                write!(f, "~{} {}", duration(&self.window, left_ms), short_count(tokens))?;
            }
            Value::Trouble(trouble) => write!(f, "[{}]", trouble.short())?,
        }
        Ok(())
    }
}

/// What stands before a window's value: `⌛`, `📅`, `📅Opus`, or the name of another limit.
pub fn label(window: &Window) -> String {
    match window {
        Window::FiveHour => "⌛".to_owned(),
        Window::SevenDay => "📅".to_owned(),
        Window::SevenDayModel(model) => {
            let mut letters = model.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
            format!("📅{first}{}", letters.as_str())
        }
        Window::Other(name) => name.to_string(),
    }
}

/// A time of this window, rounded down: hours and minutes of five hours (`2h15m`, `2h`, `42m`), whole hours of longer
/// ones (`97h`) until their last hour.
fn duration(window: &Window, ms: u64) -> String {
    let minutes = ms / MINUTE_MS.unsigned_abs();
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) if *window == Window::FiveHour && minutes > 0 => format!("{hours}h{minutes}m"),
        (hours, _) => format!("{hours}h"),
    }
}

/// A count as short as it can be told, rounded down: `999`, `420k`, `1.5M`, `83.4M`.
pub fn short_count(count: u64) -> String {
    match (count / 1_000_000, count / 100_000 % 10) {
        (0, _) if count < 1_000 => count.to_string(),
        (0, _) => format!("{}k", count / 1_000),
        (millions, 0) => format!("{millions}M"),
        (millions, tenths) => format!("{millions}.{tenths}M"),
    }
}

/// A day's short English name.
pub fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}

#[cfg(test)]
mod tests;
