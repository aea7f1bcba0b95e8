//! The buckets of a series: where hours, days and months of a zone begin inside of a range.

use std::ops::Range;

use cco_model::civil::{self, day_start_ms};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Granularity, MOST_POINTS, milliseconds};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Buckets that have a part in a range: when each starts, and the instants that cut the range into those parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) starts: Vec<i64>,
    /// One more, unless there is no bucket: the end of the range.
    pub(super) cuts: Vec<i64>,
}

/// How finely a range can be told: so finely, or as finely as there are not too many points. One call of a clock that
/// was wrong may be millennia away from the others.
pub fn fitting(finest: Granularity, range: &Range<Timestamp>, zone: &TimeZone) -> Granularity {
    let range = milliseconds(range);
    let fits = |it: &Granularity| buckets(&range, zone, *it, MOST_POINTS).is_ok();
    let mut coarser = Granularity::ALL.into_iter().skip_while(|it| *it != finest);
    coarser.find(fits).unwrap_or(Granularity::Century)
}

/// The hour of the zone's clock that holds an instant. One that is repeated is two, one that is cut by a change of
/// clocks is shorter.
pub fn hour_of(at: Timestamp, zone: &TimeZone) -> Range<Timestamp> {
    let mut steps = ClockSteps::new(at.as_millisecond(), HOUR_MS, zone);
    let start = steps.next;
    steps.next();
    civil::timestamp(start)..civil::timestamp(steps.next)
}

/// The buckets of a range of UTC milliseconds; an error when they are more than `most`: how many.
pub(super) fn buckets(
    range: &Range<i64>,
    zone: &TimeZone,
    granularity: Granularity,
    most: usize,
) -> Result<Buckets, u64> {
    if range.is_empty() {
        return Ok(Buckets::default());
    }
    let starts: Vec<i64> = starts(range, zone, granularity).take(most + 1).collect();
    if starts.len() > most {
        return Err(about_how_many(&(starts[0]..range.end), zone, granularity).max(starts.len() as u64));
    }
    let mut cuts = starts.clone();
    cuts[0] = range.start;
    cuts.push(range.end);
    Ok(Buckets { starts, cuts })
}

/// Where the buckets of a range start; the first one at or before it.
pub(super) fn starts<'z>(
    range: &Range<i64>,
    zone: &'z TimeZone,
    granularity: Granularity,
) -> Box<dyn Iterator<Item = i64> + 'z> {
    let end = range.end;
    let all: Box<dyn Iterator<Item = i64>> = match granularity {
        Granularity::Minute => Box::new(ClockSteps::new(range.start, MINUTE_MS, zone)),
        Granularity::Hour => Box::new(ClockSteps::new(range.start, HOUR_MS, zone)),
        _ => Box::new(DaySteps::new(range.start, zone, granularity)),
    };
    Box::new(all.take_while(move |start| *start < end))
}

/// How many buckets there are, without making them.
fn about_how_many(range: &Range<i64>, zone: &TimeZone, granularity: Granularity) -> u64 {
    let (first, last) = (civil::day_of(range.start, zone), civil::day_of(range.end - 1, zone));
    let length = range.end.saturating_sub(range.start).unsigned_abs();
    let days = |first: Date, last: Date| (last.duration_since(first).as_hours() / 24).unsigned_abs();
    let months = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month());
    match granularity {
        Granularity::Minute => length.div_ceil(MINUTE_MS.unsigned_abs()),
        Granularity::Hour => length.div_ceil(HOUR_MS.unsigned_abs()),
        Granularity::Day => days(first, last) + 1,
        Granularity::Week => days(civil::week_start(first), civil::week_start(last)) / 7 + 1,
        Granularity::Month => (months(last) - months(first)).unsigned_abs() + 1,
        Granularity::Year => u64::from(first.year().abs_diff(last.year())) + 1,
        Granularity::Century => {
            u64::from(century(first).abs_diff(century(last))) / u64::from(YEARS.unsigned_abs()) + 1
        }
    }
}

/// The years of a century, and the first of the one that holds a day.
const YEARS: i16 = 100;

fn century(day: Date) -> i16 {
    day.year().div_euclid(YEARS) * YEARS
}

/// The first days of days, weeks, months, years or centuries. One that a zone skipped altogether is none.
struct DaySteps<'z> {
    zone: &'z TimeZone,
    granularity: Granularity,
    next: Option<Date>,
    last_ms: Option<i64>,
}

impl<'z> DaySteps<'z> {
    fn new(at_ms: i64, zone: &'z TimeZone, granularity: Granularity) -> Self {
        let day = civil::day_of(at_ms, zone);
        let first = match granularity {
            Granularity::Week => civil::week_start(day),
            Granularity::Month => day.first_of_month(),
            Granularity::Year => day.first_of_year(),
            // The first century that there is begins later.
            Granularity::Century => Date::new(century(day), 1, 1).unwrap_or(Date::MIN),
            _ => day,
        };
        Self { zone, granularity, next: Some(first), last_ms: None }
    }
}

