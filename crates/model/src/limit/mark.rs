//! Marks of age: how much a value that is shown can still be trusted.
//!
//! Whether a value is fresh is worked out from times whenever it is shown; nothing stores it. `~` for estimates is
//! something else.

use std::fmt;

use super::login::Login;
use super::{HOUR_MS, MINUTE_MS};

/// How much a value can be trusted for its age; the worst one is the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// It is fresh.
    #[default]
    None,
    /// It gets old: `⚠`.
    Aging,
    /// Too old to subtract from: `⚠⚠`.
    Old,
    /// So old that it may be wrong, of an age that cannot be told, or of a login that only the user can mend: `🔺`.
    Critical,
}

impl Mark {
    /// What stands behind the value.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Aging => "⚠",
            Self::Old => "⚠⚠",
            Self::Critical => "🔺",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// Whether an account has sessions that are at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sessions {
    /// At least one.
    Live,
    /// None.
    Idle,
}

/// What a value is, as far as its age goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A plan limit, of an account with these sessions.
    Limit(Sessions),
    /// A plan limit that was typed by hand.
    Typed,
    /// What this machine knows by itself: git, transcripts, totals.
    Local,
}

/// The mark of a value of this age in milliseconds (none: cannot be told). Limits of a dead login are critical however
/// young they are. Of a value's parts the worst mark counts: `max`.
pub fn mark(kind: Kind, age_ms: Option<u64>, login: Login) -> Mark {
    if login.is_dead() && kind != Kind::Local {
        return Mark::Critical;
    }
    let Some(age) = age_ms else { return Mark::Critical };
    let (aging, old, critical) = limits_of(kind);
    let reached = |limit: Option<i64>| limit.is_some_and(|limit| age >= limit.unsigned_abs());
    match () {
        () if reached(critical) => Mark::Critical,
        () if reached(old) => Mark::Old,
        () if reached(Some(aging)) => Mark::Aging,
        () => Mark::None,
    }
}

/// The ages in milliseconds from which on a value is aging, old and critical, where it can be.
fn limits_of(kind: Kind) -> (i64, Option<i64>, Option<i64>) {
    match kind {
        Kind::Limit(Sessions::Live) => (4 * MINUTE_MS, Some(10 * MINUTE_MS), Some(HOUR_MS)),
        Kind::Limit(Sessions::Idle) => (12 * MINUTE_MS, Some(20 * MINUTE_MS), Some(HOUR_MS)),
        Kind::Typed => (4 * HOUR_MS, None, Some(24 * HOUR_MS)),
        Kind::Local => (5 * MINUTE_MS, None, None),
    }
}

/// What is left of a remainder in milliseconds that was stored so long ago without the time it ends, as files of older
/// tools do, and the mark that this way of knowing adds.
///
/// The age is taken off. Where that leaves nothing of more than ten minutes, and the age exceeds what was stored, the
/// value is too old to subtract from: it is shown as stored. One whose age cannot be told is shown as stored too.
pub fn remainder(stored_ms: u64, age_ms: Option<u64>) -> (u64, Mark) {
    match age_ms {
        None => (stored_ms, Mark::Critical),
        Some(age) if age > stored_ms && stored_ms > 10 * MINUTE_MS.unsigned_abs() => (stored_ms, Mark::Old),
        Some(age) => (stored_ms.saturating_sub(age), Mark::None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::age_ms;
    use super::super::login::Reason;
    use super::*;

    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    const DEAD: Login = Login::NeedsLogin { reason: Reason::Unauthorized, since_ms: 0 };

    #[test]
    fn a_mark_appears_at_its_age_and_not_a_millisecond_before() {
        let limits = [
            (Kind::Limit(Sessions::Live), 4 * MINUTE, Mark::None, Mark::Aging),
            (Kind::Limit(Sessions::Live), 10 * MINUTE, Mark::Aging, Mark::Old),
            (Kind::Limit(Sessions::Live), 60 * MINUTE, Mark::Old, Mark::Critical),
            (Kind::Limit(Sessions::Idle), 12 * MINUTE, Mark::None, Mark::Aging),
            (Kind::Limit(Sessions::Idle), 20 * MINUTE, Mark::Aging, Mark::Old),
            (Kind::Limit(Sessions::Idle), 60 * MINUTE, Mark::Old, Mark::Critical),
            (Kind::Typed, 4 * HOUR, Mark::None, Mark::Aging),
            (Kind::Typed, 24 * HOUR, Mark::Aging, Mark::Critical),
            (Kind::Local, 5 * MINUTE, Mark::None, Mark::Aging),
        ];
        for (kind, limit, before, from) in limits {
            let marks = [limit - 1, limit].map(|age| mark(kind, Some(age), Login::Active));
            assert_eq!(marks, [before, from], "{kind:?} at {limit} ms");
        }
        let ends = [
            (Kind::Limit(Sessions::Live), Mark::Critical),
            (Kind::Limit(Sessions::Idle), Mark::Critical),
            (Kind::Typed, Mark::Critical),
            (Kind::Local, Mark::Aging),
        ];
        for (kind, oldest) in ends {
            let marks = [0, u64::MAX].map(|age| mark(kind, Some(age), Login::Unknown));
            assert_eq!(marks, [Mark::None, oldest], "{kind:?}");
        }
    }

    #[test]
    fn an_age_that_cannot_be_told_is_critical() {
        for kind in [Kind::Limit(Sessions::Live), Kind::Limit(Sessions::Idle), Kind::Typed, Kind::Local] {
            assert_eq!(mark(kind, None, Login::Active), Mark::Critical, "{kind:?}");
            let clock_went_back = age_ms(Some(HOUR_MS), 0);
            assert_eq!(mark(kind, clock_went_back, Login::Active), Mark::Critical, "{kind:?}");
        }
    }

    #[test]
    fn limits_of_a_dead_login_are_critical_and_what_the_machine_knows_is_not() {
        let marks =
            [Kind::Limit(Sessions::Live), Kind::Typed, Kind::Local].map(|kind| mark(kind, Some(0), DEAD));
        assert_eq!(marks, [Mark::Critical, Mark::Critical, Mark::None]);
    }

    #[test]
    fn the_worst_mark_of_the_parts_is_the_greatest() {
        let marks = [Mark::Old, Mark::None, Mark::Critical, Mark::Aging];
        assert_eq!(marks.into_iter().max(), Some(Mark::Critical));
        assert_eq!(marks[..2].iter().max(), Some(&Mark::Old));
        assert_eq!(marks.map(Mark::symbol), ["⚠⚠", "", "🔺", "⚠"]);
    }

    #[test]
    fn the_age_is_taken_off_a_stored_remainder_unless_it_is_too_old_for_that() {
        let minutes = |stored: u64, age: Option<u64>| {
            let (left, mark) = remainder(stored * MINUTE, age.map(|age| age * MINUTE));
            (left / MINUTE, mark)
        };
        let rows = [
            (135, Some(20), (115, Mark::None)),
            (15, Some(14), (1, Mark::None)),
            (15, Some(15), (0, Mark::None)),
            (15, Some(16), (15, Mark::Old)),
            (11, Some(698), (11, Mark::Old)),
            (10, Some(698), (0, Mark::None)),
            (15, None, (15, Mark::Critical)),
        ];
        for (stored, age, expected) in rows {
            assert_eq!(minutes(stored, age), expected, "{stored} minutes stored {age:?} ago");
        }
        assert_eq!(remainder(10 * MINUTE + 1, Some(HOUR)), (10 * MINUTE + 1, Mark::Old));
    }
}
