//! Plan limits: windows, and what was observed of them.
//!
//! The words are those of the service: a window is a limit as it reports it, a reading one observation of one window
//! of one account. What readings come to is [`merge`], what a session sees of it [`session`], how it is shown [`shown`]
//! with a [`mark`] of its age, how fast it goes [`pace`]. Whom to ask and when is [`poll`], how long not to [`backoff`],
//! what is said unasked [`alert`]. Must not: know where readings come from, or what "now" is.

pub mod alert;
pub mod backoff;
pub mod login;
pub mod mark;
pub mod merge;
pub mod pace;
pub mod poll;
pub mod session;
pub mod shown;
pub mod trouble;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::untrusted::short_name;

/// In milliseconds.
pub const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How far ahead of `now` a time may lie and still be taken for now, in milliseconds: clocks are set back by seconds,
/// and another process may have written since this one looked at its clock. What lies further ahead was stamped by a
/// wrong clock, so when it was is not known.
pub const CLOCK_SLACK_MS: i64 = 10_000;

/// How long ago an instant was, in milliseconds. None when that cannot be told: it is missing, or it lies ahead.
pub fn age_ms(at_ms: Option<i64>, now_ms: i64) -> Option<u64> {
    let age = now_ms.saturating_sub(at_ms?);
    (age >= -CLOCK_SLACK_MS).then(|| u64::try_from(age).unwrap_or(0))
}

/// A plan limit as the service reports it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// Five hours of use.
    FiveHour,
    /// A week of use.
    SevenDay,
    /// A week of use of one model, by the name that the service gives it, in lower case: `opus`.
    SevenDayModel(Arc<str>),
    /// Anything else: spend limits, extra usage, kinds that are not known yet.
    Other(Arc<str>),
}

/// What `seven_day_` is followed by where it names a model; `seven_day_oauth_apps` does not.
const MODELS: [&str; 3] = ["opus", "sonnet", "haiku"];

impl Window {
    /// The window that the service calls by this key, in its answers and on stdin: `five_hour`, `seven_day_opus`.
    pub fn of_bucket(key: &str) -> Option<Self> {
        match key {
            "five_hour" => Some(Self::FiveHour),
            "seven_day" => Some(Self::SevenDay),
            key => match key.strip_prefix("seven_day_") {
                Some(model) if MODELS.contains(&model) => Some(Self::SevenDayModel(model.into())),
                _ => Self::of_name(key),
            },
        }
    }

    /// A week of the model with this display name.
    pub fn of_model(name: &str) -> Option<Self> {
        short_name(name).map(Self::SevenDayModel)
    }

    /// A limit that is none of a plan's windows, by its name.
    pub fn of_name(name: &str) -> Option<Self> {
        short_name(name).map(Self::Other)
    }

    /// It is a limit of the plan, so its use lies between 0 and 100 %.
    pub fn is_plan(&self) -> bool {
        self.length_ms().is_some()
    }

    /// How long it lasts, in milliseconds; that of other limits is not known.
    pub fn length_ms(&self) -> Option<i64> {
        match self {
            Self::FiveHour => Some(5 * HOUR_MS),
            Self::SevenDay | Self::SevenDayModel(_) => Some(7 * DAY_MS),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FiveHour => f.write_str("five_hour"),
            Self::SevenDay => f.write_str("seven_day"),
            Self::SevenDayModel(model) => write!(f, "seven_day:{model}"),
            Self::Other(name) => write!(f, "other:{name}"),
        }
    }
}

/// A text that names no window.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no window; windows are five_hour, seven_day, seven_day:MODEL and other:NAME")]
pub struct NoWindow(String);

impl FromStr for Window {
    type Err = NoWindow;

    fn from_str(text: &str) -> Result<Self, NoWindow> {
        match text.split_once(':') {
            None if text == "five_hour" => Ok(Self::FiveHour),
            None if text == "seven_day" => Ok(Self::SevenDay),
            Some(("seven_day", model)) if !model.is_empty() => Ok(Self::SevenDayModel(model.into())),
            Some(("other", name)) if !name.is_empty() => Ok(Self::Other(name.into())),
            _ => Err(NoWindow(text.to_owned())),
        }
    }
}

/// How much of a window is used, in tenths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(i32);

