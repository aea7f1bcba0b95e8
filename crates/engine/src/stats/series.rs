//! The buckets of a series: where hours, days and months of a zone begin inside of a range.

use std::ops::Range;

use cco_model::civil::{self, day_start_ms};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::Granularity;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Buckets that have a part in a range: when each starts, and the instants that cut the range into those parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) starts: Vec<i64>,
    /// One more, unless there is no bucket: the end of the range.
    pub(super) cuts: Vec<i64>,
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
        Granularity::Day | Granularity::Week | Granularity::Month => {
            Box::new(DaySteps::new(range.start, zone, granularity))
        }
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
    }
}

/// The first days of days, weeks or months. One that a zone skipped altogether is none.
struct DaySteps<'z> {
    zone: &'z TimeZone,
    granularity: Granularity,
    next: Option<Date>,
    last_ms: i64,
}

impl<'z> DaySteps<'z> {
    fn new(at_ms: i64, zone: &'z TimeZone, granularity: Granularity) -> Self {
        let day = civil::day_of(at_ms, zone);
        let first = match granularity {
            Granularity::Week => civil::week_start(day),
            Granularity::Month => day.first_of_month(),
            _ => day,
        };
        Self { zone, granularity, next: Some(first), last_ms: i64::MIN }
    }
}

impl Iterator for DaySteps<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        loop {
            let day = self.next?;
            let step = match self.granularity {
                Granularity::Week => 7.days(),
                Granularity::Month => 1.month(),
                _ => 1.day(),
            };
            self.next = day.checked_add(step).ok();
            // A skipped day starts with the one behind it, which is told once.
            let start = day_start_ms(day, self.zone);
            if start > self.last_ms {
                self.last_ms = start;
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
