//! Whom to ask for limits, and when.
//!
//! That something was written a moment ago proves only that somebody wrote: an account is stale by its own newest
//! reading. Must not: ask anybody.

use super::login::Login;
use super::mark::Sessions;
use super::{AccountId, HOUR_MS, MINUTE_MS, age_ms};

/// A reading, or the merged state, that is older than this many milliseconds is stale.
pub const STALE_MS: i64 = 300_000;
/// The same for readings of an account without live sessions.
pub const IDLE_STALE_MS: i64 = 600_000;
/// An account with live sessions is asked at most this often, in milliseconds; one without, never more often.
pub const POLL_MS: i64 = 180_000;
/// More attempts than this are made for no account in an hour, whatever else the rules say.
pub const ATTEMPTS_AN_HOUR: usize = 20;

const IDLE_POLL_MS: i64 = 5 * MINUTE_MS;
const AFTER_RESET_MS: i64 = MINUTE_MS;

/// What the times of asking depend on.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose.
    pub account: &'a AccountId,
    /// Its sessions.
    pub sessions: Sessions,
    /// Its login.
    pub login: Login,
    /// Its newest reading of any window, UTC milliseconds.
    pub read_at_ms: Option<i64>,
    /// When it was last asked for, whatever came of it, UTC milliseconds.
    pub asked_at_ms: Option<i64>,
    /// The resets of its windows that are known, UTC milliseconds, in any order.
    pub resets_ms: &'a [i64],
}

/// Why an account should be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It has no reading, or none of a known age.
    Unread,
    /// Its newest reading is too old.
    Old {
        /// So old, in milliseconds.
        age_ms: u64,
    },
    /// A window has ended since its newest reading.
    Reset {
        /// When, UTC milliseconds.
        at_ms: i64,
        /// How old the reading is, in milliseconds.
        age_ms: u64,
    },
}

/// Why it is time to ask, for a log that names accounts and ages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The merged state is stale itself.
    pub merged_stale: bool,
    /// The age of the merged state in milliseconds; none: there is none, or of no known age.
    pub merged_age_ms: Option<u64>,
    /// The accounts that are stale.
    pub accounts: Vec<(AccountId, Stale)>,
}

/// Whether it is time to ask: the merged state (written at `merged_at_ms`) or the reading of an account is stale. Dead
/// accounts count for nothing, so without a living one there is nobody to ask.
pub fn refresh(merged_at_ms: Option<i64>, accounts: &[Asked<'_>], now_ms: i64) -> Option<Refresh> {
    let merged_age_ms = age_ms(merged_at_ms, now_ms);
    let refresh = Refresh {
        merged_stale: accounts.iter().any(|asked| !asked.login.is_dead())
            && merged_age_ms.is_none_or(|age| age > STALE_MS.unsigned_abs()),
        merged_age_ms,
        accounts: accounts
            .iter()
            .filter_map(|asked| Some((asked.account.clone(), asked.stale(now_ms)?)))
            .collect(),
    };
    (refresh.merged_stale || !refresh.accounts.is_empty()).then_some(refresh)
}

/// The random part of a time, so that machines do not ask all at once: 0 to 1,000 thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread(u16);

impl Spread {
    /// So many thousandths, 1,000 at most.
    pub fn of_thousandths(thousandths: u16) -> Self {
        Self(thousandths.min(1_000))
    }

    /// Its part of a time.
    fn of(self, ms: i64) -> i64 {
        ms * i64::from(self.0) / 1_000
    }
}

impl Asked<'_> {
    /// Whether and why the account is stale; a dead one never is.
    pub fn stale(&self, now_ms: i64) -> Option<Stale> {
        if self.login.is_dead() {
            return None;
        }
        let Some((read_at, age_ms)) = self.read_at_ms.zip(age_ms(self.read_at_ms, now_ms)) else {
            return Some(Stale::Unread);
        };
        let oldest = match self.sessions {
            Sessions::Live => STALE_MS,
            Sessions::Idle => IDLE_STALE_MS,
        };
        if age_ms > oldest.unsigned_abs() {
            return Some(Stale::Old { age_ms });
        }
        let passed =
            self.resets_ms.iter().copied().filter(|reset| read_at < *reset && *reset <= now_ms).max();
        passed.map(|at_ms| Stale::Reset { at_ms, age_ms })
    }

    /// When the account is to be asked for next, UTC milliseconds; in the past when that is due, none while its login
    /// is dead.
    ///
    /// With live sessions every 180 s, up to 10 % later; without, every 5 to 10 min; and one minute after a known
    /// reset, but never within 180 s of the last attempt. An attempt that lies ahead of now was stamped by a wrong
    /// clock: one more is made, and stamped rightly.
    pub fn next_poll_ms(&self, spread: Spread, now_ms: i64) -> Option<i64> {
        if self.login.is_dead() {
            return None;
        }
        let Some(asked_at) = self.asked_at_ms.filter(|_| age_ms(self.asked_at_ms, now_ms).is_some()) else {
            return Some(now_ms);
        };
        let pause = match self.sessions {
            Sessions::Live => POLL_MS + spread.of(POLL_MS / 10),
            Sessions::Idle => IDLE_POLL_MS + spread.of(IDLE_POLL_MS),
        };
        let reset = self.resets_ms.iter().copied().filter(|reset| *reset > asked_at).min();
        let after_reset = reset.map(|reset| {
            let due = reset.saturating_add(AFTER_RESET_MS + spread.of(AFTER_RESET_MS / 10));
            due.max(asked_at.saturating_add(POLL_MS))
        });
        let due = asked_at.saturating_add(pause);
        Some(after_reset.map_or(due, |after_reset| due.min(after_reset)))
    }
}

/// Of the attempts on record (UTC milliseconds), those that count: of the last hour, and of the hour to come, since a
/// clock that is set back must not allow more.
pub fn counted_attempts(attempts_ms: &[i64], now_ms: i64) -> Vec<i64> {
    let hour = HOUR_MS.unsigned_abs();
    attempts_ms.iter().copied().filter(|at| now_ms.saturating_sub(*at).unsigned_abs() < hour).collect()
}

/// When an account may be asked for again, after attempts at these times, by what an hour allows; none: now.
pub fn next_attempt_ms(attempts_ms: &[i64], now_ms: i64) -> Option<i64> {
    let mut counted = counted_attempts(attempts_ms, now_ms);
    counted.sort_unstable();
    let first = counted.len().checked_sub(ATTEMPTS_AN_HOUR)?;
    counted.get(first).map(|oldest| oldest.saturating_add(HOUR_MS))
}

/// One more attempt for an account stays within what an hour allows, after those at these times (UTC milliseconds).
pub fn may_attempt(attempts_ms: &[i64], now_ms: i64) -> bool {
    next_attempt_ms(attempts_ms, now_ms).is_none()
}

#[cfg(test)]
mod tests;
