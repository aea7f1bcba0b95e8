use jiff::civil::{Date, date};

use super::super::HOUR_MS;
use super::super::login::Reason;
use super::*;

const SUNDAY: Date = date(2026, 2, 8);
const MONDAY: Date = date(2026, 2, 9);

fn vienna() -> TimeZone {
    TimeZone::get("Europe/Vienna").expect("the system's zone database has this zone")
}

/// 13:18 in Vienna.
fn quarter_past_one(day: Date) -> i64 {
    day.at(13, 18, 0, 0).to_zoned(vienna()).unwrap().timestamp().as_millisecond()
}

/// Tenths of a percent, seconds to the reset, age in minutes.
fn read(now: i64, tenths: impl Into<Option<i32>>, reset_s: impl Into<Option<i64>>, age_min: i64) -> Current {
    Current {
        percent: tenths.into().map(|tenths| Percent::of_tenths(&Window::FiveHour, tenths)),
        resets_at_ms: reset_s.into().map(|seconds| now + seconds * 1_000),
        observed_at_ms: Some(now - age_min * MINUTE_MS),
        source: Source::Stdin,
    }
}

const NOTHING: Known<'static> =
    Known { current: None, local: None, trouble: None, login: Login::Active, sessions: Sessions::Live };

const DEAD: Login = Login::NeedsLogin { reason: Reason::SessionEnded, since_ms: 0 };

fn text(window: &Window, day: Date, known: &Known<'_>) -> String {
    shown(window, known, quarter_past_one(day), &vienna()).map_or_else(String::new, |shown| shown.labelled())
}

#[test]
fn the_worked_examples_are_shown_as_written() {
    let hours = |hours: i64, tenths: i64| hours * 3_600 + tenths * 360;
    let rows = [
        (Window::FiveHour, SUNDAY, 290, 42 * 60, 1, "⌛:42m(29%)"),
        (Window::FiveHour, SUNDAY, 290, 42 * 60, 5, "⌛:42m(29%)⚠"),
        (Window::FiveHour, SUNDAY, 290, 42 * 60, 11, "⌛:42m(29%)⚠⚠"),
        (Window::FiveHour, SUNDAY, 290, 42 * 60, 61, "⌛:42m(29%)🔺"),
        (Window::FiveHour, SUNDAY, 730, 135 * 60, 1, "⌛:2h15m(73%)"),
        (Window::SevenDay, SUNDAY, 980, 97 * 3_600 + 20 * 60, 1, "📅:97h(98%)@Thu"),
        (Window::SevenDay, MONDAY, 510, hours(27, 6), 698, "📅:27h(51%)@Tue🔺"),
        (Window::FiveHour, SUNDAY, 980, -60, 2, "⌛:reset"),
        (Window::FiveHour, SUNDAY, 980, -60, 700, "⌛:reset"),
        // Rounded down, to the last second.
        (Window::FiveHour, SUNDAY, 299, 42 * 60 + 59, 1, "⌛:42m(29%)"),
        (Window::FiveHour, SUNDAY, 9, 59, 1, "⌛:0m(0%)"),
        (Window::FiveHour, SUNDAY, 999, 3 * 3_600 + 59, 1, "⌛:3h(99%)"),
        (Window::FiveHour, SUNDAY, 1_000, 3_600 + 300, 1, "⌛:1h5m(100%)"),
        (Window::SevenDay, SUNDAY, 510, 59 * 60 + 59, 1, "📅:59m(51%)@Sun"),
        (Window::SevenDayModel("opus".into()), SUNDAY, 980, 97 * 3_600, 1, "📅Opus:97h(98%)@Thu"),
        (Window::Other("extra_usage".into()), SUNDAY, 980, 97 * 3_600, 1, "extra_usage:97h(98%)"),
        // A clock that is behind makes no window longer than it is.
        (Window::FiveHour, SUNDAY, 290, 77 * 3_600, 1, "⌛:5h(29%)"),
    ];
    for (window, day, tenths, reset_s, age, expected) in rows {
        let current = read(quarter_past_one(day), tenths, reset_s, age);
        let known = Known { current: Some(&current), ..NOTHING };
        assert_eq!(text(&window, day, &known), expected);
    }
}

#[test]
fn a_window_that_has_not_started_shows_its_whole_length() {
    let now = quarter_past_one(SUNDAY);
    let current = read(now, 0, None, 1);
    let known = Known { current: Some(&current), ..NOTHING };
    assert_eq!(text(&Window::FiveHour, SUNDAY, &known), "⌛:5h(0%)");
    assert_eq!(text(&Window::SevenDay, SUNDAY, &known), "📅:168h(0%)");
    assert_eq!(text(&Window::Other("spend".into()), SUNDAY, &known), "spend:(0%)");
}

