use super::super::CLOCK_SLACK_MS;
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
        assert_eq!(seconds(tag, in_a_row, advised), expected, "{tag:?}, {in_a_row} in a row, {advised:?}");
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
        (Failure::NoConnection, Trouble::NoConnection),
        (Failure::NoName, Trouble::NoName),
        (Failure::Tls, Trouble::Tls),
        (Failure::Redirect, Trouble::Redirect),
        (Failure::Server, Trouble::Server),
        (Failure::Refused, Trouble::Forbidden),
        (Failure::Parse, Trouble::Parse),
    ];
    for (failure, expected) in failures {
        assert_eq!(trouble(Outcome::Failed(failure)), Some(expected));
    }
    let auth =
        [Tag::Unauthorized, Tag::Forbidden, Tag::Stamp, Tag::Failed(Failure::Refused)].map(Tag::is_auth);
    assert_eq!(auth, [true, true, false, false]);
}

/// The lengths, in seconds, of back-offs that follow each other at once.
fn in_a_row(outcomes: &[Outcome]) -> Vec<i64> {
    let mut before = None;
    let mut length = |outcome: &Outcome| {
        let next = BackOff::after(*outcome, before.as_ref(), 'a', NOW);
        before = Some(next);
        (next.until_ms - next.written_at_ms) / 1_000
    };
    outcomes.iter().map(&mut length).collect()
}

#[test]
fn each_rate_limit_in_a_row_doubles_up_to_an_hour_unless_the_advice_says_more() {
    let lengths = |advised_s: Option<i64>| {
        in_a_row(&[Outcome::RateLimited(advised_s.and_then(|s| RetryAfter::of_ms(s * 1_000))); 6])
    };
    assert_eq!(lengths(None), [300, 600, 1_200, 2_400, 3_600, 3_600]);
    assert_eq!(lengths(Some(3_000)), [3_000, 3_600, 3_600, 3_600, 3_600, 3_600]);
    assert_eq!(lengths(Some(21_600)), [21_600; 6]);
    assert_eq!(lengths(Some(10)), [10, 20, 40, 80, 160, 320]);
}

#[test]
fn each_failure_in_a_row_doubles_whatever_failed_and_a_success_ends_the_row() {
    let (timeout, network) = (Outcome::Failed(Failure::Timeout), Outcome::Failed(Failure::Network));
    let parse = Outcome::Failed(Failure::Parse);
    assert_eq!(in_a_row(&[timeout, network]), [30, 60]);
    assert_eq!(in_a_row(&[parse; 100]).last(), Some(&3_600));
    for other in [Outcome::Answered, Outcome::Unauthorized, Outcome::RateLimited(None)] {
        assert_eq!(in_a_row(&[timeout, other, timeout]).last(), Some(&30));
    }
    assert_eq!(in_a_row(&[parse, parse, Outcome::RateLimited(None)]).last(), Some(&300));
}

#[test]
fn a_back_off_is_over_at_its_end_and_a_day_after_it_began_and_void_when_it_comes_from_the_future() {
    let answered = BackOff::after(Outcome::Answered, None, 'a', 0);
    let from = |written_at_ms, until_ms| BackOff { written_at_ms, until_ms, ..answered };
    assert!(from(NOW - 10, NOW + 1).in_force(NOW));
    assert!(!from(NOW - 10, NOW).in_force(NOW));
    assert!(from(NOW - DAY_MS + 1, i64::MAX).in_force(NOW));
    assert!(!from(NOW - DAY_MS, i64::MAX).in_force(NOW));
    assert!(from(NOW + CLOCK_SLACK_MS, i64::MAX).in_force(NOW));
    assert!(!from(NOW + CLOCK_SLACK_MS + 1, i64::MAX).in_force(NOW));
    assert!(!from(i64::MIN, i64::MIN).in_force(NOW) && !from(i64::MAX, i64::MAX).in_force(NOW));
    assert!(!from(NOW, NOW - 1).in_force(NOW));
}
