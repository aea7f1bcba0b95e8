//! Small pieces of text: names made harmless, numbers and times made readable.
//!
//! Must not: write anywhere.

use cco_engine::report::BurnRate;
use cco_model::money::NanoUsd;
use cco_model::sums::Sums;
use cco_model::untrusted::is_treacherous;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

pub(crate) use cco_model::untrusted::clean;
pub(crate) use cco_wire::text::{clip, escape_json, iso, iso_ms, name, whole_project};

/// The longest name in a list of models.
const MODEL_LIMIT: usize = 40;

/// A message of ours that may quote names, and may have lines, without what could steer the terminal.
pub(crate) fn clean_lines(message: &str) -> String {
    message.replace(|c| c != '\n' && is_treacherous(c), "")
}

/// A word for a line of a shell: quoted where it has to be.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The name of a model without what all of them share: `opus-4-8` for `claude-opus-4-8-20260101`, `us.sonnet-4` for
/// `us.anthropic.claude-sonnet-4-20250514-v1:0`.
pub(crate) fn short_model(model: &str) -> String {
    let model = clean(model);
    let (region, own) = match model.split_once("anthropic.") {
        Some((region, own)) if region.is_empty() || region.ends_with('.') => (region, own),
        _ => ("", &*model),
    };
    let own = own.split_once("-v").filter(|(_, version)| is_version(version)).map_or(own, |(head, _)| head);
    let short = own.strip_prefix("claude-").unwrap_or(own);
    let short = match short.rsplit_once(['-', '@']) {
        Some((head, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => short,
    };
    clip(&format!("{region}{short}"), MODEL_LIMIT)
}

/// `1:0`, as Bedrock ends the names of models.
fn is_version(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|b| b == b':' || b.is_ascii_digit())
}

/// The last part of a project's path; `unknown` for none.
pub(crate) fn project(path: &str) -> String {
    name(&whole_project(path))
}

/// A project's path, for a report of projects: two may end alike.
pub(crate) fn project_path(path: &str) -> String {
    if path.is_empty() { "unknown".to_owned() } else { clean(path).into_owned() }
}

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    separated(&number.to_string())
}

/// A cent in nano-dollars.
const CENT_NANOS: u64 = 10_000_000;

/// `$1,234.57`, or `-$0.12`. `$0.00` is nothing at all: what is less than a cent is `<$0.01`, a loss of it `-<$0.01`.
pub(crate) fn dollars(amount: NanoUsd) -> String {
    if amount.0 != 0 && amount.0.unsigned_abs() < CENT_NANOS {
        return if amount.0 < 0 { "-<$0.01" } else { "<$0.01" }.to_owned();
    }
    let cents = amount.cents();
    let (sign, digits) = cents.strip_prefix('-').map_or(("", cents.as_str()), |digits| ("-", digits));
    let (whole, rest) = digits.split_at(digits.len() - 3);
    format!("{sign}${}{rest}", separated(whole))
}

/// The cost of a group of calls: `$12.35`, `$12.35+?` when some have no price, `?` when none has one.
pub(crate) fn cost(sums: &Sums) -> String {
    marked(sums.cost, sums.calls, sums.unpriced_calls)
}

/// What calls cost in an hour, marked by whether these calls have prices.
pub(crate) fn cost_per_hour(rate: &BurnRate) -> String {
    marked(rate.cost_per_hour, rate.calls, rate.unpriced_calls)
}

fn marked(amount: NanoUsd, calls: u64, unpriced: u64) -> String {
    match unpriced {
        0 => dollars(amount),
        all if all == calls => "?".to_owned(),
        _ => format!("{}+?", dollars(amount)),
    }
}

/// An amount that is worked out from a group's cost, marked as unknown as the group's cost is.
pub(crate) fn derived_cost(amount: NanoUsd, sums: &Sums) -> String {
    marked(amount, sums.calls, sums.unpriced_calls)
}

/// `1.2 GB`; powers of 1000, as file managers have it.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000, "kB"), (1_000_000, "MB"), (1_000_000_000, "GB"), (1_000_000_000_000, "TB")];
    if number < 1000 {
        return format!("{number} B");
    }
    let tenths = |unit: u64| (number + unit / 20) / (unit / 10);
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| tenths(*unit) < 10_000).unwrap_or(UNITS[3]);
    format!("{}.{} {name}", count(tenths(unit) / 10), tenths(unit) % 10)
}

