//! When something about limits is said without being asked for.

use super::login::Login;
use super::{DAY_MS, MINUTE_MS, age_ms};

/// A broker that has not succeeded for this many milliseconds, while sessions were at work, is an alert.
pub const SILENCE_MS: i64 = 15 * MINUTE_MS;

/// A login gets a note so long before its end, in milliseconds.
const BEFORE_END_MS: i64 = 3 * DAY_MS;
/// One whose end is not told gets it when known for so long; they last for about 30 days.
const LONG_KNOWN_MS: i64 = 14 * DAY_MS;

/// Accounts exist, and the login of each of them is dead: no limit can be told any more.
pub fn all_dead(logins: impl IntoIterator<Item = Login>) -> bool {
    let mut logins = logins.into_iter().peekable();
    logins.peek().is_some() && logins.all(Login::is_dead)
}

/// What holds on is said again: a day (24 hours) after it was said last (UTC milliseconds). A time that lies ahead of
/// now was stamped by a wrong clock and counts for nothing.
pub fn is_due(last_said_ms: Option<i64>, now_ms: i64) -> bool {
    age_ms(last_said_ms, now_ms).is_none_or(|age| age >= DAY_MS.unsigned_abs())
}

/// The broker has not succeeded for 15 minutes while sessions were at work: since `active_since_ms` without a break,
/// none when there are none now. Times are UTC milliseconds.
pub fn broker_is_silent(last_success_ms: Option<i64>, active_since_ms: Option<i64>, now_ms: i64) -> bool {
    let Some(active_for) = age_ms(active_since_ms, now_ms) else { return false };
    let silent_for = age_ms(last_success_ms, now_ms).unwrap_or(u64::MAX);
    active_for.min(silent_for) >= SILENCE_MS.unsigned_abs()
}

/// Why a login is worth a gentle note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginNote {
    /// It ends soon, or has just ended.
    EndsAt {
        /// When, UTC milliseconds.
        at_ms: i64,
    },
    /// When it ends is not told, and it has been known for two weeks.
    KnownSince {
        /// When it was first seen, UTC milliseconds.
        at_ms: i64,
    },
}

/// The note that a login is worth, if any: three days before it ends, or, where that is not told, 14 days after it was
/// first seen. Times are UTC milliseconds.
pub fn login_note(ends_at_ms: Option<i64>, first_seen_ms: Option<i64>, now_ms: i64) -> Option<LoginNote> {
    match ends_at_ms {
        Some(at_ms) => (at_ms.saturating_sub(now_ms) <= BEFORE_END_MS).then_some(LoginNote::EndsAt { at_ms }),
        None => first_seen_ms
            .filter(|_| age_ms(first_seen_ms, now_ms).is_some_and(|age| age >= LONG_KNOWN_MS.unsigned_abs()))
            .map(|at_ms| LoginNote::KnownSince { at_ms }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::login::Reason;
    use super::*;

    const DEAD: Login = Login::NeedsLogin { reason: Reason::SessionEnded, since_ms: 0 };

    #[test]
    fn it_is_critical_when_every_account_is_dead_and_there_is_one() {
        assert!(all_dead([DEAD, DEAD, DEAD]));
        assert!(all_dead([DEAD]));
        assert!(!all_dead([]), "zero accounts are no alert");
        assert!(!all_dead([DEAD, Login::Active, DEAD]));
        assert!(!all_dead([DEAD, Login::Unknown]), "what nobody tried is not dead");
    }

    #[test]
    fn what_holds_on_is_said_daily() {
        let due = |ago: i64| is_due(Some(-ago), 0);
        assert!(is_due(None, 0));
        assert!(!due(0) && !due(MINUTE_MS) && !due(DAY_MS - 1));
        assert!(due(DAY_MS));
        assert!(due(-DAY_MS), "said tomorrow, by a wrong clock");
    }

    #[test]
    fn a_broker_is_silent_after_a_quarter_hour_of_work_without_success() {
        let minutes = |ago: Option<i64>| ago.map(|ago| -ago * MINUTE_MS);
        let silent = |success, active| broker_is_silent(minutes(success), minutes(active), 0);
        assert!(silent(Some(15), Some(600)) && silent(Some(600), Some(15)) && silent(None, Some(15)));
        assert!(!silent(Some(14), Some(600)), "it succeeded");
        assert!(!silent(Some(600), Some(14)), "the sessions have just begun");
        assert!(!silent(Some(600), None), "nobody is at work");
        assert!(silent(Some(-600), Some(15)), "a success of tomorrow is none");
        assert!(!broker_is_silent(None, Some(1 - SILENCE_MS), 0));
    }

    #[test]
    fn a_login_gets_a_note_before_it_ends() {
        let days = |days: i64| days * DAY_MS;
        let ends_at = |at_ms| Some(LoginNote::EndsAt { at_ms });
        let known_since = |at_ms| Some(LoginNote::KnownSince { at_ms });
        let rows = [
            (Some(days(3)), Some(-days(20)), ends_at(days(3))),
            (Some(days(3) + 1), Some(-days(20)), None),
            (Some(-days(1)), None, ends_at(-days(1))),
            (None, Some(-days(14)), known_since(-days(14))),
            (None, Some(1 - days(14)), None),
            (None, Some(days(1)), None),
            (None, None, None),
        ];
        for (ends, first_seen, expected) in rows {
            assert_eq!(login_note(ends, first_seen, 0), expected, "ends {ends:?}, first seen {first_seen:?}");
        }
        assert_eq!(login_note(Some(i64::MAX), None, i64::MIN), None);
    }
}
