use super::super::MINUTE_MS;
use super::*;

mod doubt;

/// Sunday 2026-02-08 13:18 UTC.
pub(super) const NOW: i64 = 1_770_556_680_000;

use Source::{ClaudeCache, Endpoint, HotSwap, Manual, Stdin};

fn account(name: &str) -> AccountId {
    AccountId { organization: "org".into(), account: name.into() }
}

/// A reading of five hours: who says so, how many minutes ago (or ahead), whole percent, minutes to the reset.
pub(super) fn said(source: Source, ago: i64, percent: i32, reset_in: impl Into<Option<i64>>) -> Reading {
    Reading {
        account: account("one"),
        window: Window::FiveHour,
        percent: Some(Percent::of_tenths(&Window::FiveHour, percent * 10)),
        resets_at_ms: reset_in.into().map(|minutes| NOW + minutes * MINUTE_MS),
        observed_at_ms: NOW - ago * MINUTE_MS,
        source,
        told: None,
    }
}

/// The same, told to a session that had waited this long.
fn told(session: &str, waited: u64, ago: i64, percent: i32, reset_in: impl Into<Option<i64>>) -> Reading {
    let told = Told { session: session.into(), api_duration_ms: Some(waited) };
    Reading { told: Some(told), ..said(Stdin, ago, percent, reset_in) }
}

fn unknown(reading: Reading) -> Reading {
    Reading { percent: None, ..reading }
}

pub(super) fn later_by_ms(reading: Reading, ms: i64) -> Reading {
    Reading { resets_at_ms: reading.resets_at_ms.map(|end| end + ms), ..reading }
}

pub(super) fn of(window: Window, reading: Reading) -> Reading {
    Reading { window, ..reading }
}

fn merged(readings: &[Reading]) -> Option<Current> {
    let window = readings.first()?.window.clone();
    merge(&window, readings, NOW)
}

/// What is shown: `29 in 42, 5 old, stdin`, in minutes; `?` where something is not told.
fn told_of(readings: &[Reading]) -> String {
    let Some(current) = merged(readings) else { return "nothing".to_owned() };
    let number = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let minutes = |ms: Option<u64>| number(ms.map(|ms| i64::try_from(ms).unwrap() / MINUTE_MS));
    let shown = match current.view(&readings[0].window, NOW) {
        View::Over => return "over".to_owned(),
        View::NotStarted => "not started".to_owned(),
        View::Open { percent, left_ms, .. } => {
            format!("{} in {}", number(percent.map(|percent| i64::from(percent.whole()))), minutes(left_ms))
        }
    };
    format!("{shown}, {} old, {}", minutes(current.age_ms(NOW)), current.source.name())
}

fn check(rows: &[(&str, &[Reading], &str)]) {
    for (rule, readings, expected) in rows {
        assert_eq!(told_of(readings), *expected, "{rule}");
        let backwards: Vec<Reading> = readings.iter().rev().chain(readings.iter()).cloned().collect();
        assert_eq!(told_of(&backwards), *expected, "{rule}, backwards and repeated");
    }
}

