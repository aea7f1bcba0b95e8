//! For how long the usage endpoint is left alone after it was asked.
//!
//! Troubles with credentials are not here: only the user can mend them, and waiting would delay the recovery.
//! Must not: know where a back-off is stored.

use super::trouble::Trouble;
use super::{DAY_MS, HOUR_MS, age_ms};

/// An answer is fresh for this many milliseconds; so long nobody asks again.
pub const FRESH_MS: i64 = 180_000;

const UNAUTHORIZED_MS: i64 = 30_000;
const FORBIDDEN_MS: i64 = 300_000;
const RATE_LIMITED_MS: i64 = 300_000;
const FAILED_MS: i64 = 30_000;
const LONGEST_MS: i64 = HOUR_MS;
const LONGEST_ADVICE_MS: i64 = 6 * HOUR_MS;
/// No back-off is believed for longer, whatever its file says.
const LONGEST_STORED_MS: i64 = DAY_MS;

/// The service's advice when to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryAfter(i64);

impl RetryAfter {
    /// So many milliseconds from now, six hours at most; none when that is no time, which is no advice.
    pub fn of_ms(ms: i64) -> Option<Self> {
        (ms > 0).then(|| Self(ms.min(LONGEST_ADVICE_MS)))
    }

    /// In milliseconds.
    pub fn ms(self) -> i64 {
        self.0
    }
}

/// What came of asking, as far as it decides when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An answer.
    Answered,
    /// 401.
    Unauthorized,
    /// 403 that names scope or permission.
    Forbidden,
    /// 429, with its advice.
    RateLimited(Option<RetryAfter>),
    /// No answer that could be read.
    Failed(Failure),
}

/// How asking failed for reasons that pass by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No answer in time.
    Timeout,
    /// Whatever else went wrong on the way.
    Network,
    /// Nobody took the connection.
    NoConnection,
    /// The service's name leads nowhere.
    NoName,
    /// No safe connection came about.
    Tls,
    /// Something on the way sent us elsewhere, where no token goes.
    Redirect,
    /// The service said that it fails (5xx), or that it does not know the question.
    Server,
    /// 403 that names neither scope nor permission: something between us and the service refuses. People are told the
    /// same as of [`Outcome::Forbidden`], but it says nothing of the login, so what was known of it stays.
    Refused,
    /// The body could not be read.
    Parse,
}

/// Why a back-off is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// There was an answer.
    Stamp,
    /// The token was refused.
    Unauthorized,
    /// What the token may do was refused.
    Forbidden,
    /// The service asked for patience.
    RateLimited,
    /// Asking failed.
    Failed(Failure),
}

impl Tag {
    /// The service refused the credential, so nothing it had let us see before may be shown.
    pub fn is_auth(self) -> bool {
        matches!(self, Self::Unauthorized | Self::Forbidden)
    }

    /// Both are of a kind that doubles.
    fn continues(self, before: Self) -> bool {
        matches!((self, before), (Self::RateLimited, Self::RateLimited) | (Self::Failed(_), Self::Failed(_)))
    }
}

/// Until when the endpoint is left alone.
///
/// `F` is the credential's fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff<F> {
    /// Why.
    pub tag: Tag,
    /// The how-many-th of its kind in a row this is; 1 is the first.
    pub in_a_row: u32,
    /// When it was written, UTC milliseconds.
    pub written_at_ms: i64,
    /// The end that was set, UTC milliseconds; [`BackOff::ends_at_ms`] is the one to go by.
    pub until_ms: i64,
    /// The credential that was used.
    pub credential: F,
}

