//! How long the endpoint is left alone after each of its answers. Arithmetic only.
//!
//! Must not: read a clock or a file, or believe a stored time that no rule here can have written.

use std::time::Duration;

use crate::secret::Fingerprint;
use crate::trouble::Trouble;

/// After an answer, whatever became of it.
pub const STAMP_MS: i64 = 180_000;
const UNAUTHORIZED_MS: i64 = 30_000;
const FORBIDDEN_MS: i64 = 300_000;
const RATE_LIMITED_MS: i64 = 300_000;
const FAILED_MS: i64 = 30_000;
/// The longest that doubling leads to.
const MOST_MS: i64 = 3_600_000;
/// The longest of all, whatever a file says.
const DAY_MS: i64 = 24 * 3_600_000;
/// How far a clock may be put back without its owner's back-offs being lost.
const CLOCK_SLACK_MS: i64 = 300_000;
/// The most questions in an hour, for one account, whatever else the rules say.
pub const MOST_ATTEMPTS: usize = 20;
const HOUR_MS: i64 = 3_600_000;

/// What a back-off follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An answer.
    Success,
    /// A refusal of the login.
    Auth(Trouble),
    /// Anything else.
    Other(Trouble),
}

/// The endpoint is not asked before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// When it began, UTC milliseconds.
    pub written_at_ms: i64,
    /// Its end as it is written, UTC milliseconds.
    pub until_ms: i64,
    /// What it follows.
    pub cause: Cause,
    /// How many of its kind came in a row.
    pub streak: u32,
    /// Of the credential that was used; with another one it is void.
    pub fingerprint: Fingerprint,
}

impl Backoff {
    /// When it ends: a day after it began at the latest.
    pub fn end_ms(&self) -> i64 {
        self.until_ms.min(self.written_at_ms.saturating_add(DAY_MS))
    }

    /// The endpoint may not be asked yet. At its end it may.
    pub fn in_force(&self, now_ms: i64) -> bool {
        now_ms < self.end_ms() && self.written_at_ms <= now_ms.saturating_add(CLOCK_SLACK_MS)
    }

    fn new(cause: Cause, length_ms: i64, streak: u32, now_ms: i64, fingerprint: Fingerprint) -> Self {
        let until_ms = now_ms.saturating_add(length_ms);
        Self { written_at_ms: now_ms, until_ms, cause, streak, fingerprint }
    }

    /// After an answer.
    pub fn success(now_ms: i64, fingerprint: Fingerprint) -> Self {
        Self::new(Cause::Success, STAMP_MS, 0, now_ms, fingerprint)
    }

    /// After a refusal of the login.
    pub fn refused(trouble: Trouble, now_ms: i64, fingerprint: Fingerprint) -> Self {
        let length = if trouble == Trouble::Unauthorized { UNAUTHORIZED_MS } else { FORBIDDEN_MS };
        Self::new(Cause::Auth(trouble), length, 1, now_ms, fingerprint)
    }

    /// After "too often": the advice or five minutes, doubled for each in a row, an hour unless the advice says more.
    pub fn rate_limited(
        advice: Option<Duration>,
        before: Option<&Self>,
        now_ms: i64,
        fingerprint: Fingerprint,
    ) -> Self {
        let advice = advice.and_then(|wait| i64::try_from(wait.as_millis()).ok());
        let streak = 1 + streak_of(before, now_ms, |cause| cause == Cause::Other(Trouble::RateLimited));
        let length = doubled(advice.unwrap_or(RATE_LIMITED_MS), streak).max(advice.unwrap_or(0));
        Self::new(Cause::Other(Trouble::RateLimited), length, streak, now_ms, fingerprint)
    }

    /// After any other failure: half a minute, doubled for each in a row, an hour at most.
    pub fn failed(trouble: Trouble, before: Option<&Self>, now_ms: i64, fingerprint: Fingerprint) -> Self {
        let is_failure = |cause| matches!(cause, Cause::Other(trouble) if trouble != Trouble::RateLimited);
        let streak = 1 + streak_of(before, now_ms, is_failure);
        Self::new(Cause::Other(trouble), doubled(FAILED_MS, streak), streak, now_ms, fingerprint)
    }
}

/// What happened longer ago than a day is not "in a row".
fn streak_of(before: Option<&Backoff>, now_ms: i64, same: impl Fn(Cause) -> bool) -> u32 {
    let recent = |backoff: &&Backoff| now_ms.saturating_sub(backoff.written_at_ms) < DAY_MS;
    before.filter(recent).filter(|backoff| same(backoff.cause)).map_or(0, |backoff| backoff.streak.min(30))
}

fn doubled(first_ms: i64, streak: u32) -> i64 {
    first_ms.saturating_mul(1 << (streak - 1).min(30)).min(MOST_MS)
}

