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
    /// The service could not be reached, or said that it fails (5xx).
    Network,
    /// 403 that names neither scope nor permission: something between us and the service refuses.
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

    /// Whether it holds for this credential at this moment. It does not when it is over, when it was written for
    /// another credential, or by a clock that was ahead.
    pub fn holds(&self, credential: &F, now_ms: i64) -> bool {
        let written_before = age_ms(Some(self.written_at_ms), now_ms).is_some();
        written_before && self.credential == *credential && now_ms < self.ends_at_ms()
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
            Tag::Forbidden => Some(Trouble::Forbidden),
            Tag::RateLimited => Some(Trouble::RateLimited { until_ms: self.ends_at_ms() }),
            Tag::Failed(Failure::Timeout) => Some(Trouble::Timeout),
            Tag::Failed(Failure::Network | Failure::Refused) => Some(Trouble::Network),
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
mod tests {
    use super::*;

    const NOW: i64 = 1_770_556_680_000;
    const NETWORK: Tag = Tag::Failed(Failure::Network);

    fn seconds(tag: Tag, in_a_row: u32, advised_s: Option<i64>) -> i64 {
        pause_ms(tag, in_a_row, advised_s.and_then(|advised| RetryAfter::of_ms(advised * 1_000))) / 1_000
    }

    #[test]
    fn the_endpoint_is_left_alone_by_what_it_said() {
        let rows = [
            (Tag::Stamp, 1, None, 180),
            (Tag::Stamp, 9, Some(9_999), 180),
            (Tag::Unauthorized, 1, None, 30),
            (Tag::Unauthorized, 9, Some(9_999), 30),
            (Tag::Forbidden, 1, None, 300),
            (Tag::Forbidden, 9, Some(9_999), 300),
            (Tag::RateLimited, 1, None, 300),
            (Tag::RateLimited, 2, None, 600),
            (Tag::RateLimited, 4, None, 2_400),
            (Tag::RateLimited, 5, None, 3_600),
            (Tag::RateLimited, u32::MAX, None, 3_600),
            (Tag::RateLimited, 1, Some(10), 10),
            (Tag::RateLimited, 3, Some(10), 40),
            (Tag::RateLimited, 2, Some(3_000), 3_600),
            (Tag::RateLimited, 1, Some(7_200), 7_200),
            (Tag::RateLimited, 9, Some(7_200), 7_200),
            (Tag::RateLimited, 1, Some(99_999), 21_600),
            (Tag::RateLimited, 1, Some(i64::MAX / 1_000), 21_600),
            // 0 and past times are no advice.
            (Tag::RateLimited, 1, Some(0), 300),
            (Tag::RateLimited, 1, Some(-5), 300),
            (NETWORK, 0, None, 30),
            (NETWORK, 1, None, 30),
            (NETWORK, 2, None, 60),
            (NETWORK, 7, None, 1_920),
            (NETWORK, 8, None, 3_600),
            (NETWORK, u32::MAX, Some(9_999), 3_600),
        ];
        for (tag, in_a_row, advised, expected) in rows {
            assert_eq!(
                seconds(tag, in_a_row, advised),
                expected,
                "{tag:?}, {in_a_row} in a row, {advised:?}"
            );
        }
    }

    #[test]
    fn a_row_goes_on_while_the_same_kind_follows_for_the_same_credential_within_a_day() {
        use Outcome::{Answered, Failed, RateLimited, Unauthorized};
        let (timeout, network) = (Failed(Failure::Timeout), Failed(Failure::Network));
        let rows = [
            (network, network, 'a', 1, 2),
            (network, timeout, 'a', 1, 2),
            (RateLimited(None), RateLimited(None), 'a', 1, 2),
            (network, RateLimited(None), 'a', 1, 1),
            (RateLimited(None), network, 'a', 1, 1),
            (Answered, network, 'a', 1, 1),
            (Unauthorized, Unauthorized, 'a', 1, 1),
            (network, network, 'b', 1, 1),
            (network, network, 'a', DAY_MS - 1, 2),
            (network, network, 'a', DAY_MS, 1),
            (network, network, 'a', -DAY_MS, 1),
        ];
        for (first, second, credential, later_ms, expected) in rows {
            let before = BackOff::after(first, None, 'a', NOW);
            let after = BackOff::after(second, Some(&before), credential, NOW + later_ms);
            assert_eq!(
                (before.in_a_row, after.in_a_row),
                (1, expected),
                "{first:?}, then {second:?} of {credential}"
            );
            assert_eq!((after.written_at_ms, after.credential), (NOW + later_ms, credential));
        }
        let second = BackOff { in_a_row: 2, ..BackOff::after(network, None, 'a', NOW) };
        let third = BackOff::after(network, Some(&second), 'a', NOW);
        assert_eq!((third.in_a_row, third.until_ms), (3, NOW + 120_000));
    }

    #[test]
    fn a_back_off_holds_until_its_end_for_its_credential_and_a_day_at_most() {
        let back_off = BackOff::after(Outcome::Failed(Failure::Network), None, 'a', NOW);
        let rows = [
            ("at once", back_off, 'a', 0, true),
            ("a millisecond before its end", back_off, 'a', 29_999, true),
            ("at its end", back_off, 'a', 30_000, false),
            ("another credential", back_off, 'b', 0, false),
            ("a clock that went back", back_off, 'a', -DAY_MS, false),
            ("a file that says years", BackOff { until_ms: i64::MAX, ..back_off }, 'a', DAY_MS - 1, true),
            ("is believed for a day", BackOff { until_ms: i64::MAX, ..back_off }, 'a', DAY_MS, false),
            ("a file that says the past", BackOff { until_ms: i64::MIN, ..back_off }, 'a', 0, false),
        ];
        for (case, back_off, credential, later_ms, expected) in rows {
            assert_eq!(back_off.holds(&credential, NOW + later_ms), expected, "{case}");
        }
    }

    #[test]
    fn a_back_off_says_what_stands_in_the_way() {
        let trouble = |outcome| BackOff::after(outcome, None, 'a', NOW).trouble();
        assert_eq!(trouble(Outcome::Answered), None);
        assert_eq!(trouble(Outcome::Unauthorized), Some(Trouble::Unauthorized));
        assert_eq!(trouble(Outcome::Forbidden), Some(Trouble::Forbidden));
        let until_ms = NOW + 300_000;
        assert_eq!(trouble(Outcome::RateLimited(None)), Some(Trouble::RateLimited { until_ms }));
        let failures = [
            (Failure::Timeout, Trouble::Timeout),
            (Failure::Network, Trouble::Network),
            (Failure::Refused, Trouble::Network),
            (Failure::Parse, Trouble::Parse),
        ];
        for (failure, expected) in failures {
            assert_eq!(trouble(Outcome::Failed(failure)), Some(expected));
        }
        let auth =
            [Tag::Unauthorized, Tag::Forbidden, Tag::Stamp, Tag::Failed(Failure::Refused)].map(Tag::is_auth);
        assert_eq!(auth, [true, true, false, false]);
    }
}