#[test]
fn a_later_reset_replaces_an_earlier_one() {
    check(&[
        ("a new window begins", &[said(Stdin, 60, 98, 1), said(Stdin, 1, 2, 240)], "2 in 240, 1 old, stdin"),
        (
            "seen before, but of a later window",
            &[said(Stdin, 9, 2, 240), said(Stdin, 1, 98, 1)],
            "2 in 240, 9 old, stdin",
        ),
        (
            "59.999 s are one window",
            &[said(Stdin, 9, 50, 40), later_by_ms(said(Stdin, 1, 2, 40), 59_999)],
            "50 in 40, 9 old, stdin",
        ),
        (
            "60 s are one window",
            &[said(Stdin, 9, 50, 40), later_by_ms(said(Stdin, 1, 2, 40), 60_000)],
            "50 in 41, 9 old, stdin",
        ),
        (
            "60.001 s are two",
            &[said(Stdin, 9, 50, 40), later_by_ms(said(Stdin, 1, 2, 40), 60_001)],
            "2 in 41, 1 old, stdin",
        ),
        (
            "what lies near to one near to the latest is not near to it",
            &[
                said(Stdin, 9, 90, 40),
                later_by_ms(said(Stdin, 5, 50, 40), 40_000),
                later_by_ms(said(Stdin, 1, 2, 40), 80_000),
            ],
            "50 in 41, 5 old, stdin",
        ),
        (
            "its use is not told yet",
            &[said(Stdin, 60, 98, 1), unknown(said(Endpoint, 1, 0, 240))],
            "? in 240, 1 old, endpoint",
        ),
        (
            "the service moved it forward",
            &[said(Endpoint, 9, 50, 200), said(Endpoint, 1, 3, 100)],
            "3 in 100, 1 old, endpoint",
        ),
        (
            "others cannot",
            &[said(Endpoint, 9, 50, 200), said(ClaudeCache, 1, 3, 100)],
            "50 in 200, 9 old, endpoint",
        ),
        (
            "what is seen after that is later again",
            &[said(Endpoint, 9, 50, 100), said(Stdin, 1, 3, 200)],
            "3 in 200, 1 old, stdin",
        ),
        (
            "an answer about a window that had ended moves nothing",
            &[said(Stdin, 50, 3, 200), said(Endpoint, 10, 98, -11)],
            "3 in 200, 50 old, stdin",
        ),
    ]);
}

#[test]
fn within_a_window_use_only_rises_unless_who_knows_says_less() {
    check(&[
        ("it rises", &[said(Stdin, 9, 29, 42), said(Stdin, 5, 31, 42)], "31 in 42, 5 old, stdin"),
        (
            "the highest counts in any order",
            &[said(Stdin, 5, 29, 42), said(Stdin, 9, 31, 42)],
            "31 in 42, 9 old, stdin",
        ),
        (
            "the endpoint may lower it",
            &[said(Stdin, 9, 80, 42), said(Endpoint, 5, 10, 42)],
            "10 in 42, 5 old, endpoint",
        ),
        (
            "so may what Claude Code remembers",
            &[said(Stdin, 9, 80, 42), said(ClaudeCache, 5, 10, 42)],
            "10 in 42, 5 old, claude_cache",
        ),
        (
            "so may a switcher",
            &[said(Stdin, 9, 80, 42), said(HotSwap, 5, 10, 42)],
            "10 in 42, 5 old, hot_swap",
        ),
        (
            "not by an older reading",
            &[said(Stdin, 5, 80, 42), said(HotSwap, 9, 10, 42)],
            "80 in 42, 5 old, stdin",
        ),
        ("nor by hand", &[said(Stdin, 9, 80, 42), said(Manual, 5, 10, 42)], "80 in 42, 9 old, stdin"),
        (
            "at one moment the endpoint is believed",
            &[said(Stdin, 5, 80, 42), said(Endpoint, 5, 10, 42)],
            "10 in 42, 5 old, endpoint",
        ),
        (
            "at one moment stdin is believed over a switcher",
            &[said(Stdin, 5, 80, 42), said(HotSwap, 5, 10, 42)],
            "80 in 42, 5 old, stdin",
        ),
        (
            "once lowered it rises again",
            &[said(Endpoint, 9, 80, 42), said(Endpoint, 5, 10, 42), said(Stdin, 2, 11, 42)],
            "11 in 42, 2 old, stdin",
        ),
        (
            "a session that waited may lower it",
            &[told("a", 7, 9, 80, 42), told("a", 8, 5, 10, 42)],
            "10 in 42, 5 old, stdin",
        ),
        (
            "one that did not wait may not",
            &[told("a", 7, 9, 80, 42), told("a", 7, 5, 10, 42)],
            "80 in 42, 9 old, stdin",
        ),
        (
            "nor one of which nothing was known",
            &[told("a", 7, 9, 80, 42), told("b", 8, 5, 10, 42)],
            "80 in 42, 9 old, stdin",
        ),
        (
            "nor one whose count began again",
            &[told("a", 7, 9, 80, 42), told("a", 0, 5, 10, 42)],
            "80 in 42, 9 old, stdin",
        ),
    ]);
}