#[test]
fn what_is_not_told_is_left_out() {
    let now = quarter_past_one(SUNDAY);
    let (no_percent, no_reset) = (read(now, None, 42 * 60, 1), read(now, 290, None, 1));
    let shown = |current| text(&Window::FiveHour, SUNDAY, &Known { current: Some(current), ..NOTHING });
    assert_eq!(shown(&no_percent), "⌛:42m");
    assert_eq!(shown(&no_reset), "⌛:(29%)");
    assert_eq!(text(&Window::FiveHour, SUNDAY, &NOTHING), "");
}

#[test]
fn the_day_of_a_reset_is_that_of_the_zone() {
    // Thursday 01:00 in Vienna is Wednesday in New York.
    let end = date(2026, 2, 12).at(1, 0, 0, 0).to_zoned(vienna()).unwrap().timestamp().as_millisecond();
    let now = quarter_past_one(SUNDAY);
    let current = Current { resets_at_ms: Some(end), ..read(now, 510, None, 1) };
    let known = Known { current: Some(&current), ..NOTHING };
    let in_zone = |zone| shown(&Window::SevenDay, &known, now, &zone).unwrap().to_string();
    assert_eq!(in_zone(vienna()), "83h(51%)@Thu");
    assert_eq!(in_zone(TimeZone::get("America/New_York").unwrap()), "83h(51%)@Wed");
    assert_eq!(in_zone(TimeZone::UTC), "83h(51%)@Thu");
}

#[test]
fn marks_follow_the_account_and_the_source() {
    let now = quarter_past_one(SUNDAY);
    let at_age = |age, source, sessions, login| {
        let current = Current { source, ..read(now, 290, 42 * 60, age) };
        text(&Window::FiveHour, SUNDAY, &Known { current: Some(&current), sessions, login, ..NOTHING })
    };
    use Sessions::{Idle, Live};
    let active = Login::Active;
    assert_eq!(at_age(11, Source::Stdin, Idle, active), "⌛:42m(29%)");
    assert_eq!(at_age(12, Source::Stdin, Idle, active), "⌛:42m(29%)⚠");
    assert_eq!(at_age(239, Source::Manual, Live, active), "⌛:42m(29%)");
    assert_eq!(at_age(240, Source::Manual, Live, active), "⌛:42m(29%)⚠");
    assert_eq!(at_age(1, Source::Stdin, Live, DEAD), "⌛:42m(29%)🔺", "what is known stays");
    let no_time = Current { observed_at_ms: None, ..read(now, 290, 42 * 60, 0) };
    let known = Known { current: Some(&no_time), ..NOTHING };
    assert_eq!(text(&Window::FiveHour, SUNDAY, &known), "⌛:42m(29%)🔺");
}

#[test]
fn without_a_reading_local_use_speaks_and_without_that_what_is_in_the_way() {
    let now = quarter_past_one(SUNDAY);
    let local = |tokens, minutes: i64| {
        Some(LocalUse { tokens, ends_at_ms: now + minutes * MINUTE_MS, age_ms: Some(0) })
    };
    let over = read(now, 980, -60, 5);
    let current = Some(&over);
    let (network, no_login) = (Some(Trouble::Network), Some(Trouble::NoCredentials));
    let rows = [
        (Known { local: local(420_000, 75), ..NOTHING }, "⌛:~1h15m 420k"),
        (Known { local: local(1_500_000, 75), trouble: network, ..NOTHING }, "⌛:~1h15m 1.5M"),
        (Known { local: local(999, 0), trouble: network, ..NOTHING }, "⌛:[network]"),
        (Known { local: local(0, 75), trouble: network, ..NOTHING }, "⌛:[network]"),
        (Known { login: DEAD, ..NOTHING }, "⌛:[login]🔺"),
        (Known { login: DEAD, trouble: network, ..NOTHING }, "⌛:[login]🔺"),
        (Known { login: DEAD, current, ..NOTHING }, "⌛:[login]🔺"),
        (Known { login: DEAD, current, local: local(999, 75), ..NOTHING }, "⌛:~1h15m 999🔺"),
        (Known { trouble: no_login, ..NOTHING }, "⌛:[no login]🔺"),
        (Known { current, local: local(999, 75), trouble: network, ..NOTHING }, "⌛:reset"),
    ];
    for (known, expected) in rows {
        assert_eq!(text(&Window::FiveHour, SUNDAY, &known), expected, "{known:?}");
    }
    let aged = LocalUse { tokens: 83_499_999, ends_at_ms: now + HOUR_MS, age_ms: Some(300_000) };
    assert_eq!(text(&Window::FiveHour, SUNDAY, &Known { local: Some(aged), ..NOTHING }), "⌛:~1h 83.4M⚠");
    let week = Known { local: local(420_000, 75), ..NOTHING };
    assert_eq!(text(&Window::SevenDay, SUNDAY, &week), "", "a block says nothing of a week");
}

#[test]
fn counts_are_as_short_as_they_can_be() {
    let shorts =
        [0, 999, 1_000, 1_999, 999_999, 1_000_000, 1_049_999, 1_500_000, 83_400_000].map(short_count);
    assert_eq!(shorts, ["0", "999", "1k", "1k", "999k", "1M", "1M", "1.5M", "83.4M"]);
}