impl Iterator for DaySteps<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        loop {
            let day = self.next?;
            self.next = match self.granularity {
                Granularity::Century => Date::new(century(day) + YEARS, 1, 1).ok(),
                Granularity::Year => day.checked_add(1.year()).ok(),
                Granularity::Month => day.checked_add(1.month()).ok(),
                Granularity::Week => day.checked_add(7.days()).ok(),
                _ => day.checked_add(1.day()).ok(),
            };
            // A skipped day starts with the one behind it, which is told once.
            let start = day_start_ms(day, self.zone);
            if self.last_ms.is_none_or(|last| start > last) {
                self.last_ms = Some(start);
                return Some(start);
            }
        }
    }
}

/// The instants at which a clock of the zone shows a whole unit, or is set.
struct ClockSteps<'z> {
    zone: &'z TimeZone,
    unit: i64,
    next: i64,
    /// The next instant at which the clock is set; none: it never is again.
    change: Option<i64>,
    offset_ms: i64,
}

impl<'z> ClockSteps<'z> {
    fn new(at_ms: i64, unit: i64, zone: &'z TimeZone) -> Self {
        let mut steps = Self { zone, unit, next: at_ms, change: None, offset_ms: 0 };
        steps.set(at_ms);
        let whole = (at_ms + steps.offset_ms).div_euclid(unit) * unit - steps.offset_ms;
        let set = zone
            .preceding(civil::timestamp(at_ms.saturating_add(1)))
            .map(|change| change.timestamp())
            .take_while(|at| at.as_millisecond() > whole)
            .find(|at| is_set(zone, *at));
        steps.next = set.map_or(whole, Timestamp::as_millisecond);
        steps
    }

    /// The clock as it is from this instant on.
    fn set(&mut self, at_ms: i64) {
        let at = civil::timestamp(at_ms);
        self.offset_ms = offset_ms(self.zone, at);
        let mut changes = self.zone.following(at).map(|change| change.timestamp());
        self.change = changes.find(|at| is_set(self.zone, *at)).map(Timestamp::as_millisecond);
    }
}

impl Iterator for ClockSteps<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let start = self.next;
        let whole = ((start + self.offset_ms).div_euclid(self.unit) + 1) * self.unit - self.offset_ms;
        match self.change {
            Some(change) if change <= whole => {
                self.next = change;
                self.set(change);
            }
            _ => self.next = whole,
        }
        Some(start)
    }
}

fn offset_ms(zone: &TimeZone, at: Timestamp) -> i64 {
    i64::from(zone.to_offset(at).seconds()) * 1_000
}

/// A change of the zone's rules at this instant moves the clock.
fn is_set(zone: &TimeZone, at: Timestamp) -> bool {
    offset_ms(zone, at) != offset_ms(zone, at.saturating_sub(1.millisecond()).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn hour(now: &str, name: &str) -> String {
        let hour = hour_of(at(now), &zone(name));
        assert!(hour.contains(&at(now)), "{now} is not in {hour:?}");
        format!("{}..{}", hour.start, hour.end)
    }

    #[test]
    fn an_hour_holds_its_instant_and_ends_where_the_clock_is_set() {
        let place = "Australia/Lord_Howe";
        // Half an hour back, at two: the last half hour comes again, and is an hour of its own.
        assert_eq!(hour("2026-04-04T14:45:00Z", place), "2026-04-04T14:00:00Z..2026-04-04T15:00:00Z");
        assert_eq!(hour("2026-04-04T15:15:00Z", place), "2026-04-04T15:00:00Z..2026-04-04T15:30:00Z");
        // Half an hour on, at two.
        assert_eq!(hour("2026-10-03T15:29:59Z", place), "2026-10-03T14:30:00Z..2026-10-03T15:30:00Z");
        assert_eq!(hour("2026-10-03T15:45:00Z", place), "2026-10-03T15:30:00Z..2026-10-03T16:00:00Z");
        assert_eq!(
            hour("2026-10-25T01:30:00Z", "Europe/Berlin"),
            "2026-10-25T01:00:00Z..2026-10-25T02:00:00Z"
        );
        assert_eq!(
            hour("2026-11-25T11:59:59.999Z", "Asia/Kathmandu"),
            "2026-11-25T11:15:00Z..2026-11-25T12:15:00Z"
        );
    }

    #[test]
    fn any_range_can_be_told_as_finely_as_its_length_allows() {
        let finest =
            |from: &str, to: &str, finest| fitting(finest, &(at(from)..at(to)), &zone("Asia/Kathmandu"));
        let day = ("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z");
        assert_eq!(finest(day.0, day.1, Granularity::Minute), Granularity::Minute);
        assert_eq!(finest(day.0, day.1, Granularity::Month), Granularity::Month);
        assert_eq!(finest(day.0, "2026-12-26T00:00:00Z", Granularity::Minute), Granularity::Hour);
        assert_eq!(finest(day.0, "2200-01-01T00:00:00Z", Granularity::Month), Granularity::Year);
        assert_eq!(finest("0001-01-01T00:00:00Z", day.1, Granularity::Month), Granularity::Century);
        let all = fitting(Granularity::Minute, &(Timestamp::MIN..Timestamp::MAX), &TimeZone::UTC);
        assert_eq!(all, Granularity::Century);
        let all = milliseconds(&(Timestamp::MIN..Timestamp::MAX));
        assert_eq!(
            buckets(&all, &TimeZone::UTC, Granularity::Century, MOST_POINTS).map(|it| it.starts.len()),
            Ok(200)
        );
    }
}