#[test]
fn a_value_is_as_old_as_the_newest_reading_that_confirms_it() {
    check(&[
        (
            "another source confirms it",
            &[said(Stdin, 9, 29, 42), said(Endpoint, 2, 29, 42)],
            "29 in 42, 2 old, endpoint",
        ),
        (
            "a repeated value is no observation",
            &[told("a", 7, 9, 29, 42), told("a", 7, 2, 29, 42)],
            "29 in 42, 9 old, stdin",
        ),
        (
            "unless the session waited",
            &[told("a", 7, 9, 29, 42), told("a", 8, 2, 29, 42)],
            "29 in 42, 2 old, stdin",
        ),
        (
            "a count that began again shows nothing",
            &[told("a", 7, 9, 29, 42), told("a", 0, 2, 29, 42)],
            "29 in 42, 9 old, stdin",
        ),
        (
            "but counts from there",
            &[told("a", 7, 9, 29, 42), told("a", 0, 5, 29, 42), told("a", 1, 2, 29, 42)],
            "29 in 42, 2 old, stdin",
        ),
        (
            "nothing tells whether the session waited",
            &[said(Stdin, 9, 29, 42), said(Stdin, 2, 29, 42)],
            "29 in 42, 9 old, stdin",
        ),
        (
            "another session was told the same",
            &[told("a", 7, 9, 29, 42), told("b", 7, 2, 29, 42)],
            "29 in 42, 2 old, stdin",
        ),
        (
            "an unknown use confirms nothing",
            &[said(Endpoint, 9, 29, 42), unknown(said(Endpoint, 2, 0, 42))],
            "29 in 42, 9 old, endpoint",
        ),
        (
            "what was ignored confirms nothing",
            &[said(Stdin, 9, 29, 42), told("b", 7, 2, 20, 42)],
            "29 in 42, 9 old, stdin",
        ),
        ("nor does a hand", &[said(Stdin, 9, 29, 42), said(Manual, 2, 29, 42)], "29 in 42, 9 old, stdin"),
        (
            "an idle session repeats what was lowered since",
            &[told("a", 7, 9, 80, 42), said(Endpoint, 5, 10, 42), told("a", 7, 2, 80, 42)],
            "10 in 42, 5 old, endpoint",
        ),
    ]);
}

#[test]
fn a_reading_without_a_reset_belongs_to_the_window_that_was_open() {
    check(&[
        (
            "it rises with it",
            &[said(Stdin, 9, 29, 42), said(Endpoint, 2, 31, None)],
            "31 in 42, 2 old, endpoint",
        ),
        (
            "it is told before the reset",
            &[said(Endpoint, 9, 31, None), said(Stdin, 2, 29, 42)],
            "31 in 42, 9 old, endpoint",
        ),
        (
            "nothing is used any more",
            &[said(Stdin, 9, 29, 42), said(Endpoint, 2, 0, None)],
            "0 in 42, 2 old, endpoint",
        ),
        (
            "the window had not begun",
            &[said(Endpoint, 60, 90, None), said(Stdin, 2, 1, 299)],
            "1 in 299, 2 old, stdin",
        ),
        (
            "it began 241 minutes ago",
            &[said(Endpoint, 241, 90, None), said(Stdin, 2, 1, 60)],
            "90 in 60, 241 old, endpoint",
        ),
        (
            "242 minutes ago it had not",
            &[said(Endpoint, 242, 90, None), said(Stdin, 2, 1, 60)],
            "1 in 60, 2 old, stdin",
        ),
        (
            "the window had ended",
            &[said(Stdin, 60, 98, -10), said(Endpoint, 2, 3, None)],
            "3 in ?, 2 old, endpoint",
        ),
        (
            "at the reset it has ended",
            &[said(Stdin, 60, 98, -10), said(Endpoint, 10, 3, None)],
            "3 in ?, 10 old, endpoint",
        ),
        (
            "nobody told a reset",
            &[said(Endpoint, 9, 31, None), said(Stdin, 2, 29, None)],
            "31 in ?, 9 old, endpoint",
        ),
        ("five hours later its window is over", &[said(Endpoint, 300, 31, None)], "over"),
        ("not a minute before", &[said(Endpoint, 299, 31, None)], "31 in ?, 299 old, endpoint"),
        (
            "five hours apart are two windows",
            &[said(Endpoint, 301, 90, None), said(Stdin, 1, 2, None)],
            "2 in ?, 1 old, stdin",
        ),
        (
            "a limit of no known length begins at the reset before",
            &[
                of(Window::Other("spend".into()), said(Stdin, 99, 80, -50)),
                of(Window::Other("spend".into()), said(Stdin, 60, 90, None)),
                of(Window::Other("spend".into()), said(Stdin, 1, 5, 9_000)),
                of(Window::Other("spend".into()), said(Stdin, 2, 7, None)),
            ],
            "7 in 9000, 2 old, stdin",
        ),
    ]);
}

