//! Civil days, weeks and quarter hours of instants.
//!
//! Instants are milliseconds since 1970 UTC. No function here panics on any of them: what lies outside the years
//! that [`jiff`] knows is taken for the nearest instant inside.
//! Must not: know which zone is the system's.

use std::ops::Range;

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A quarter of an hour in milliseconds: every zone of today starts its days on a multiple of it.
pub const QUARTER_MS: i64 = 900_000;

/// The number of the quarter hour that holds this instant, counted from 1970 UTC; negative before.
pub fn quarter_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS)
}

/// The UTC day of an instant.
pub fn utc_day(at_ms: i64) -> Date {
    Offset::UTC.to_datetime(timestamp(at_ms)).date()
}

/// The civil day of an instant in a zone: the one day whose [`day_range_ms`] holds it.
///
/// A day that has begun is not left again. Where clocks went back over midnight (Newfoundland until 2011, from 00:01
/// to 23:01), the repeated hour belongs to the new day, although wall clocks showed the old one.
pub fn day_of(at_ms: i64, zone: &TimeZone) -> Date {
    let mut day = zone.to_datetime(timestamp(at_ms)).date();
    while let Ok(next) = day.tomorrow()
        && day_start_ms(next, zone) <= at_ms
    {
        day = next;
    }
    day
}

/// The first instant of a civil day. Of a day that the zone skipped: the first instant of the day that came instead.
pub fn day_start_ms(day: Date, zone: &TimeZone) -> i64 {
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    match zone.to_ambiguous_timestamp(midnight).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            instant_ms(midnight, offset)
        }
        AmbiguousOffset::Gap { before, after } => gap_end_ms(midnight, before, after, zone),
    }
}

/// The instants from the start of `since` to the end of `until`, both days included; without one, without that bound.
/// Empty when `until` lies before `since`.
pub fn day_range_ms(since: Option<Date>, until: Option<Date>, zone: &TimeZone) -> Range<i64> {
    let start = since.map_or(i64::MIN, |day| day_start_ms(day, zone));
    let end = until.and_then(|day| day.tomorrow().ok()).map_or(i64::MAX, |day| day_start_ms(day, zone));
    start..end.max(start)
}

/// The Monday of the week that holds this day.
pub fn week_start(day: Date) -> Date {
    day.saturating_sub(i32::from(day.weekday().to_monday_zero_offset()).days())
}

/// The instant at which the clock jumped over `local`: until then it ran at `before`, from then on at `after`.
///
/// Asked of the zone, because a jump need not start at midnight (Toronto in 1919 went from 23:30 to 00:30).
fn gap_end_ms(local: DateTime, before: Offset, after: Offset, zone: &TimeZone) -> i64 {
    let latest = instant_ms(local, before);
    let Ok(earlier) = after.to_timestamp(local) else { return latest };
    zone.following(earlier)
        .map(|change| (change.timestamp().as_millisecond(), change.offset()))
        .take_while(|(at, _)| *at <= latest)
        .find_map(|(at, offset)| (offset == after).then_some(at))
        .unwrap_or(latest)
}

/// The instant at which a clock of this offset shows `local`; the first or the last one for years that are too far off.
fn instant_ms(local: DateTime, offset: Offset) -> i64 {
    match offset.to_timestamp(local) {
        Ok(at) => at.as_millisecond(),
        Err(_) if local.year() < 0 => i64::MIN,
        Err(_) => i64::MAX,
    }
}

