use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::DAY_MS;
use super::super::login::Reason;
use super::*;

const NOW: i64 = 1_770_556_680_000;
const SECOND: i64 = 1_000;
const DEAD: Login = Login::NeedsLogin { reason: Reason::Unauthorized, since_ms: 0 };

static ONE: LazyLock<AccountId> =
    LazyLock::new(|| AccountId { organization: "org".into(), account: "one".into() });

/// An account that was read, and asked for, so many seconds ago.
fn asked(sessions: Sessions, ago_s: impl Into<Option<i64>>) -> Asked<'static> {
    let at = ago_s.into().map(|ago| NOW - ago * SECOND);
    Asked { account: &ONE, sessions, login: Login::Active, read_at_ms: at, asked_at_ms: at, resets_ms: &[] }
}

#[test]
fn an_account_is_stale_by_its_own_newest_reading() {
    use Sessions::{Idle, Live};
    let old = |seconds: u64| Some(Stale::Old { age_ms: seconds * 1_000 });
    let rows = [
        ("exactly 300 s", asked(Live, 300), None),
        ("301 s", asked(Live, 301), old(301)),
        ("idle, 301 s", asked(Idle, 301), None),
        ("idle, exactly 600 s", asked(Idle, 600), None),
        ("idle, 601 s", asked(Idle, 601), old(601)),
        ("never read", asked(Idle, None), Some(Stale::Unread)),
        ("read tomorrow", asked(Live, -86_400), Some(Stale::Unread)),
        ("dead and old", Asked { login: DEAD, ..asked(Live, 9_999) }, None),
        ("dead and unread", Asked { login: DEAD, ..asked(Live, None) }, None),
        ("not tried yet", Asked { login: Login::Unknown, ..asked(Live, 301) }, old(301)),
    ];
    for (case, asked, expected) in rows {
        assert_eq!(asked.stale(NOW), expected, "{case}");
    }
    let a_bit_more = Asked { read_at_ms: Some(NOW - STALE_MS - 1), ..asked(Live, 0) };
    assert_eq!(a_bit_more.stale(NOW), Some(Stale::Old { age_ms: 300_001 }));
}

#[test]
fn a_reset_since_the_last_reading_makes_an_account_stale() {
    let after = |resets_ms: &[i64]| Asked { resets_ms, ..asked(Sessions::Idle, 60) }.stale(NOW);
    let reset = |ago: i64| Some(Stale::Reset { at_ms: NOW - ago * SECOND, age_ms: 60_000 });
    assert_eq!(after(&[NOW + 1]), None, "still to come");
    assert_eq!(after(&[NOW]), reset(0), "this moment");
    assert_eq!(after(&[NOW - 59 * SECOND, NOW + DAY_MS]), reset(59));
    assert_eq!(after(&[NOW - 60 * SECOND]), None, "read at the reset");
    assert_eq!(after(&[NOW - 61 * SECOND]), None, "read after it");
    let dead = Asked { resets_ms: &[NOW], login: DEAD, ..asked(Sessions::Live, 60) };
    assert_eq!(dead.stale(NOW), None);
}

#[test]
fn a_merged_state_of_ten_seconds_does_not_hide_an_account_of_698_minutes() {
    let account = asked(Sessions::Live, 698 * 60);
    let found = refresh(Some(NOW - 10 * SECOND), &[account, asked(Sessions::Live, 10)], NOW);
    let expected = Refresh {
        merged_stale: false,
        merged_age_ms: Some(10_000),
        accounts: vec![(ONE.clone(), Stale::Old { age_ms: 698 * 60_000 })],
    };
    assert_eq!(found, Some(expected));
}