impl Percent {
    /// The percentage of a window in tenths; that of a plan's window lies between 0 and 100 %.
    pub fn of_tenths(window: &Window, tenths: i32) -> Self {
        Self(if window.is_plan() { tenths.clamp(0, 1_000) } else { tenths.max(0) })
    }

    /// In tenths of a percent.
    pub fn tenths(self) -> i32 {
        self.0
    }

    /// Whole percent, rounded down: what is shown.
    pub fn whole(self) -> i32 {
        self.0.div_euclid(10)
    }
}

/// Where a reading comes from. Of what was observed at the same time, the later of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Typed by hand into a file of an older tool.
    Manual,
    /// Written by an account switcher.
    HotSwap,
    /// What Claude Code remembers of the service's last answer.
    ClaudeCache,
    /// What Claude Code hands to its status line.
    Stdin,
    /// The service's own answer to us.
    Endpoint,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::Manual, Self::HotSwap, Self::ClaudeCache, Self::Stdin, Self::Endpoint];

    /// Its name in the ledger, in JSON and in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::HotSwap => "hot_swap",
            Self::ClaudeCache => "claude_cache",
            Self::Stdin => "stdin",
            Self::Endpoint => "endpoint",
        }
    }
}

/// One login, by the service's own ids: organization and account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// The organization's uuid, in lower case; empty where nothing told it.
    pub organization: Arc<str>,
    /// The account's uuid, in lower case.
    pub account: Arc<str>,
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.account)
    }
}

/// One observation of one window of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub window: Window,
    /// How much was used; none: not told, which is not 0.
    pub percent: Option<Percent>,
    /// When the window ends, UTC milliseconds; none: not told, or the window has not started.
    pub resets_at_ms: Option<i64>,
    /// When it was so, UTC milliseconds.
    pub observed_at_ms: i64,
    /// Who says so.
    pub source: Source,
    /// Of [`Source::Stdin`]: the session that was told, and how long it had waited for answers by then. A value that
    /// repeats while this stands still is no new observation.
    pub told: Option<Told>,
}

/// Which session was told a reading.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Session id.
    pub session: Arc<str>,
    /// `cost.total_api_duration_ms` of the payload.
    pub api_duration_ms: Option<u64>,
}

/// What became of asking the service for an account's windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Whose.
    pub account: AccountId,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// [`Attempt::OK`], or a word for why not.
    pub outcome: Arc<str>,
}

impl Attempt {
    /// The outcome of an attempt that brought a reading.
    pub const OK: &str = "ok";
}

/// From when on a login works, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginChange {
    /// Whose.
    pub account: AccountId,
    /// When it was seen, UTC milliseconds.
    pub at_ms: i64,
    /// Why only its user can mend it; none: it works.
    pub dead: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_back_from_its_name() {
        let windows = [
            Window::FiveHour,
            Window::SevenDay,
            Window::SevenDayModel("opus".into()),
            Window::Other("extra_usage".into()),
        ];
        for window in windows {
            assert_eq!(window.to_string().parse::<Window>().unwrap(), window);
        }
        for text in ["", "five", "seven_day:", "other:", "five_hour:opus"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_lies_ahead_has_no_age_but_for_a_moment() {
        let ages = [0, 1_000, -1, -CLOCK_SLACK_MS, -CLOCK_SLACK_MS - 1].map(|age| age_ms(Some(-age), 0));
        assert_eq!(ages, [Some(0), Some(1_000), Some(0), Some(0), None]);
        assert_eq!(age_ms(None, 0), None);
        assert_eq!(age_ms(Some(i64::MIN), i64::MAX), Some(i64::MAX.unsigned_abs()));
        assert_eq!(age_ms(Some(i64::MAX), i64::MIN), None);
    }

    #[test]
    fn use_of_a_plan_lies_between_0_and_100_percent_and_is_shown_rounded_down() {
        let whole = |window: &Window, tenths| Percent::of_tenths(window, tenths).whole();
        assert_eq!(whole(&Window::FiveHour, 999), 99);
        assert_eq!(whole(&Window::FiveHour, 1_234), 100);
        assert_eq!(whole(&Window::SevenDay, -5), 0);
        assert_eq!(whole(&Window::Other("extra_usage".into()), 1_234), 123);
    }
}
