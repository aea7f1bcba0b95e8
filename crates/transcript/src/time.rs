//! Row timestamps: any ISO 8601 offset, as UTC milliseconds since 1970.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// UTC milliseconds of an ISO 8601 time; one without an offset is taken as UTC. None when it is unreadable.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    if let Some(at_ms) = parse_usual(text) {
        return Some(at_ms);
    }
    let text = std::str::from_utf8(text).ok()?;
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    let nanos = at.as_nanosecond();
    i64::try_from(cco_model::money::round_half_even(nanos, 1_000_000)).ok()
}

/// The shape that nearly all rows have, `2026-10-20T12:00:00.000Z`, without a general parser.
fn parse_usual(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let shape = [text[4], text[7], text[10], text[13], text[16], text[19], text[23]];
    if &shape != b"--T::.Z" {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, milli) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    let usual = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !usual {
        return days_29_to_31(text);
    }
    let days = days_from_civil(year, month, day);
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli)
}

/// The days that not every month has go through the general parser, which knows the calendar.
fn days_29_to_31(text: &[u8]) -> Option<i64> {
    let at: Timestamp = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(at.as_millisecond())
}

/// Days since 1970-01-01 of a proleptic Gregorian date, years counted from March so that leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_fractions_and_bare_times_are_utc_milliseconds() {
        for (text, want) in [
            ("2026-10-20T12:00:00.000Z", Some(1_792_497_600_000)),
            ("2026-10-20T12:00:00Z", Some(1_792_497_600_000)),
            ("2026-10-20T14:00:00+02:00", Some(1_792_497_600_000)),
            ("2026-10-20T12:00:00", Some(1_792_497_600_000)),
            ("2026-10-20T12:00:00.123456Z", Some(1_792_497_600_123)),
            ("2024-02-29T00:00:00.000Z", Some(1_709_164_800_000)),
            ("2023-02-29T00:00:00.000Z", None),
            ("2026-10-20T24:00:00.000Z", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn the_short_way_agrees_with_the_general_parser_on_every_day_of_four_centuries() {
        let mut day = jiff::civil::date(1970, 1, 1);
        while day.year() < 2372 {
            let text = format!("{day}T23:59:58.007Z");
            let general: Timestamp = text.parse().expect("a valid time");
            assert_eq!(parse(text.as_bytes()), Some(general.as_millisecond()), "{text}");
            day = day.tomorrow().expect("a later day");
        }
    }
}