/// Of the attempts on record, those of the last hour. Some that seem to come are kept: a clock was put back.
pub fn of_the_last_hour(attempts: &[i64], now_ms: i64) -> Vec<i64> {
    attempts
        .iter()
        .copied()
        .filter(|at| now_ms.saturating_sub(*at).unsigned_abs() < HOUR_MS.unsigned_abs())
        .collect()
}

/// When the next attempt may be made; none: now.
pub fn next_attempt_ms(recent: &[i64]) -> Option<i64> {
    let mut recent = recent.to_vec();
    recent.sort_unstable();
    let at = recent.len().checked_sub(MOST_ATTEMPTS)?;
    recent.get(at).map(|oldest| oldest.saturating_add(HOUR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_770_556_680_000;

    fn print() -> Fingerprint {
        Fingerprint::parse("0123456789abcdef").unwrap()
    }

    fn length(backoff: &Backoff) -> i64 {
        (backoff.until_ms - backoff.written_at_ms) / 1_000
    }

    #[test]
    fn each_rate_limit_in_a_row_doubles_up_to_an_hour_unless_the_advice_says_more() {
        let lengths = |advice: Option<u64>| {
            let (mut before, mut lengths) = (None, Vec::new());
            for _ in 0..6 {
                let next =
                    Backoff::rate_limited(advice.map(Duration::from_secs), before.as_ref(), NOW, print());
                lengths.push(length(&next));
                before = Some(next);
            }
            lengths
        };
        assert_eq!(lengths(None), [300, 600, 1_200, 2_400, 3_600, 3_600]);
        assert_eq!(lengths(Some(3_000)), [3_000, 3_600, 3_600, 3_600, 3_600, 3_600]);
        assert_eq!(lengths(Some(21_600)), [21_600; 6]);
        assert_eq!(lengths(Some(10)), [10, 20, 40, 80, 160, 320]);
    }

    #[test]
    fn each_failure_in_a_row_doubles_whatever_failed_and_a_success_ends_the_row() {
        let first = Backoff::failed(Trouble::Timeout, None, NOW, print());
        let second = Backoff::failed(Trouble::Network, Some(&first), NOW, print());
        assert_eq!((length(&first), length(&second)), (30, 60));
        let mut last = second;
        for _ in 0..100 {
            last = Backoff::failed(Trouble::Parse, Some(&last), NOW, print());
        }
        assert_eq!(length(&last), 3_600);
        for other in [
            Backoff::success(NOW, print()),
            Backoff::refused(Trouble::Unauthorized, NOW, print()),
            Backoff::rate_limited(None, None, NOW, print()),
        ] {
            assert_eq!(length(&Backoff::failed(Trouble::Timeout, Some(&other), NOW, print())), 30);
        }
        assert_eq!(length(&Backoff::rate_limited(None, Some(&last), NOW, print())), 300);
        let tomorrow = Backoff::failed(Trouble::Timeout, Some(&last), NOW + DAY_MS, print());
        assert_eq!(length(&tomorrow), 30);
    }

    #[test]
    fn a_back_off_is_over_at_its_end_and_a_day_after_it_began_and_void_when_it_comes_from_the_future() {
        let from =
            |written_at_ms, until_ms| Backoff { written_at_ms, until_ms, ..Backoff::success(0, print()) };
        assert!(from(NOW - 10, NOW + 1).in_force(NOW));
        assert!(!from(NOW - 10, NOW).in_force(NOW));
        assert!(from(NOW - DAY_MS + 1, i64::MAX).in_force(NOW));
        assert!(!from(NOW - DAY_MS, i64::MAX).in_force(NOW));
        assert!(from(NOW + CLOCK_SLACK_MS, i64::MAX).in_force(NOW));
        assert!(!from(NOW + CLOCK_SLACK_MS + 1, i64::MAX).in_force(NOW));
        assert!(!from(i64::MIN, i64::MIN).in_force(NOW) && !from(i64::MAX, i64::MAX).in_force(NOW));
        assert!(!from(NOW, NOW - 1).in_force(NOW));
    }

    #[test]
    fn twenty_attempts_in_an_hour_are_the_most() {
        let every = |count: i64| (0..count).map(|i| NOW - i * 60_000).collect::<Vec<_>>();
        assert_eq!(next_attempt_ms(&of_the_last_hour(&every(19), NOW)), None);
        let twenty = next_attempt_ms(&of_the_last_hour(&every(20), NOW));
        assert_eq!(twenty, Some(NOW - 19 * 60_000 + HOUR_MS));
        assert_eq!(next_attempt_ms(&of_the_last_hour(&[NOW - HOUR_MS; 50], NOW)), None);
        assert_eq!(of_the_last_hour(&[NOW + 60_000, NOW + HOUR_MS, i64::MAX, i64::MIN], NOW), [NOW + 60_000]);
    }
}
