//! Resets that are told as a day of the week and a time of day.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

const HOUR_MS: i64 = 3_600_000;

/// `Thu`, `thursday`.
pub(super) fn weekday(text: &str) -> Option<Weekday> {
    let text = text.trim().to_ascii_lowercase();
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let found = days.iter().position(|day| text.len() >= 3 && day.starts_with(&text))?;
    Weekday::from_monday_zero_offset(i8::try_from(found).ok()?).ok()
}

/// `17:00`, `9:00`, `9am`, `12:30 PM`.
pub(super) fn time(text: &str) -> Option<Time> {
    let text = text.trim().to_ascii_lowercase();
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits.trim_end(), Some(0)),
        (None, Some(digits)) => (digits.trim_end(), Some(12)),
        (None, None) => (text.as_str(), None),
    };
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (hour, minute),
        None if half.is_some() => (digits, "0"),
        _ => return None,
    };
    let hour: i8 = hour.parse().ok()?;
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
        None => hour,
    };
    Time::new(hour, minute.parse().ok()?, 0, 0).ok()
}

/// The first time after `after_ms` at which it is this day and time in the zone; on the same day with the time past,
/// or just now, a week later. A time that a clock change leaves out comes as much later as the clock jumped.
pub(super) fn next(day: Weekday, time: Time, zone: &TimeZone, after_ms: i64) -> Option<i64> {
    let after = Timestamp::from_millisecond(after_ms).ok()?;
    let today = after.to_zoned(zone.clone()).date();
    let ahead = today.weekday().until(day);
    for days in [ahead, ahead + 7] {
        let date = today.checked_add(Span::new().days(i64::from(days))).ok()?;
        let at = date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp();
        if at > after {
            return Some(at.as_millisecond());
        }
    }
    None
}

/// Whether an end agrees with a number of hours that were left at a time, rounded whichever way.
pub(super) fn agrees(end_ms: i64, at_ms: i64, hours_left: f64) -> bool {
    let left = (end_ms - at_ms) as f64 / HOUR_MS as f64;
    (left - hours_left).abs() <= 1.0
}