/// `one` or `{number} {many}`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Hours and minutes: `2 h 13 min`, `45 min`.
pub(crate) fn duration(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}

/// `2026-10-20 14:00` in a zone.
pub(crate) fn minute(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `14:00` in the zone of `now`, with the day when that is not today: `Wed 02:00`.
pub(crate) fn clock(time: Timestamp, now: &Zoned) -> String {
    let time = time.to_zoned(now.time_zone().clone());
    let format = if time.date() == now.date() { "%H:%M" } else { "%a %H:%M" };
    time.strftime(format).to_string()
}

fn separated(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(clean("claude-opus-4-8"), "claude-opus-4-8");
        assert_eq!(clean("a\u{1b}[31mb\u{9b}2Jc\r\n\td\u{7f}"), "a[31mb2Jcd");
        assert_eq!(clean("x\u{202e}y\u{2066}z\u{200b}\u{200d}\u{feff}"), "xyz");
        assert_eq!(clean("naïve 東京 🌿"), "naïve 東京 🌿");
        assert_eq!(
            escape_json("\"a\u{9b}\u{202e}\u{e0001}b\"\n".to_owned()),
            "\"a\\u009b\\u202e\\udb40\\udc01b\"\n"
        );
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(dollars(NanoUsd(12_350_000_000)), "$12.35");
        assert_eq!(dollars(NanoUsd(-1_234_567_000_000)), "-$1,234.57");
        assert_eq!(duration(133), "2 h 13 min");
        assert_eq!(duration(60), "1 h 00 min");
    }

    #[test]
    fn sizes_are_readable() {
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_449, "1.4 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (52_000_000, "52.0 MB"),
            (1_250_000_000, "1.3 GB"),
            (5_000_000_000_000_000, "5,000.0 TB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn little_is_not_nothing() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1, "<$0.01"),
            (5_000_000, "<$0.01"),
            (9_999_999, "<$0.01"),
            (10_000_000, "$0.01"),
            (-1, "-<$0.01"),
            (-9_999_999, "-<$0.01"),
            (-10_000_000, "-$0.01"),
        ] {
            assert_eq!(dollars(NanoUsd(nanos)), text, "{nanos}");
        }
        let sums = Sums { calls: 2, unpriced_calls: 1, cost: NanoUsd(255_000), ..Sums::default() };
        assert_eq!(cost(&sums), "<$0.01+?", "what has no price is said beside it");
    }

    #[test]
    fn unknown_prices_show() {
        let sums = |calls, unpriced_calls| Sums {
            calls,
            unpriced_calls,
            cost: NanoUsd(10_000_000),
            ..Sums::default()
        };
        assert_eq!(cost(&sums(2, 0)), "$0.01");
        assert_eq!(cost(&sums(2, 1)), "$0.01+?");
        assert_eq!(cost(&sums(2, 2)), "?");
        assert_eq!(cost(&Sums::default()), "$0.00");
    }

    #[test]
    fn names_are_short() {
        assert_eq!(short_model("claude-haiku-4-5-20251001"), "haiku-4-5");
        assert_eq!(short_model("other"), "other");
        assert_eq!(short_model("us.anthropic.claude-sonnet-4-20250514-v1:0"), "us.sonnet-4");
        assert_eq!(short_model("anthropic.claude-opus-4-6-v1:0"), "opus-4-6");
        assert_eq!(short_model("claude-sonnet-4-5@20250929"), "sonnet-4-5");
        assert_eq!(short_model("vendor/anthropic.x"), "vendor/anthropic.x");
        assert_eq!(short_model("proxy-v2"), "proxy-v2");
        assert_eq!(short_model(&"x".repeat(100)).chars().count(), 40);
        assert_eq!(project("/home/u/atlas/"), "atlas");
        assert_eq!(project("/"), "/");
        assert_eq!(project(""), "unknown");
        assert_eq!(name(&"x".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn times_are_iso_with_milliseconds() {
        let time: Timestamp = "2026-10-20T12:00:00.0071Z".parse().unwrap();
        assert_eq!(iso(time), "2026-10-20T12:00:00.007Z");
    }
}