#[test]
fn a_window_that_is_over_shows_reset_until_a_new_reading_comes() {
    check(&[
        ("a minute ago", &[said(Endpoint, 5, 98, -1)], "over"),
        ("this very moment", &[said(Endpoint, 5, 98, 0)], "over"),
        ("a repeated reading is none", &[told("a", 7, 30, 98, -1), told("a", 7, 0, 98, -1)], "over"),
        ("observed after its own reset", &[said(Endpoint, 0, 98, -1)], "over"),
        (
            "unknown use without a reset tells nothing",
            &[said(Endpoint, 5, 98, -1), unknown(said(Endpoint, 0, 0, None))],
            "over",
        ),
        ("a reset in 1970", &[said(Stdin, 0, 98, -NOW / MINUTE_MS)], "over"),
        (
            "a new one",
            &[said(Endpoint, 5, 98, -1), said(Endpoint, 0, 0, None)],
            "not started, 0 old, endpoint",
        ),
    ]);
    let current = merged(&[said(Endpoint, 5, 98, 1)]).unwrap();
    assert_eq!(current.view(&Window::FiveHour, NOW + MINUTE_MS), View::Over, "known a minute ago, shown now");
}

#[test]
fn nothing_is_no_value_and_0_is_one() {
    check(&[
        ("0 without a reset has not started", &[said(Endpoint, 1, 0, None)], "not started, 1 old, endpoint"),
        (
            "and stays so, although it gets old",
            &[said(Endpoint, 999, 0, None)],
            "not started, 999 old, endpoint",
        ),
        ("0 with a reset runs", &[said(Endpoint, 1, 0, 42)], "0 in 42, 1 old, endpoint"),
        ("null is unknown", &[unknown(said(Endpoint, 1, 0, 42))], "? in 42, 1 old, endpoint"),
        ("neither use nor reset", &[unknown(said(Endpoint, 1, 0, None))], "nothing"),
        ("no readings", &[], "nothing"),
        (
            "null does not lower",
            &[said(Stdin, 9, 29, 42), unknown(said(Endpoint, 1, 0, 42))],
            "29 in 42, 9 old, stdin",
        ),
    ]);
}

#[test]
fn accounts_and_windows_are_kept_apart() {
    let other = |reading: Reading| Reading { account: account("other"), ..reading };
    let readings = [
        said(Stdin, 1, 29, 42),
        other(said(Stdin, 1, 90, 42)),
        of(Window::SevenDay, said(Stdin, 1, 51, 6_000)),
        of(Window::SevenDayModel("opus".into()), unknown(said(Stdin, 1, 0, None))),
    ];
    let accounts = merge_all(&readings, NOW);
    let percents: Vec<(String, String, i32)> = accounts
        .iter()
        .flat_map(|(account, windows)| {
            windows.iter().map(move |(window, current)| (account, window, current))
        })
        .map(|(account, window, current)| {
            (account.to_string(), window.to_string(), current.percent.unwrap().whole())
        })
        .collect();
    let row = |account: &str, window: &str, percent| (account.to_owned(), window.to_owned(), percent);
    let expected =
        [row("org/one", "five_hour", 29), row("org/one", "seven_day", 51), row("org/other", "five_hour", 90)];
    assert_eq!(percents, expected);
}