/// The timestamp of an instant, or the nearest there is.
pub fn timestamp(at_ms: i64) -> Timestamp {
    let nearest = if at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at_ms).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("the system's zone database has this zone")
    }

    fn ms(instant: &str) -> i64 {
        instant.parse::<Timestamp>().expect("an instant").as_millisecond()
    }

    #[test]
    fn days_start_where_their_zone_says() {
        let rows = [
            // Kathmandu is 5:45 ahead all year.
            ("Asia/Kathmandu", date(2026, 10, 20), "2026-10-19T18:15:00Z", 24 * HOUR),
            // New York: forward on March 8, back on November 1.
            ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00:00Z", 23 * HOUR),
            ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00:00Z", 25 * HOUR),
            // Lord Howe moves its clocks by half an hour.
            ("Australia/Lord_Howe", date(2026, 4, 5), "2026-04-04T13:00:00Z", 24 * HOUR + HOUR / 2),
            ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30:00Z", 23 * HOUR + HOUR / 2),
            // Casablanca leaves summer time for Ramadan.
            ("Africa/Casablanca", date(2025, 2, 23), "2025-02-22T23:00:00Z", 25 * HOUR),
            ("Africa/Casablanca", date(2025, 4, 6), "2025-04-06T00:00:00Z", 23 * HOUR),
            // Apia slept through December 30.
            ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T10:00:00Z", 24 * HOUR),
            ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00Z", 0),
            ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00Z", 24 * HOUR),
            // Sao Paulo skipped midnight itself, and Toronto the half hours on both sides of it.
            ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00Z", 23 * HOUR),
            ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30:00Z", 23 * HOUR + HOUR / 2),
            // Newfoundland went back from 00:01 to 23:01 of the day before.
            ("America/St_Johns", date(2010, 11, 7), "2010-11-07T02:30:00Z", 25 * HOUR),
        ];
        for (name, day, start, length) in rows {
            let range = day_range_ms(Some(day), Some(day), &zone(name));
            assert_eq!((range.start, range.end - range.start), (ms(start), length), "{name} {day}");
        }
    }

    #[test]
    fn a_day_that_has_begun_is_not_left_again() {
        let newfoundland = zone("America/St_Johns");
        assert_eq!(day_of(ms("2010-11-07T02:29:59Z"), &newfoundland), date(2010, 11, 6));
        assert_eq!(day_of(ms("2010-11-07T02:30:30Z"), &newfoundland), date(2010, 11, 7));
        assert_eq!(day_of(ms("2010-11-07T03:00:00Z"), &newfoundland), date(2010, 11, 7));
    }

    #[test]
    fn a_range_without_days_has_no_bounds_and_a_reversed_one_is_empty() {
        let (day, before) = (date(2026, 10, 20), date(2026, 10, 19));
        let start = ms("2026-10-20T00:00:00Z");
        assert_eq!(day_range_ms(None, None, &TimeZone::UTC), i64::MIN..i64::MAX);
        assert_eq!(day_range_ms(Some(day), None, &TimeZone::UTC), start..i64::MAX);
        assert_eq!(day_range_ms(None, Some(before), &TimeZone::UTC), i64::MIN..start);
        assert!(day_range_ms(Some(day), Some(before), &TimeZone::UTC).is_empty());
        assert_eq!(day_range_ms(None, Some(Date::MAX), &TimeZone::UTC).end, i64::MAX);
    }

    #[test]
    fn weeks_start_on_monday() {
        assert_eq!(week_start(date(2026, 11, 16)), date(2026, 11, 16));
        assert_eq!(week_start(date(2026, 11, 22)), date(2026, 11, 16));
        assert_eq!(week_start(date(2026, 11, 23)), date(2026, 11, 23));
        assert_eq!(week_start(date(2027, 1, 1)), date(2026, 12, 28));
        assert!(week_start(Date::MIN) <= Date::MIN);
    }

    #[test]
    fn quarters_are_counted_downwards_before_1970() {
        let quarters = [0, QUARTER_MS - 1, QUARTER_MS, -1, -QUARTER_MS, -QUARTER_MS - 1].map(quarter_of);
        assert_eq!(quarters, [0, 0, 1, -1, -1, -2]);
    }

    fn any_zone() -> impl Strategy<Value = TimeZone> {
        let names = [
            "UTC",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Asia/Kathmandu",
            "America/New_York",
            "Africa/Casablanca",
            "America/Sao_Paulo",
            "America/St_Johns",
            "America/Toronto",
            "America/Juneau",
            "Africa/Cairo",
        ];
        prop::sample::select(names.to_vec()).prop_map(zone)
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_the_range_of_its_own_day(
            zone in any_zone(),
            at_ms in -4_000_000_000_000_i64..4_000_000_000_000,
        ) {
            let day = day_of(at_ms, &zone);
            prop_assert!(day_range_ms(Some(day), Some(day), &zone).contains(&at_ms), "{day}");
        }

        #[test]
        fn days_tile_time(zone in any_zone(), days in -40_000_i32..40_000) {
            let day = date(1970, 1, 1).saturating_add(days.days());
            let next = day.tomorrow().expect("far from the last day");
            let (one, other) = (day_range_ms(Some(day), Some(day), &zone), day_range_ms(Some(next), Some(next), &zone));
            prop_assert_eq!(one.end, other.start);
            prop_assert!(one.start <= one.end);
            prop_assert_eq!(day_range_ms(Some(day), Some(next), &zone), one.start..other.end);
            if !one.is_empty() {
                prop_assert_eq!((day_of(one.start, &zone), day_of(one.end - 1, &zone)), (day, day));
            }
        }

        #[test]
        fn no_instant_is_too_far_off(zone in any_zone(), at_ms in any::<i64>()) {
            for at_ms in [at_ms, i64::MIN, i64::MAX] {
                let day = day_of(at_ms, &zone);
                let range = day_range_ms(Some(day), Some(day), &zone);
                prop_assert!(range.contains(&at_ms) || range.end == at_ms);
                prop_assert!((utc_day(at_ms).duration_since(day).as_hours()).abs() <= 24);
                prop_assert!(quarter_of(at_ms) <= at_ms.div_euclid(QUARTER_MS));
            }
        }
    }
}