impl<F: PartialEq> BackOff<F> {
    /// The back-off after an outcome at `now_ms`, where `before` was the last one of this account, over or not. A row
    /// ends with another kind of outcome, another credential, or a day without one.
    pub fn after(outcome: Outcome, before: Option<&Self>, credential: F, now_ms: i64) -> Self {
        let (tag, advice) = match outcome {
            Outcome::Answered => (Tag::Stamp, None),
            Outcome::Unauthorized => (Tag::Unauthorized, None),
            Outcome::Forbidden => (Tag::Forbidden, None),
            Outcome::RateLimited(advice) => (Tag::RateLimited, advice),
            Outcome::Failed(failure) => (Tag::Failed(failure), None),
        };
        let in_a_row = before
            .filter(|before| tag.continues(before.tag) && before.credential == credential)
            .filter(|before| {
                age_ms(Some(before.written_at_ms), now_ms).is_some_and(|age| age < DAY_MS.unsigned_abs())
            })
            .map_or(1, |before| before.in_a_row.saturating_add(1));
        let until_ms = now_ms.saturating_add(pause_ms(tag, in_a_row, advice));
        Self { tag, in_a_row, written_at_ms: now_ms, until_ms, credential }
    }

    /// Whether it holds for this credential at this moment.
    pub fn holds(&self, credential: &F, now_ms: i64) -> bool {
        self.credential == *credential && self.in_force(now_ms)
    }
}

impl<F> BackOff<F> {
    /// Whether it holds at this moment for the credential that it was written for. It does not when it is over, or
    /// when it was written by a clock that was ahead.
    pub fn in_force(&self, now_ms: i64) -> bool {
        age_ms(Some(self.written_at_ms), now_ms).is_some() && now_ms < self.ends_at_ms()
    }

    /// Its end, UTC milliseconds: what was set, but no more than a day after it was written. At this millisecond it is
    /// over.
    pub fn ends_at_ms(&self) -> i64 {
        self.until_ms.min(self.written_at_ms.saturating_add(LONGEST_STORED_MS))
    }

    /// What it says to people; nothing after an answer.
    pub fn trouble(&self) -> Option<Trouble> {
        match self.tag {
            Tag::Stamp => None,
            Tag::Unauthorized => Some(Trouble::Unauthorized),
            Tag::Forbidden | Tag::Failed(Failure::Refused) => Some(Trouble::Forbidden),
            Tag::RateLimited => Some(Trouble::RateLimited { until_ms: self.ends_at_ms() }),
            Tag::Failed(Failure::Timeout) => Some(Trouble::Timeout),
            Tag::Failed(Failure::Network) => Some(Trouble::Network),
            Tag::Failed(Failure::NoConnection) => Some(Trouble::NoConnection),
            Tag::Failed(Failure::NoName) => Some(Trouble::NoName),
            Tag::Failed(Failure::Tls) => Some(Trouble::Tls),
            Tag::Failed(Failure::Redirect) => Some(Trouble::Redirect),
            Tag::Failed(Failure::Server) => Some(Trouble::Server),
            Tag::Failed(Failure::Parse) => Some(Trouble::Parse),
        }
    }
}

/// How long the endpoint is left alone, in milliseconds, after the `in_a_row`-th outcome of this kind. What was advised
/// counts only where the service asked for patience; an hour is the most unless more was advised.
pub fn pause_ms(tag: Tag, in_a_row: u32, advice: Option<RetryAfter>) -> i64 {
    let doubled = |first: i64, most: i64| {
        let times = 1_i64.checked_shl(in_a_row.saturating_sub(1).min(32)).unwrap_or(i64::MAX);
        first.saturating_mul(times).min(most)
    };
    match (tag, advice) {
        (Tag::Stamp, _) => FRESH_MS,
        (Tag::Unauthorized, _) => UNAUTHORIZED_MS,
        (Tag::Forbidden, _) => FORBIDDEN_MS,
        (Tag::RateLimited, Some(RetryAfter(advised))) => doubled(advised, LONGEST_MS.max(advised)),
        (Tag::RateLimited, None) => doubled(RATE_LIMITED_MS, LONGEST_MS),
        (Tag::Failed(_), _) => doubled(FAILED_MS, LONGEST_MS),
    }
}

#[cfg(test)]
mod tests;