#[test]
fn a_merged_state_is_stale_after_300_seconds_while_there_is_anybody_to_ask() {
    let fresh = asked(Sessions::Live, 10);
    let at = |seconds: i64| Some(NOW - seconds * SECOND);
    let stale =
        |merged, accounts: &[Asked<'_>]| refresh(merged, accounts, NOW).is_some_and(|r| r.merged_stale);
    assert_eq!(refresh(at(300), &[fresh], NOW), None, "exactly 300 s");
    assert!(stale(at(301), &[fresh]));
    assert!(stale(None, &[fresh]), "there is none");
    assert!(stale(at(-86_400), &[fresh]), "of tomorrow");
    assert_eq!(refresh(at(9_999), &[], NOW), None, "no accounts");
    let dead = Asked { login: DEAD, ..asked(Sessions::Live, 9_999) };
    assert_eq!(refresh(at(9_999), &[dead, dead, dead], NOW), None, "all are dead");
}

#[test]
fn accounts_are_asked_for_at_their_pace_and_a_minute_after_a_reset() {
    use Sessions::{Idle, Live};
    let in_s = |seconds: i64| NOW + seconds * SECOND;
    let rows: [(&str, Asked<'_>, u16, Option<i64>); 15] = [
        ("live", asked(Live, 0), 0, Some(180)),
        ("live, as late as may be", asked(Live, 0), 1_000, Some(198)),
        ("more than all of it", asked(Live, 0), u16::MAX, Some(198)),
        ("idle", asked(Idle, 0), 0, Some(300)),
        ("idle, as late as may be", asked(Idle, 0), 1_000, Some(600)),
        ("long due", asked(Live, 500), 0, Some(-320)),
        ("never asked", asked(Idle, None), 1_000, Some(0)),
        ("asked tomorrow", asked(Idle, -86_400), 0, Some(0)),
        ("dead", Asked { login: DEAD, ..asked(Live, 999) }, 0, None),
        ("a reset in three minutes", Asked { resets_ms: &[in_s(180)], ..asked(Idle, 0) }, 0, Some(240)),
        ("and its spread", Asked { resets_ms: &[in_s(180)], ..asked(Idle, 0) }, 1_000, Some(246)),
        ("a reset right after", Asked { resets_ms: &[in_s(1)], ..asked(Idle, 0) }, 0, Some(180)),
        ("a reset long after", Asked { resets_ms: &[in_s(9_999)], ..asked(Idle, 0) }, 0, Some(300)),
        ("a reset before", Asked { resets_ms: &[in_s(-1)], ..asked(Idle, 0) }, 0, Some(300)),
        ("two", Asked { resets_ms: &[in_s(9_999), in_s(150)], ..asked(Idle, 0) }, 0, Some(210)),
    ];
    for (case, asked, spread, expected) in rows {
        let due = asked.next_poll_ms(Spread::of_thousandths(spread), NOW);
        assert_eq!(due, expected.map(in_s), "{case}");
    }
}

#[test]
fn twenty_attempts_an_hour_are_the_most() {
    let attempts: Vec<i64> = (0..20).map(|n| NOW - n * POLL_MS).collect();
    assert!(!may_attempt(&attempts, NOW));
    assert!(may_attempt(&attempts[..19], NOW));
    assert!(may_attempt(&attempts, NOW + HOUR_MS - 19 * POLL_MS + 1), "the first is an hour old");
    assert!(may_attempt(&attempts, NOW - DAY_MS), "a clock that went back does not lock out for a day");
}

#[test]
fn after_twenty_attempts_in_an_hour_the_next_waits_until_the_first_is_an_hour_old() {
    let every = |count: i64| (0..count).map(|i| NOW - i * 60_000).collect::<Vec<_>>();
    assert_eq!(next_attempt_ms(&every(19), NOW), None);
    let next = NOW - 19 * 60_000 + HOUR_MS;
    assert_eq!(next_attempt_ms(&every(20), NOW), Some(next));
    assert!(!may_attempt(&every(20), next - 1) && may_attempt(&every(20), next));
    assert_eq!(next_attempt_ms(&[NOW - HOUR_MS; 50], NOW), None);
    assert_eq!(counted_attempts(&[NOW + 60_000, NOW + HOUR_MS, i64::MAX, i64::MIN], NOW), [NOW + 60_000]);
}

#[test]
fn a_clock_that_is_set_back_a_little_allows_no_further_attempts() {
    assert!(!may_attempt(&[NOW; 20], NOW - HOUR_MS + 1));
}

proptest! {
    #[test]
    fn nobody_is_asked_sooner_than_180_seconds_after_the_last_attempt(
        ago in 0_i64..10_000_000,
        spread in any::<u16>(),
        idle in any::<bool>(),
        resets in prop::collection::vec(-1_000_000_i64..1_000_000, 0..4),
    ) {
        let resets: Vec<i64> = resets.iter().map(|at| NOW + at).collect();
        let sessions = if idle { Sessions::Idle } else { Sessions::Live };
        let asked = Asked { asked_at_ms: Some(NOW - ago), resets_ms: &resets, ..asked(sessions, None) };
        let due = asked.next_poll_ms(Spread::of_thousandths(spread), NOW).unwrap();
        prop_assert!(due >= NOW - ago + POLL_MS);
        prop_assert!(due <= NOW - ago + IDLE_STALE_MS);
    }

    #[test]
    fn no_instant_is_too_far_off(now in any::<i64>(), at in any::<i64>(), reset in any::<i64>()) {
        for (now, at, reset) in [(now, at, reset), (i64::MIN, at, i64::MAX), (i64::MAX, at, i64::MIN)] {
            let times = Asked { read_at_ms: Some(at), asked_at_ms: Some(at), ..asked(Sessions::Live, None) };
            let times = Asked { resets_ms: &[reset], ..times };
            times.stale(now);
            times.next_poll_ms(Spread::of_thousandths(1_000), now);
            refresh(Some(at), &[times], now);
            may_attempt(&[at], now);
        }
    }
}
